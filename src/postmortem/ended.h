// Each container's end beside its plan: what the judgement looks at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "postmortem/diagnosis.h"

namespace gracekeeper::postmortem {

struct Ended {
  std::string name;
  const PlannedContainer* planned = nullptr;  // null: nothing is known of its spec
  const Container* container = nullptr;       // likewise
  ContainerTimes times;                       // under the stop's grace
  std::optional<ContainerEnd> end;            // absent: it runs, or nothing is recorded
  bool still_runs = false;
  Stop stop;                          // the pod's, or its failed probe's
  std::optional<Millis> life;         // from the stop's request to its end
  std::optional<Millis> hook_failed;  // from the request to the event FailedPreStopHook
  std::string hook_message;

  // SIGKILL: 128 + 9.
  [[nodiscard]] bool is_hard() const { return end && (end->exit_code == 137 || end->signal == 9); }
  [[nodiscard]] bool is_role(Role role) const {
    return planned != nullptr && planned->role == role;
  }
  [[nodiscard]] bool is_ordered_sidecar(const Assessment& a) const {
    return planned != nullptr && planned->native && a.ordered_sidecars();
  }
  // The hook ended with an error long before its time, while its container went on.
  [[nodiscard]] bool hook_failed_early() const;
  // It had not ended when the grace was over.
  [[nodiscard]] bool hook_was_cut() const;
  // Neither the manifest nor an event says how long it ran, so neither when SIGTERM came.
  [[nodiscard]] bool hook_time_is_unknown() const {
    return planned != nullptr && planned->hook_is_unknown() && !hook_failed;
  }
  // Of such a hook: SIGKILL came when it comes after a hook that used up the grace.
  [[nodiscard]] bool hook_seems_cut() const;
};

// In the order of the plan, then what only the status knows. A plain init container is left out.
std::vector<Ended> containers_ended(const Case& found, const Assessment* assessment,
                                    const Stop& pod_stop);

// When it had SIGTERM, as far as the hook's end and the others' ends show it.
Millis sigterm_of(const Ended& one, const std::vector<Ended>& all, const Assessment& assessment);

// When all containers that a native sidecar waits for had ended, and which was the last.
struct Gate {
  Millis time{0};
  std::string last;
};
Gate gate_of(const Ended& sidecar, const std::vector<Ended>& all, const Assessment& assessment);

// What a time that was taken from two truncated ones can be off.
inline constexpr Millis kRounding{1'000};

// The least between SIGTERM and SIGKILL (minimumGracePeriodInSeconds).
inline constexpr Millis kLeastGrace{2'000};

}  // namespace gracekeeper::postmortem
