#include "core/variables.h"

#include <gtest/gtest.h>
#include <string>

namespace gracekeeper {
namespace {

Variables three() {
  Variables variables;
  variables.add("A", "1");
  variables.add("B", std::nullopt);
  variables.add("A", "");
  return variables;
}

TEST(Variables, AreThoseThatWereAddedInTheirOrder) {
  const auto variables = three();
  ASSERT_EQ(variables.size(), 3U);
  EXPECT_EQ(variables[0], (Variables::Variable{"A", "1"}));
  EXPECT_EQ(variables[1], (Variables::Variable{"B", std::nullopt}));
  EXPECT_EQ(variables[2], (Variables::Variable{"A", ""})) << "an empty value is one";
}

TEST(Variables, AreFoundByTheLastOfTheirName) {
  const auto variables = three();
  EXPECT_EQ(variables.find("A"), 2U);
  EXPECT_EQ(variables.find("B"), 1U);
  EXPECT_EQ(variables.find("C"), std::nullopt);
  EXPECT_EQ(variables.find(""), std::nullopt);
}

TEST(Variables, TakeAnotherValue) {
  auto variables = three();
  variables.set_value(1, "from here");
  variables.set_value(0, "a longer one than before");
  EXPECT_EQ(variables[0], (Variables::Variable{"A", "a longer one than before"}));
  EXPECT_EQ(variables[1], (Variables::Variable{"B", "from here"}));
  EXPECT_EQ(variables[2], (Variables::Variable{"A", ""}));
}

TEST(Variables, KeepTheirTextsWhileTheyGrow) {
  Variables variables;
  variables.reserve(2);
  for (int i = 0; i < 1000; ++i) variables.add("NAME_" + std::to_string(i), std::to_string(i * i));
  for (int i = 0; i < 1000; ++i) {
    const auto variable = variables[static_cast<std::size_t>(i)];
    EXPECT_EQ(variable.name, "NAME_" + std::to_string(i));
    EXPECT_EQ(variable.value, std::to_string(i * i));
  }
}

TEST(Variables, AreEqualByWhatTheySay) {
  auto changed = three();
  changed.set_value(0, "2");
  EXPECT_NE(changed, three());
  changed.set_value(0, "1");
  EXPECT_EQ(changed, three());
  changed.set_value(1, "");
  EXPECT_NE(changed, three()) << "an empty value is not none";
  auto longer = three();
  longer.add("D", std::nullopt);
  EXPECT_NE(longer, three());
  EXPECT_NE(three(), longer);
}

}  // namespace
}  // namespace gracekeeper
