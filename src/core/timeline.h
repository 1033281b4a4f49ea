// The termination of a pod as a timeline: who gets which signal when.
//
// A pure function of the containers, the grace period and whether the cluster orders native
// sidecars. It follows the kubelet (pkg/kubelet/kuberuntime: killContainer, termination order),
// worst case: apps take their whole shutdown time, the proxy its whole grace.
//
//   plan({{.name = "web", .role = Role::App, .pre_stop = Millis{5000}, .stop = Millis{10000}}},
//        Millis{30000}, true)
//   -> web: preStop ends 5, SIGTERM 5, exit 15, SIGKILL would come at 30
//
// All times count from the pod's deletion.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/duration.h"

namespace gracekeeper {

enum class Role { App, Proxy, Sidecar };

// What is planned of one container.
struct PlannedContainer {
  std::string name;
  Role role = Role::App;
  bool native = false;  // stands among the init containers with restartPolicy: Always
  bool has_pre_stop = false;
  // Its length; absent with has_pre_stop: unknown, and planned as the least that it takes.
  std::optional<Millis> pre_stop;
  Millis pre_stop_at_least{0};
  Millis stop{0};  // from SIGTERM to exit
  // The hook ends when all other containers of the kind that is stopped at once are gone (and that
  // has been noticed), at the latest after its length.
  bool hook_ends_with_others = false;

  [[nodiscard]] Millis hook() const { return pre_stop.value_or(pre_stop_at_least); }
  [[nodiscard]] bool hook_is_unknown() const { return has_pre_stop && !pre_stop; }
  bool operator==(const PlannedContainer&) const = default;
};

// The hook's end after the last of them, at the latest: a quiet period (src/await_app) and a look.
inline constexpr Millis kNoticed{1'000};

struct ContainerTimes {
  std::string name;
  Role role = Role::App;
  std::optional<Millis> pre_stop_end;  // 0 without a hook; absent when its length is unknown
  Millis hook_end{0};                  // the same, or the earliest that it can be
  Millis sigterm{0};
  Millis exit{0};     // when the process is gone, of itself or killed
  Millis sigkill{0};  // when SIGKILL would come
  bool killed = false;
  bool hook_cut_short = false;  // the hook had not ended when the grace period was over
  bool operator==(const ContainerTimes&) const = default;
};

struct Timeline {
  Millis grace_period{0};                  // the effective one, at least 1 s
  std::vector<ContainerTimes> containers;  // in the order of the plan's input
  bool operator==(const Timeline&) const = default;
};

// The grace period that the kubelet works with: at least 1 s (calculateEffectiveGracePeriod).
constexpr Millis effective_grace_period(std::int64_t seconds) {
  return from_seconds(seconds < 1 ? 1 : seconds);
}

// `containers` must list native sidecars in spec order. Without `ordered_sidecars` (before
// Kubernetes 1.29) native sidecars are terminated like all others.
Timeline plan(const std::vector<PlannedContainer>& containers, Millis grace_period,
              bool ordered_sidecars);

// The smallest whole number of seconds (at least 1) under which every hook runs to its end and no
// container is killed. A hook that ends with the others is counted to its length, the latest that
// it takes.
std::int64_t exact_need(std::vector<PlannedContainer> containers, bool ordered_sidecars);
// Whether so many are no fewer than that, without searching for it.
bool is_enough(std::vector<PlannedContainer> containers, Seconds grace_period,
               bool ordered_sidecars);

}  // namespace gracekeeper
