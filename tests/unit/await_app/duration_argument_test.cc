#include "await_app/duration_argument.h"

#include <gtest/gtest.h>
#include <string>

#include "core/pod.h"

namespace gracekeeper::await_app {
namespace {

TEST(DurationArgument, IsANumberWithOrWithoutAUnit) {
  EXPECT_EQ(parse_duration_argument("30s"), Seconds{30});
  EXPECT_EQ(parse_duration_argument("30"), Seconds{30});
  EXPECT_EQ(parse_duration_argument("500ms"), Millis{500});
  for (const char* wrong : {"", "s", "-1s", "1m", "1.5s", "30 s", "99999999999999999999s"})
    EXPECT_FALSE(parse_duration_argument(wrong)) << wrong;
}

// A hook with a longer one would fail at once and let nothing wait.
TEST(DurationArgument, TakesWhateverThePlannerPutsIntoAHook) {
  const auto longest = kLongestAppWait.count();
  EXPECT_EQ(parse_duration_argument(std::to_string(longest) + "ms"), kLongestAppWait);
  EXPECT_EQ(parse_duration_argument(std::to_string(longest / 1000) + "s"), kLongestAppWait);
  EXPECT_FALSE(parse_duration_argument(std::to_string(longest + 1) + "ms"));
  EXPECT_FALSE(parse_duration_argument(std::to_string(longest / 1000 + 1) + "s"));
}

}  // namespace
}  // namespace gracekeeper::await_app
