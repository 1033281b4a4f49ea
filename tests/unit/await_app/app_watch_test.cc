#include "await_app/app_watch.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "await_app/duration_argument.h"
#include "core/timeline.h"

namespace gracekeeper::await_app {
namespace {

constexpr Millis kStart{5'000'000};

struct Step {
  int at;  // milliseconds after the start
  bool socket;
  std::uint64_t begun;
  std::uint64_t accepted = 0;
};

// "wait wait gone 1100": the verdicts and when the last one fell.
std::string verdicts(AppWatch::Limits limits, const std::vector<Step>& steps) {
  AppWatch watch(kStart, limits);
  std::string out;
  for (const auto& step : steps) {
    const auto verdict =
        watch.take(kStart + Millis{step.at},
                   {.app_socket = step.socket, .connects = {step.begun, step.accepted}});
    if (!out.empty()) out += " ";
    out += verdict == Verdict::Wait ? "wait" : verdict == Verdict::AppGone ? "gone" : "time";
  }
  return out;
}

TEST(AppWatch, EndsWhenNoSignHasBeenSeenForTheQuietPeriod) {
  constexpr AppWatch::Limits limits{.quiet = Millis{1'000}, .timeout = Millis{30'000}};
  struct Row {
    const char* claim;
    std::vector<Step> steps;
    const char* expected;
  };
  const Row rows[] = {
      {"never a sign", {{0, false, 3}, {999, false, 3}, {1'000, false, 3}}, "wait wait gone"},
      {"a socket until 700",
       {{0, true, 3}, {700, true, 3}, {1'600, false, 3}, {1'700, false, 3}},
       "wait wait wait gone"},
      {"a socket comes back within the quiet period",
       {{0, true, 3}, {900, false, 3}, {1'000, true, 3}, {1'900, false, 3}, {2'000, false, 3}},
       "wait wait wait wait gone"},
      {"a connection between two looks that see no socket",
       {{0, false, 3, 1}, {500, false, 4, 2}, {1'400, false, 4, 2}, {1'500, false, 4, 2}},
       "wait wait wait gone"},
      {"one that was counted on one side only at the first of two looks",
       {{0, false, 3, 1}, {500, false, 4, 1}, {600, false, 4, 2}, {1'500, false, 4, 2}},
       "wait wait wait wait"},
      {"the next one counts anew",
       {{0, false, 3, 1}, {500, false, 4, 2}, {900, false, 5, 2}, {1'500, false, 5, 2}},
       "wait wait wait gone"},
      {"one that goes out of the pod, or is refused, is no sign",
       {{0, false, 3, 1}, {500, false, 4, 1}, {1'000, false, 5, 1}},
       "wait wait gone"},
      {"one that comes in is none either",
       {{0, false, 3, 1}, {500, false, 3, 2}, {1'000, false, 3, 3}},
       "wait wait gone"},
      {"the first count is no sign, whatever it is",
       {{200, false, 12'345}, {1'000, false, 12'345}},
       "wait gone"},
      {"a count that was set back is one that changed",
       {{0, false, 9, 9}, {900, false, 0, 0}, {1'100, false, 0, 0}},
       "wait wait wait"},
      {"after a long time between two looks a socket still counts from when it was seen",
       {{0, true, 3}, {5'000, true, 3}, {5'900, false, 3}},
       "wait wait wait"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(verdicts(limits, row.steps), row.expected);
  }
}

TEST(AppWatch, EndsAtTheTimeoutWhateverIsSeen) {
  EXPECT_EQ(verdicts({.quiet = Millis{1'000}, .timeout = Millis{3'000}},
                     {{0, true, 1}, {2'999, true, 2}, {3'000, true, 3}}),
            "wait wait time");
  EXPECT_EQ(verdicts({.quiet = Millis{5'000}, .timeout = Millis{3'000}},
                     {{0, false, 1}, {3'000, false, 1}}),
            "wait time");
  EXPECT_EQ(verdicts({.quiet = Millis{1'000}, .timeout = Millis{0}}, {{0, true, 1}}), "time");
}

TEST(AppWatch, NoticesNoLaterThanTheTimelinePlansIt) {
  EXPECT_LE(kDefaultQuiet + kBetweenLooks, kNoticed);
}

TEST(DurationArgument, TakesSecondsAndMilliseconds) {
  EXPECT_EQ(parse_duration_argument("30s"), Millis{30'000});
  EXPECT_EQ(parse_duration_argument("30"), Millis{30'000});
  EXPECT_EQ(parse_duration_argument("1500ms"), Millis{1'500});
  EXPECT_EQ(parse_duration_argument("0"), Millis{0});
  EXPECT_EQ(parse_duration_argument("86400000s"), Millis{86'400'000'000});
  for (const auto* text :
       {"", "s", "-1s", "1.5s", "1m", "30 s", " 30", "86400001s", "99999999999999999999", "1s "}) {
    EXPECT_EQ(parse_duration_argument(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace gracekeeper::await_app
