// One pod, assessed: its settings, its proxy, its planned containers, its timeline and its budget.
// Everything that the rules, the edits and the reports need, computed once.
//
//   const Assessment a = assess(subject, namespace_or_null, configuration);
//   a.budget.need, a.timeline.containers, a.proxy.mode …
//
// The pod is planned as the webhook would leave it, except that `on-shortfall` changes nothing: T
// and the proxy's grace are those written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/configuration.h"
#include "core/job_shutdown.h"
#include "core/pod.h"
#include "core/proxy.h"
#include "core/settings.h"
#include "core/timeline.h"
#include "core/wait_plan.h"

namespace gracekeeper {

// The stated rule `T >= app + wait + grace`, and beside it the exact need from the timeline. A
// classic proxy of Istio's goes on beside the app: there the longer of app and wait + grace counts.
struct Budget {
  // The slowest app container and what its time is made of.
  std::string app_container;
  std::optional<Millis> app_pre_stop;  // absent: of unknown length, counted as the least it takes
  Millis app_pre_stop_at_least{0};
  Sourced<Millis> app_shutdown;
  Millis app{0};
  Millis wait{0};
  Millis grace{0};
  Millis margin{0};
  Millis sum{0};                 // app + wait + grace, plus the margin
  std::int64_t need = 1;         // the sum in whole seconds, rounded up
  std::int64_t exact_need = 1;   // without the margin
  std::int64_t above_hooks = 1;  // longer than every preStop hook of known length
  // The same two with what nobody wrote for this pod counted as nothing.
  Millis stated_sum{0};
  std::int64_t stated_exact_need = 1;
  bool complete = true;  // no hook of unknown length among the containers

  // "5", "at least 45", or what is said of a hook whose length is not known at all.
  [[nodiscard]] std::string app_pre_stop_words(std::string_view unknown) const;
  // The T that would do. A hook that takes all of it ends where it would be killed: that fits, but
  // nobody should be told to set it so (GK002, GK013).
  [[nodiscard]] std::int64_t required() const {
    return std::max(std::max(need, exact_need), above_hooks);
  }
  [[nodiscard]] bool fits(Millis grace_period) const {
    return grace_period >= sum && grace_period >= from_seconds(exact_need);
  }
  [[nodiscard]] bool stated_fits(Millis grace_period) const {
    return grace_period >= stated_sum && grace_period >= from_seconds(stated_exact_need);
  }
  bool operator==(const Budget&) const = default;
};

// `subject`, `where` and `configuration` must outlive the assessment.
struct Assessment {
  const Subject* subject = nullptr;
  const Namespace* where = nullptr;  // the pod's Namespace; nullptr when nothing is known of it
  const Configuration* configuration = nullptr;
  PodSettings settings;
  Proxy proxy;
  std::vector<std::string> remarks;          // about sidecars that are asked for: one sentence each
  std::vector<PlannedContainer> containers;  // apps, proxy, other native sidecars in spec order
  std::int64_t termination_grace_period_seconds =
      kDefaultGracePeriodSeconds;  // T, as written or 30
  bool grace_period_is_written = false;
  Timeline timeline;  // under T
  Budget budget;
  WaitPlan wait_plan;        // what gracekeeper.dev/wait-mode makes of the proxy's wait
  JobShutdown job_shutdown;  // what gracekeeper.dev/job-shutdown makes of the pod
  // Whether the budget is checked: the pod is injected, has a proxy or carries one of the settings.
  bool is_checked = false;

  [[nodiscard]] const Pod& pod() const { return subject->pod; }
  // Linkerd's proxy, the pod's own one, or another container of its profile.
  [[nodiscard]] bool is_of_proxy(std::string_view container) const {
    return container == kProxyName || container == proxy.container_name() ||
           (proxy.profile && proxy.profile->owns(container));
  }
  // No hook of an app container is of unknown length: when the app is gone can be said.
  [[nodiscard]] bool app_time_is_known() const {
    return std::none_of(containers.begin(), containers.end(), [](const PlannedContainer& c) {
      return c.role == Role::App && c.hook_is_unknown();
    });
  }
  [[nodiscard]] Millis grace_period() const {
    return effective_grace_period(termination_grace_period_seconds);
  }
  [[nodiscard]] bool ordered_sidecars() const {
    return configuration->kubernetes_version.has_native_sidecars();
  }
};

Assessment assess(const Subject& subject, const Namespace* where,
                  const Configuration& configuration);
// A temporary would be gone before the assessment is read.
Assessment assess(const Subject&, const Namespace*, const Configuration&&) = delete;
Assessment assess(const Subject&&, const Namespace*, const Configuration&) = delete;

// The pod as it stands, with nothing added: only a proxy that is there counts, with the hook and
// the grace that it carries. For a validating webhook, which sees the final pod.
Assessment assess_as_it_is(const Subject& subject, const Namespace* where,
                           const Configuration& configuration);
Assessment assess_as_it_is(const Subject&, const Namespace*, const Configuration&&) = delete;
Assessment assess_as_it_is(const Subject&&, const Namespace*, const Configuration&) = delete;

// What the hooks of unknown length are counted as: "0 s", "at least 45 s", "at least 45 s (web) and
// 0 s (logs)".
std::string counted_words(const Assessment& assessment);

// The proxy as one of the planned containers.
PlannedContainer planned_proxy(const Proxy& proxy);

// The same containers under another grace period (`kubectl delete --grace-period`, a cap).
Timeline plan_under(const Assessment& assessment, Millis grace_period);

// The preStop time of an app container as the webhook would leave it: its own hook's (absent when
// of unknown length), else the sleep that the settings add, else 0.
struct PrestopTime {
  bool present = false;
  bool added = false;  // by the settings
  std::optional<Millis> length;
  Millis at_least{0};
};
PrestopTime app_pre_stop(const Container& container, const PodSettings& settings);

}  // namespace gracekeeper
