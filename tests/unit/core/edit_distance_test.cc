#include "core/edit_distance.h"

#include <gtest/gtest.h>

namespace gracekeeper {
namespace {

TEST(EditDistance, WithinSaysTheSameAsTheDistance) {
  for (const std::string_view a : {"", "a", "ab", "abc", "wait", "wiat", "grace", "a!", "!"}) {
    for (const std::string_view b : {"", "b", "ba", "abcd", "wait", "waits", "race", "xyz"}) {
      for (std::size_t most = 0; most < 6; ++most) {
        EXPECT_EQ(is_within(most, a, b), edit_distance(a, b) <= most)
            << a << ' ' << b << ' ' << most;
      }
    }
  }
}

}  // namespace
}  // namespace gracekeeper
