#include "core/shared_value.h"

#include <gtest/gtest.h>
#include <string>

namespace gracekeeper {
namespace {

TEST(Shared, GivesEachWriterACopyOfItsOwn) {
  Shared<std::string> first = "a";
  Shared<std::string> second = first;
  EXPECT_EQ(&*first, &*second) << "nothing is copied before someone writes";
  second.write() += "b";
  EXPECT_EQ(*first, "a");
  EXPECT_EQ(*second, "ab");
  const auto* own = &*second;
  second.write() += "c";
  EXPECT_EQ(&*second, own) << "who shares with nobody writes in place";
}

TEST(Shared, IsEqualByWhatItHolds) {
  const Shared<std::string> a = "x";
  EXPECT_EQ(a, Shared<std::string>(a));
  EXPECT_EQ(a, Shared<std::string>("x"));
  EXPECT_NE(a, Shared<std::string>("y"));
  EXPECT_EQ(*Shared<std::string>(), "");
}

}  // namespace
}  // namespace gracekeeper
