// What must hold of every timeline, tried on many pods made at random from a fixed seed.
#include <algorithm>
#include <cstdint>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include "core/timeline.h"

namespace gracekeeper {
namespace {

struct RandomPod {
  std::vector<PlannedContainer> containers;
  bool ordered = true;
};

class Generator {
 public:
  // Times that meet at the edges: whole seconds, fractions, zero; now and then long ones.
  Millis time(std::int64_t most_seconds) {
    switch (number(0, 5)) {
      case 0:
        return Millis{0};
      case 1:
      case 2:
        return Millis{number(0, most_seconds) * 1000};
      case 3:
        return Millis{number(0, most_seconds * 2) * 500};
      case 4:
        return Millis{number(0, most_seconds) * 1000 + number(-1, 1)} + Millis{1};
      default:
        return Millis{number(0, most_seconds * 1000)};
    }
  }

  PlannedContainer container(std::string name, Role role, bool native, std::int64_t most_seconds) {
    PlannedContainer made{.name = std::move(name),
                          .role = role,
                          .native = native,
                          .has_pre_stop = number(0, 1) == 1,
                          .pre_stop = std::nullopt,
                          .stop = time(most_seconds)};
    if (made.has_pre_stop && number(0, 9) > 0) made.pre_stop = time(most_seconds);
    return made;
  }

  // Apps, a proxy or none, other native sidecars.
  RandomPod pod(bool with_sidecars, std::int64_t most_seconds) {
    RandomPod made;
    made.ordered = number(0, 4) > 0;
    for (std::int64_t i = number(0, 3); i-- > 0;) {
      made.containers.push_back(
          container("app" + std::to_string(i), Role::App, false, most_seconds));
    }
    if (number(0, 4) > 0) {
      made.containers.push_back(container("proxy", Role::Proxy, number(0, 1) == 1, most_seconds));
    }
    for (std::int64_t i = with_sidecars ? number(0, 3) : 0; i-- > 0;) {
      made.containers.push_back(
          container("sidecar" + std::to_string(i), Role::Sidecar, true, most_seconds));
    }
    return made;
  }

  std::int64_t number(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }

