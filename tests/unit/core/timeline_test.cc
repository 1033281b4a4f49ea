#include "core/timeline.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gracekeeper {
namespace {

using std::chrono::milliseconds;

PlannedContainer app(std::string name, std::optional<std::int64_t> hook, std::int64_t stop) {
  return {.name = std::move(name),
          .role = Role::App,
          .native = false,
          .has_pre_stop = hook.has_value(),
          .pre_stop = hook ? std::optional(Millis{*hook}) : std::nullopt,
          .stop = Millis{stop}};
}

PlannedContainer proxy(std::optional<std::int64_t> hook, std::int64_t stop) {
  auto made = app("proxy", hook, stop);
  made.role = Role::Proxy;
  return made;
}

PlannedContainer native(PlannedContainer made) {
  made.native = true;
  return made;
}

PlannedContainer sidecar(std::string name, std::optional<std::int64_t> hook, std::int64_t stop) {
  auto made = native(app(std::move(name), hook, stop));
  made.role = Role::Sidecar;
  return made;
}

PlannedContainer unknown_hook(PlannedContainer made) {
  made.has_pre_stop = true;
  made.pre_stop.reset();
  return made;
}

// "web: hook 5, term 5, exit 15, kill 30" with "killed" and "cut" where they hold.
std::string dump(const Timeline& timeline) {
  std::string out;
  for (const auto& c : timeline.containers) {
    if (!out.empty()) out += "; ";
    out += c.name + ": hook " + (c.pre_stop_end ? format_seconds(*c.pre_stop_end) : "unknown") +
           ", term " + format_seconds(c.sigterm) + ", exit " + format_seconds(c.exit) + ", kill " +
           format_seconds(c.sigkill);
    if (c.killed) out += ", killed";
    if (c.hook_cut_short) out += ", cut";
  }
  return out;
}

struct Row {
  std::string claim;
  std::int64_t grace_period;  // seconds
  std::vector<PlannedContainer> containers;
  std::string expected;
};

void expect_rows(const std::vector<Row>& rows, bool ordered_sidecars = true) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    const auto timeline = plan(row.containers, from_seconds(row.grace_period), ordered_sidecars);
    EXPECT_EQ(timeline.grace_period, from_seconds(row.grace_period));
    EXPECT_EQ(dump(timeline), row.expected);
  }
}

