#include "core/annotation_text.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gracekeeper {
namespace {

// Go's strconv.ParseBool.
TEST(GoBool, TakesWhatGoTakes) {
  for (const std::string_view text : {"1", "t", "T", "TRUE", "true", "True"})
    EXPECT_EQ(parse_go_bool(text), true) << text;
  for (const std::string_view text : {"0", "f", "F", "FALSE", "false", "False"})
    EXPECT_EQ(parse_go_bool(text), false) << text;
  for (const std::string_view text : {"", "yes", "no", "on", "tRUE", " true", "2", "enabled"})
    EXPECT_EQ(parse_go_bool(text), std::nullopt) << text;
}

TEST(AnnotationText, IsSplitAtCommasWithoutBlanksAndEmptyItems) {
  EXPECT_EQ(split_list(" 80, 443 ,,\t9000-9010\n"),
            (std::vector<std::string>{"80", "443", "9000-9010"}));
  EXPECT_EQ(split_list(" , "), std::vector<std::string>{});
  EXPECT_EQ(split_list(""), std::vector<std::string>{});
}

}  // namespace
}  // namespace gracekeeper
