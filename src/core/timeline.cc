#include "core/timeline.h"

#include <algorithm>
#include <optional>

namespace gracekeeper {
namespace {

// The kubelet never leaves a container less than this (minimumGracePeriodInSeconds).
constexpr Millis kMinimumGrace{2'000};

// The kubelet deducts elapsed time in whole seconds, truncated.
constexpr Millis whole_seconds(Millis time) { return Millis{time.count() / 1000 * 1000}; }

// ContainerTimes without whose they are: the search for the exact need asks for many.
struct Stop {
  std::optional<Millis> pre_stop_end;
  Millis hook_end{0};
  Millis sigterm{0};
  Millis exit{0};
  Millis sigkill{0};
  bool killed = false;
  bool hook_cut_short = false;
};

// SIGTERM is sent at `sigterm`, with `remaining` of the grace period left for the process.
Stop stop(const PlannedContainer& container, Millis hook, Millis grace_period, Millis sigterm,
          Millis remaining) {
  Stop times;
  times.hook_end = std::min(hook, grace_period);
  if (!container.hook_is_unknown()) times.pre_stop_end = times.hook_end;
  times.hook_cut_short = hook > grace_period;
  times.sigterm = sigterm;
  times.sigkill = sigterm + std::max(kMinimumGrace, remaining);
  const Millis wanted_exit = sigterm + container.stop;
  times.killed = wanted_exit > times.sigkill;
  times.exit = std::min(wanted_exit, times.sigkill);
  return times;
}

Stop stop_unordered(const PlannedContainer& container, Millis hook, Millis grace_period) {
  const Millis hook_end = std::min(hook, grace_period);
  return stop(container, hook, grace_period, hook_end, grace_period - whole_seconds(hook_end));
}

// `gate`: when the mains and the next later sidecar are done.
Stop stop_in_turn(const PlannedContainer& container, Millis grace_period, Millis gate) {
  const Millis hook = container.hook();
  const Millis hook_end = std::min(hook, grace_period);
  const Millis remaining = grace_period - whole_seconds(hook_end);
  if (remaining <= Millis{0}) return stop(container, hook, grace_period, hook_end, remaining);
  const Millis sigterm = std::min(std::max(hook_end, gate), hook_end + remaining);
  return stop(container, hook, grace_period, sigterm,
              remaining - whole_seconds(sigterm - hook_end));
}

// Calls take(index, Stop) for each container, until it says false.
template <typename Take>
void stop_all(const std::vector<PlannedContainer>& containers, Millis grace_period,
              bool ordered_sidecars, const Take& take) {
  Millis mains_done{0};
  const auto is_main = [&](const PlannedContainer& c) { return !ordered_sidecars || !c.native; };
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const auto& container = containers[i];
    if (!is_main(container) || container.hook_ends_with_others) continue;
    const Stop times = stop_unordered(container, container.hook(), grace_period);
    mains_done = std::max(mains_done, times.exit);
    if (!take(i, times)) return;
  }
  const Millis others_gone = mains_done;
  for (std::size_t i = 0; i < containers.size(); ++i) {
    const auto& container = containers[i];
    if (!is_main(container) || !container.hook_ends_with_others) continue;
    const Stop times =
        stop_unordered(container, std::min(container.hook(), others_gone + kNoticed), grace_period);
    mains_done = std::max(mains_done, times.exit);
    if (!take(i, times)) return;
  }
  // Sidecars stop in reverse order, each when all mains and the next later sidecar are done.
  Millis next_done{0};
  for (std::size_t i = containers.size(); i-- > 0;) {
    if (!ordered_sidecars || !containers[i].native) continue;
    const Stop times = stop_in_turn(containers[i], grace_period, std::max(mains_done, next_done));
    next_done = times.exit;
    if (!take(i, times)) return;
  }
}

void count_hooks_to_their_length(std::vector<PlannedContainer>& containers) {
  for (auto& container : containers) container.hook_ends_with_others = false;
}

bool is_clean(const std::vector<PlannedContainer>& containers, Millis grace_period,
              bool ordered_sidecars) {
  bool clean = true;
  stop_all(containers, grace_period, ordered_sidecars, [&](std::size_t, const Stop& times) {
    return clean = !times.killed && !times.hook_cut_short;
  });
  return clean;
}

}  // namespace

Timeline plan(const std::vector<PlannedContainer>& containers, Millis grace_period,
              bool ordered_sidecars) {
  Timeline timeline{.grace_period = grace_period, .containers = {}};
  timeline.containers.resize(containers.size());
  stop_all(containers, grace_period, ordered_sidecars, [&](std::size_t i, const Stop& times) {
    timeline.containers[i] = {.name = containers[i].name,
                              .role = containers[i].role,
                              .pre_stop_end = times.pre_stop_end,
                              .hook_end = times.hook_end,
                              .sigterm = times.sigterm,
                              .exit = times.exit,
                              .sigkill = times.sigkill,
                              .killed = times.killed,
                              .hook_cut_short = times.hook_cut_short};
    return true;
  });
  return timeline;
}

std::int64_t exact_need(std::vector<PlannedContainer> containers, bool ordered_sidecars) {
  count_hooks_to_their_length(containers);
  // What is clean under a grace period stays clean under a longer one: a whole second more moves
  // each SIGKILL by that second, and each gate by at most that second. So a binary search finds it.
  // Containers that wait for nobody need the longest of their times, sidecars in order the sum.
  // What milliseconds can hold, several times beyond the longest single time.
  constexpr auto most = 8 * kLongest.count() / 1000;
  std::int64_t longest = 0;
  std::int64_t in_turn = 0;
  for (const auto& container : containers) {
    const auto alone = ceil_seconds(container.hook()) + ceil_seconds(container.stop) + 2;
    if (ordered_sidecars && container.native)
      in_turn = std::min(in_turn + alone, most);
    else
      longest = std::max(longest, alone);
  }
  std::int64_t enough = std::min(1 + longest + in_turn, most);
  std::int64_t too_short = 0;
  // Each time was rounded up and given two seconds more: mostly the need lies just below.
  const auto near = enough - 4;
  if (near > 0 && !is_clean(containers, Seconds{near}, ordered_sidecars)) too_short = near;
  while (enough - too_short > 1) {
    const auto middle = too_short + (enough - too_short) / 2;
    if (is_clean(containers, Seconds{middle}, ordered_sidecars)) {
      enough = middle;
    } else {
      too_short = middle;
    }
  }
  return enough;
}

bool is_enough(std::vector<PlannedContainer> containers, Seconds grace_period,
               bool ordered_sidecars) {
  count_hooks_to_their_length(containers);
  return grace_period.count() >= 1 && is_clean(containers, grace_period, ordered_sidecars);
}

}  // namespace gracekeeper