// t_sigterm = p^, t_sigkill = p^ + max(2, G - floor(p^)), worked out by hand.
TEST(Timeline, OfRegularContainers) {
  expect_rows({
      {"no hook", 30, {app("web", {}, 10'000)}, "web: hook 0, term 0, exit 10, kill 30"},
      {"a hook", 30, {app("web", 5'000, 10'000)}, "web: hook 5, term 5, exit 15, kill 30"},
      {"exit at SIGKILL is not killed",
       30,
       {app("web", 5'000, 25'000)},
       "web: hook 5, term 5, exit 30, kill 30"},
      {"a millisecond more is",
       30,
       {app("web", 5'000, 25'001)},
       "web: hook 5, term 5, exit 30, kill 30, killed"},
      {"elapsed time is cut to whole seconds",
       30,
       {app("web", 5'900, 1'000)},
       "web: hook 5.9, term 5.9, exit 6.9, kill 30.9"},
      {"which gives up to a second more",
       30,
       {app("web", 999, 40'000)},
       "web: hook 0.999, term 0.999, exit 30.999, kill 30.999, killed"},
      {"less than 2 s left become 2 s",
       10,
       {app("web", 9'000, 2'000)},
       "web: hook 9, term 9, exit 11, kill 11"},
      {"1 s left after truncation too",
       10,
       {app("web", 9'900, 2'100)},
       "web: hook 9.9, term 9.9, exit 11.9, kill 11.9, killed"},
      {"exactly 2 s left",
       10,
       {app("web", 8'000, 3'000)},
       "web: hook 8, term 8, exit 10, kill 10, killed"},
      {"the hook uses all of it",
       10,
       {app("web", 10'000, 2'000)},
       "web: hook 10, term 10, exit 12, kill 12"},
      {"the hook is longer",
       10,
       {app("web", 60'000, 3'000)},
       "web: hook 10, term 10, exit 12, kill 12, killed, cut"},
      {"a millisecond longer",
       10,
       {app("web", 10'001, 0)},
       "web: hook 10, term 10, exit 10, kill 12, cut"},
      {"a grace of 1 s is 2 s",
       1,
       {app("web", {}, 5'000)},
       "web: hook 0, term 0, exit 2, kill 2, killed"},
      {"a hook under a grace of 1 s",
       1,
       {app("web", 5'000, 5'000)},
       "web: hook 1, term 1, exit 3, kill 3, killed, cut"},
      {"a hook of unknown length counts nothing",
       30,
       {unknown_hook(app("web", {}, 10'000))},
       "web: hook unknown, term 0, exit 10, kill 30"},
      {"a hook of zero", 30, {app("web", 0, 10'000)}, "web: hook 0, term 0, exit 10, kill 30"},
      {"each on its own",
       30,
       {app("web", 5'000, 10'000), app("worker", {}, 60'000)},
       "web: hook 5, term 5, exit 15, kill 30; worker: hook 0, term 0, exit 30, kill 30, killed"},
      {"nothing", 30, {}, ""},
  });
}

TEST(Timeline, OfAClassicProxyRunsBesideTheApp) {
  expect_rows({
      {"no wait",
       30,
       {app("web", 5'000, 10'000), proxy({}, 120'000)},
       "web: hook 5, term 5, exit 15, kill 30; proxy: hook 0, term 0, exit 30, kill 30, killed"},
      {"a wait",
       140,
       {app("web", 5'000, 10'000), proxy(20'000, 120'000)},
       "web: hook 5, term 5, exit 15, kill 140; proxy: hook 20, term 20, exit 140, kill 140"},
      {"a wait longer than the grace",
       30,
       {app("web", 5'000, 10'000), proxy(60'000, 120'000)},
       "web: hook 5, term 5, exit 15, kill 30; "
       "proxy: hook 30, term 30, exit 32, kill 32, killed, cut"},
  });
}

// gate = max(mains done, next later sidecar done); R = G - floor(p^);
// t_sigterm = R <= 0 ? p^ : min(max(p^, gate), p^ + R); t_sigkill = t_sigterm + max(2, R -
// floor(t_sigterm - p^)), worked out by hand.
PlannedContainer ends_with_others(PlannedContainer made) {
  made.hook_ends_with_others = true;
  return made;
}

TEST(Timeline, OfAWaitThatEndsWithTheAppsFollowsTheSlowestOne) {
  const auto waiting = ends_with_others(proxy(20'000, 5'000));
  expect_rows({
      {"one that is fast",
       40,
       {app("web", {}, 2'000), waiting},
       "web: hook 0, term 0, exit 2, kill 40; proxy: hook 3, term 3, exit 8, kill 40"},
      {"wherever the proxy stands",
       40,
       {waiting, app("web", {}, 2'000)},
       "proxy: hook 3, term 3, exit 8, kill 40; web: hook 0, term 0, exit 2, kill 40"},
      {"the slowest of two, with its hook",
       40,
       {app("web", {}, 2'000), app("worker", 5'000, 1'500), waiting},
       "web: hook 0, term 0, exit 2, kill 40; worker: hook 5, term 5, exit 6.5, kill 40; proxy: "
       "hook 7.5, term 7.5, exit 12.5, kill 40.5"},
      {"at the latest when its time is over",
       60,
       {app("web", {}, 30'000), waiting},
       "web: hook 0, term 0, exit 30, kill 60; proxy: hook 20, term 20, exit 25, kill 60"},
      {"an app that is killed",
       10,
       {app("web", {}, 60'000), ends_with_others(proxy(20'000, 1'000))},
       "web: hook 0, term 0, exit 10, kill 10, killed; proxy: hook 10, term 10, exit 11, kill 12, "
       "cut"},
      {"no app", 40, {waiting}, "proxy: hook 1, term 1, exit 6, kill 40"},
  });
}

TEST(ExactNeed, CountsAWaitThatEndsWithTheAppsToItsEnd) {
  const std::vector<PlannedContainer> fixed{app("web", {}, 2'000), proxy(20'000, 5'000)};
  const std::vector<PlannedContainer> ending{fixed[0], ends_with_others(fixed[1])};
  EXPECT_EQ(exact_need(ending, true), 25);
  EXPECT_EQ(exact_need(ending, true), exact_need(fixed, true));
}

TEST(Timeline, OfNativeSidecarsComesAfterTheApps) {
  expect_rows({
      {"the proxy waits for the app",
       60,
       {app("web", 5'000, 10'000), native(proxy({}, 20'000))},
       "web: hook 5, term 5, exit 15, kill 60; proxy: hook 0, term 15, exit 35, kill 60"},
      {"it takes the rest of the grace",
       30,
       {app("web", 5'000, 10'000), native(proxy({}, 120'000))},
       "web: hook 5, term 5, exit 15, kill 30; proxy: hook 0, term 15, exit 30, kill 30, killed"},
      {"the slowest app counts",
       60,
       {app("web", 5'000, 10'000), app("worker", {}, 25'000), native(proxy({}, 1'000))},
       "web: hook 5, term 5, exit 15, kill 60; worker: hook 0, term 0, exit 25, kill 60; "
       "proxy: hook 0, term 25, exit 26, kill 60"},
      {"time in the queue is cut to whole seconds",
       30,
       {app("web", 5'500, 10'000), native(proxy({}, 20'000))},
       "web: hook 5.5, term 5.5, exit 15.5, kill 30.5; "
       "proxy: hook 0, term 15.5, exit 30.5, kill 30.5, killed"},
      {"the apps use all of the grace",
       30,
       {app("web", {}, 60'000), native(proxy({}, 5'000))},
       "web: hook 0, term 0, exit 30, kill 30, killed; "
       "proxy: hook 0, term 30, exit 32, kill 32, killed"},
      {"SIGTERM is forced while an app has 2 s more",
       30,
       {app("web", 30'000, 2'000), native(proxy({}, 1'000))},
       "web: hook 30, term 30, exit 32, kill 32; proxy: hook 0, term 30, exit 31, kill 32"},
      {"a hook shorter than the app changes nothing",
       60,
       {app("web", 5'000, 10'000), native(proxy(8'000, 20'000))},
       "web: hook 5, term 5, exit 15, kill 60; proxy: hook 8, term 15, exit 35, kill 60"},
      {"a longer one delays its own SIGTERM",
       60,
       {app("web", 5'000, 10'000), native(proxy(30'000, 20'000))},
       "web: hook 5, term 5, exit 15, kill 60; proxy: hook 30, term 30, exit 50, kill 60"},
      {"a hook that uses all leaves 2 s",
       30,
       {app("web", 5'000, 10'000), native(proxy(30'000, 20'000))},
       "web: hook 5, term 5, exit 15, kill 30; proxy: hook 30, term 30, exit 32, kill 32, killed"},
      {"and does not wait for anybody then",
       10,
       {app("web", 10'000, 2'000), native(proxy(10'000, 1'000))},
       "web: hook 10, term 10, exit 12, kill 12; proxy: hook 10, term 10, exit 11, kill 12"},
      {"a hook that is cut short",
       10,
       {app("web", {}, 1'000), native(proxy(45'000, 1'000))},
       "web: hook 0, term 0, exit 1, kill 10; proxy: hook 10, term 10, exit 11, kill 12, cut"},
      // p^ = 2.5: R = 8, so it could wait until 10.5; its turn comes at 10, after 7 whole seconds.
      {"a fraction of the hook passes the grace",
       10,
       {app("web", {}, 60'000), native(proxy(2'500, 60'000))},
       "web: hook 0, term 0, exit 10, kill 10, killed; "
       "proxy: hook 2.5, term 10, exit 12, kill 12, killed"},
      {"a fraction of the hook passes the grace",
       10,
       {app("web", 9'900, 60'000), native(proxy(2'500, 60'000))},
       "web: hook 9.9, term 9.9, exit 11.9, kill 11.9, killed; "
       "proxy: hook 2.5, term 10.5, exit 12.5, kill 12.5, killed"},
      {"no app at all", 30, {native(proxy({}, 20'000))}, "proxy: hook 0, term 0, exit 20, kill 30"},
  });
}

TEST(Timeline, StopsSidecarsInReverseOrder) {
  expect_rows({
      {"three in turn",
       60,
       {app("web", {}, 10'000), native(proxy({}, 5'000)), sidecar("logs", {}, 3'000),
        sidecar("metrics", {}, 2'000)},
       "web: hook 0, term 0, exit 10, kill 60; proxy: hook 0, term 15, exit 20, kill 60; "
       "logs: hook 0, term 12, exit 15, kill 60; metrics: hook 0, term 10, exit 12, kill 60"},
      {"a slow last one holds the others",
       20,
       {app("web", {}, 5'000), native(proxy({}, 1'000)), sidecar("logs", {}, 60'000)},
       "web: hook 0, term 0, exit 5, kill 20; proxy: hook 0, term 20, exit 21, kill 22; "
       "logs: hook 0, term 5, exit 20, kill 20, killed"},
      {"an earlier one's hook runs at once",
       60,
       {app("web", {}, 10'000), native(proxy(14'000, 5'000)), sidecar("logs", {}, 3'000)},
       "web: hook 0, term 0, exit 10, kill 60; proxy: hook 14, term 14, exit 19, kill 60; "
       "logs: hook 0, term 10, exit 13, kill 60"},
      {"a classic proxy is a main of the gate",
       60,
       {app("web", {}, 10'000), proxy(20'000, 15'000), sidecar("logs", {}, 3'000)},
       "web: hook 0, term 0, exit 10, kill 60; proxy: hook 20, term 20, exit 35, kill 60; "
       "logs: hook 0, term 35, exit 38, kill 60"},
      {"all of them forced at the end",
       10,
       {app("web", {}, 60'000), sidecar("a", {}, 60'000), sidecar("b", {}, 1'000)},
       "web: hook 0, term 0, exit 10, kill 10, killed; a: hook 0, term 10, exit 12, kill 12, "
       "killed; b: hook 0, term 10, exit 11, kill 12"},
  });
}

TEST(Timeline, WithoutOrderingTreatsSidecarsAsRegular) {
  expect_rows(
      {
          {"before 1.29",
           30,
           {app("web", 5'000, 10'000), native(proxy({}, 20'000)), sidecar("logs", 7'000, 1'000)},
           "web: hook 5, term 5, exit 15, kill 30; proxy: hook 0, term 0, exit 20, kill 30; "
           "logs: hook 7, term 7, exit 8, kill 30"},
      },
      false);
}

TEST(Timeline, HoldsTheLongestTimes) {
  const auto timeline =
      plan({app("web", kLongest.count(), kLongest.count()), native(proxy({}, kLongest.count()))},
           kLongest, true);
  EXPECT_EQ(dump(timeline),
            "web: hook 1000000000000000, term 1000000000000000, exit 1000000000000002, kill "
            "1000000000000002, killed; proxy: hook 0, term 1000000000000000, exit "
            "1000000000000002, kill 1000000000000002, killed");
}

TEST(EffectiveGracePeriod, IsNeverLessThanASecond) {
  EXPECT_EQ(effective_grace_period(30), Millis{30'000});
  EXPECT_EQ(effective_grace_period(1), Millis{1'000});
  EXPECT_EQ(effective_grace_period(0), Millis{1'000});
  EXPECT_EQ(effective_grace_period(-5), Millis{1'000});
}

TEST(ExactNeed, IsTheSmallestGraceThatHoldsAll) {
  struct Need {
    std::string claim;
    std::vector<PlannedContainer> containers;
    std::int64_t ordered;
    std::int64_t unordered;
  };
  const std::vector<Need> rows{
      {"nothing", {}, 1, 1},
      {"an app that is gone at once", {app("web", {}, 0)}, 1, 1},
      {"what ends within the minimum of 2 s", {app("web", {}, 2'000)}, 1, 1},
      {"a little more", {app("web", {}, 2'001)}, 3, 3},
      {"the example without a wait", {app("web", 5'000, 10'000), proxy({}, 120'000)}, 120, 120},
      {"the example with a wait", {app("web", 5'000, 10'000), proxy(20'000, 120'000)}, 140, 140},
      {"the minimum of 2 s is not counted on the hook", {app("web", 20'000, 0)}, 20, 20},
      {"but on the exit", {app("web", 20'000, 2'000)}, 20, 20},
      {"3 s do not fit into it", {app("web", 20'000, 3'000)}, 23, 23},
      {"a hook with a fraction rounds up", {app("web", 20'500, 0)}, 21, 21},
      // T 20: 0.9 + 20 = 20.9 s.
      {"truncation gives the fraction back", {app("web", 900, 20'000)}, 20, 20},
      {"a native proxy comes after the app",
       {app("web", 5'000, 10'000), native(proxy({}, 120'000))},
       135,
       120},
      {"its hook runs beside the app",
       {app("web", 5'000, 10'000), native(proxy(30'000, 5'000))},
       35,
       35},
      {"sidecars add up",
       {app("web", {}, 10'000), native(proxy({}, 5'000)), sidecar("logs", {}, 3'000)},
       18,
       10},
      // The queue's end is forced at T, and 2 s are given then.
      {"a quick sidecar needs no turn", {app("web", {}, 10'000), native(proxy({}, 2'000))}, 10, 10},
      {"longest times add up",
       {app("web", kLongest.count(), kLongest.count()), native(proxy({}, kLongest.count()))},
       3 * kLongest.count() / 1000,
       2 * kLongest.count() / 1000},
      {"an unknown hook counts nothing", {unknown_hook(app("web", {}, 10'000))}, 10, 10},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(exact_need(row.containers, true), row.ordered);
    EXPECT_EQ(exact_need(row.containers, false), row.unordered);
    for (const bool ordered : {true, false}) {
      const Seconds need{ordered ? row.ordered : row.unordered};
      EXPECT_TRUE(is_enough(row.containers, need, ordered));
      EXPECT_FALSE(is_enough(row.containers, need - Seconds{1}, ordered));
    }
  }
}

TEST(ExactNeed, IsHeldAtWhatMillisecondsCanHold) {
  const std::vector<PlannedContainer> many(5'000,
                                           sidecar("logs", kLongest.count(), kLongest.count()));
  EXPECT_EQ(exact_need(many, true), 8 * kLongest.count() / 1000);
}

}  // namespace
}  // namespace gracekeeper