 private:
  std::mt19937_64 random_{20'260'821};
};

std::string dump(const RandomPod& pod) {
  std::string out = pod.ordered ? "ordered:" : "unordered:";
  for (const auto& c : pod.containers) {
    out += " " + c.name + (c.native ? " native" : "") + " hook " +
           (!c.has_pre_stop       ? "none"
            : c.hook_is_unknown() ? "unknown"
                                  : format_seconds(*c.pre_stop)) +
           " stop " + format_seconds(c.stop) + ";";
  }
  return out;
}

std::string place(const RandomPod& pod, Millis grace, const std::string& container) {
  return dump(pod) + " grace " + format_seconds(grace) + ", at " + container;
}

bool nothing_is_cut(const Timeline& timeline) {
  return std::all_of(timeline.containers.begin(), timeline.containers.end(),
                     [](const ContainerTimes& c) { return !c.killed && !c.hook_cut_short; });
}

constexpr Millis kSecond{1000};
constexpr int kPods = 20'000;

TEST(TimelineProperty, NothingComesBeforeItsCause) {
  Generator generator;
  for (int i = 0; i < kPods; ++i) {
    const auto pod = generator.pod(true, 20);
    const Millis grace = kSecond * generator.number(1, 30);
    const auto timeline = plan(pod.containers, grace, pod.ordered);
    ASSERT_EQ(timeline.containers.size(), pod.containers.size());
    for (std::size_t k = 0; k < pod.containers.size(); ++k) {
      const auto& planned = pod.containers[k];
      const auto& times = timeline.containers[k];
      const auto where = [&] { return place(pod, grace, planned.name); };
      ASSERT_EQ(times.name, planned.name) << where();
      ASSERT_EQ(times.role, planned.role) << where();
      ASSERT_EQ(times.pre_stop_end.has_value(), !planned.hook_is_unknown()) << where();
      ASSERT_GE(times.sigterm, std::min(planned.hook(), grace)) << "SIGTERM before the hook's end"
                                                                << ": " << where();
      ASSERT_GE(times.exit, times.sigterm) << where();
      ASSERT_GE(times.sigkill, times.sigterm + Millis{2000}) << "less than the minimum of 2 s"
                                                             << ": " << where();
      ASSERT_LE(times.exit, times.sigkill) << where();
      ASSERT_EQ(times.killed, times.sigterm + planned.stop > times.sigkill) << where();
      ASSERT_EQ(times.exit, times.killed ? times.sigkill : times.sigterm + planned.stop) << where();
      ASSERT_EQ(times.hook_cut_short, planned.hook() > grace) << where();
    }
  }
}

TEST(TimelineProperty, SidecarsStopAfterTheAppsAndInReverseOrderUnlessForced) {
  Generator generator;
  int in_turn = 0;
  for (int i = 0; i < kPods; ++i) {
    auto pod = generator.pod(true, 20);
    pod.ordered = true;
    const Millis grace = kSecond * generator.number(1, 60);
    const auto timeline = plan(pod.containers, grace, true);
    Millis gate{0};
    for (std::size_t k = 0; k < pod.containers.size(); ++k) {
      if (!pod.containers[k].native) gate = std::max(gate, timeline.containers[k].exit);
    }
    for (std::size_t k = pod.containers.size(); k-- > 0;) {
      if (!pod.containers[k].native) continue;
      const auto& times = timeline.containers[k];
      const auto where = [&] { return place(pod, grace, times.name); };
      // Before its turn only at the end of the grace period.
      if (times.sigterm < gate) {
        ASSERT_GE(times.sigterm, grace) << where();
      } else {
        ++in_turn;
      }
      gate = std::max(gate, times.exit);
    }
  }
  EXPECT_GT(in_turn, kPods / 2);
}

TEST(TimelineProperty, SigkillIsNeverBeforeTheGraceAndNeverPastTheBound) {
  Generator generator;
  for (int i = 0; i < kPods; ++i) {
    const auto pod = generator.pod(true, 20);
    const Millis grace = kSecond * generator.number(1, 30);
    const auto timeline = plan(pod.containers, grace, pod.ordered);
    for (std::size_t k = 0; k < pod.containers.size(); ++k) {
      const auto& times = timeline.containers[k];
      const auto where = [&] { return place(pod, grace, times.name); };
      // A grace of 1 s is under the minimum of 2 s: still not before it.
      ASSERT_GE(times.sigkill, grace) << where();
      if (pod.ordered && pod.containers[k].native) {
        ASSERT_LT(times.sigkill, grace + 3 * kSecond) << where();
      } else {
        ASSERT_LE(times.sigkill, grace + 2 * kSecond) << where();
      }
    }
  }
}

TEST(TimelineProperty, ALongerGraceNeverBringsAnEventForward) {
  Generator generator;
  for (int i = 0; i < kPods / 4; ++i) {
    const auto pod = generator.pod(true, 12);
    auto before = plan(pod.containers, kSecond, pod.ordered);
    for (std::int64_t seconds = 2; seconds <= 40; ++seconds) {
      const auto after = plan(pod.containers, from_seconds(seconds), pod.ordered);
      for (std::size_t k = 0; k < pod.containers.size(); ++k) {
        const auto& earlier = before.containers[k];
        const auto& later = after.containers[k];
        ASSERT_GE(later.sigkill, earlier.sigkill)
            << dump(pod) << " grace " << seconds << ", at " << later.name;
        ASSERT_GE(later.sigterm, earlier.sigterm)
            << dump(pod) << " grace " << seconds << ", at " << later.name;
        ASSERT_GE(later.exit, earlier.exit)
            << dump(pod) << " grace " << seconds << ", at " << later.name;
      }
      before = after;
    }
  }
}

TEST(TimelineProperty, WhatFitsFitsUnderALongerGraceToo) {
  Generator generator;
  for (int i = 0; i < kPods / 4; ++i) {
    const auto pod = generator.pod(true, 8);
    bool fitted = false;
    for (std::int64_t seconds = 1; seconds <= 80; ++seconds) {
      const bool fits = nothing_is_cut(plan(pod.containers, from_seconds(seconds), pod.ordered));
      ASSERT_TRUE(fits || !fitted) << dump(pod) << " grace " << seconds;
      fitted = fits;
    }
    ASSERT_TRUE(fitted) << dump(pod);
  }
}

// The exact need by trying 1, 2, 3, … instead of the binary search.
TEST(TimelineProperty, ExactNeedIsTheFirstGraceThatFits) {
  Generator generator;
  for (int i = 0; i < kPods; ++i) {
    const auto pod = generator.pod(true, 12);
    std::int64_t first = 1;
    while (!nothing_is_cut(plan(pod.containers, from_seconds(first), pod.ordered))) ++first;
    ASSERT_EQ(exact_need(pod.containers, pod.ordered), first) << dump(pod);
  }
}

TEST(TimelineProperty, TheClosedFormulaBoundsTheExactNeedWithoutOtherSidecars) {
  Generator generator;
  int native = 0;
  int classic = 0;
  for (int i = 0; i < kPods; ++i) {
    auto pod = generator.pod(false, 30);
    Millis app{0};
    Millis wait{0};
    Millis grace{0};
    for (auto& c : pod.containers) {
      if (c.role == Role::App) {
        app = std::max(app, c.hook() + c.stop);
        continue;
      }
      // An injected native proxy has no hook.
      if (c.native) {
        c.has_pre_stop = false;
        c.pre_stop.reset();
        ++native;
      } else {
        ++classic;
      }
      wait = c.hook();
      grace = c.stop;
    }
    const auto closed = std::max<std::int64_t>(1, ceil_seconds(app + wait + grace));
    ASSERT_LE(exact_need(pod.containers, pod.ordered), closed) << dump(pod);
  }
  EXPECT_GT(native, kPods / 5);
  EXPECT_GT(classic, kPods / 5);
}

TEST(TimelineProperty, OtherSidecarsCanNeedMoreThanTheClosedFormula) {
  const std::vector<PlannedContainer> containers{
      {.name = "web", .role = Role::App, .native = false, .stop = Millis{10'000}},
      {.name = "proxy", .role = Role::Proxy, .native = true, .stop = Millis{5'000}},
      {.name = "logs", .role = Role::Sidecar, .native = true, .stop = Millis{30'000}}};
  EXPECT_EQ(exact_need(containers, true), 45);
}

}  // namespace
}  // namespace gracekeeper
