#include "core/timeline.h"

#include <algorithm>

namespace gracekeeper {
namespace {

// The kubelet never leaves a container less than this (minimumGracePeriodInSeconds).
constexpr Millis kMinimumGrace{2'000};

// The kubelet deducts elapsed time in whole seconds, truncated.
constexpr Millis whole_seconds(Millis time) { return Millis{time.count() / 1000 * 1000}; }

// SIGTERM is sent at `sigterm`, with `remaining` of the grace period left for the process.
ContainerTimes stop(const PlannedContainer& container, Millis grace_period, Millis sigterm,
                    Millis remaining) {
  ContainerTimes times{.name = container.name, .role = container.role};
  const Millis hook = container.hook();
  if (!container.hook_is_unknown()) times.pre_stop_end = std::min(hook, grace_period);
  times.hook_cut_short = hook > grace_period;
  times.sigterm = sigterm;
  times.sigkill = sigterm + std::max(kMinimumGrace, remaining);
  const Millis wanted_exit = sigterm + container.stop;
  times.killed = wanted_exit > times.sigkill;
  times.exit = std::min(wanted_exit, times.sigkill);
  return times;
}

ContainerTimes stop_unordered(const PlannedContainer& container, Millis grace_period) {
  const Millis hook_end = std::min(container.hook(), grace_period);
  return stop(container, grace_period, hook_end, grace_period - whole_seconds(hook_end));
}

// `gate`: when the mains and the next later sidecar are done.
ContainerTimes stop_in_turn(const PlannedContainer& container, Millis grace_period, Millis gate) {
  const Millis hook_end = std::min(container.hook(), grace_period);
  const Millis remaining = grace_period - whole_seconds(hook_end);
  if (remaining <= Millis{0}) return stop(container, grace_period, hook_end, remaining);
  const Millis sigterm = std::min(std::max(hook_end, gate), hook_end + remaining);
  return stop(container, grace_period, sigterm, remaining - whole_seconds(sigterm - hook_end));
}

bool is_clean(const Timeline& timeline) {
  return std::none_of(timeline.containers.begin(), timeline.containers.end(),
                      [](const ContainerTimes& c) { return c.killed || c.hook_cut_short; });
}

}  // namespace

Timeline plan(const std::vector<PlannedContainer>& containers, Millis grace_period,
              bool ordered_sidecars) {
  Timeline timeline{.grace_period = grace_period, .containers = {}};
  timeline.containers.resize(containers.size());
  Millis mains_done{0};
  const auto is_main = [&](const PlannedContainer& c) { return !ordered_sidecars || !c.native; };
  for (std::size_t i = 0; i < containers.size(); ++i) {
    if (!is_main(containers[i]) || containers[i].hook_ends_with_others) continue;
    timeline.containers[i] = stop_unordered(containers[i], grace_period);
    mains_done = std::max(mains_done, timeline.containers[i].exit);
  }
  const Millis others_gone = mains_done;
  for (std::size_t i = 0; i < containers.size(); ++i) {
    if (!is_main(containers[i]) || !containers[i].hook_ends_with_others) continue;
    auto container = containers[i];
    container.pre_stop = std::min(container.hook(), others_gone + kNoticed);
    timeline.containers[i] = stop_unordered(container, grace_period);
    mains_done = std::max(mains_done, timeline.containers[i].exit);
  }
  // Sidecars stop in reverse order, each when all mains and the next later sidecar are done.
  Millis next_done{0};
  for (std::size_t i = containers.size(); i-- > 0;) {
    if (!ordered_sidecars || !containers[i].native) continue;
    timeline.containers[i] =
        stop_in_turn(containers[i], grace_period, std::max(mains_done, next_done));
    next_done = timeline.containers[i].exit;
  }
  return timeline;
}

std::int64_t exact_need(std::vector<PlannedContainer> containers, bool ordered_sidecars) {
  for (auto& container : containers) container.hook_ends_with_others = false;
  // What is clean under a grace period stays clean under a longer one: a whole second more moves
  // each SIGKILL by that second, and each gate by at most that second. So a binary search finds it.
  std::int64_t enough = 1;
  for (const auto& container : containers) {
    enough += ceil_seconds(container.hook()) + ceil_seconds(container.stop) + 2;
  }
  // What milliseconds can hold, several times beyond the longest single time.
  enough = std::min(enough, 8 * kLongest.count() / 1000);
  std::int64_t too_short = 0;
  while (enough - too_short > 1) {
    const auto middle = too_short + (enough - too_short) / 2;
    if (is_clean(plan(containers, Seconds{middle}, ordered_sidecars))) {
      enough = middle;
    } else {
      too_short = middle;
    }
  }
  return enough;
}

}  // namespace gracekeeper
