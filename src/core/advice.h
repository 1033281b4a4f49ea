// Advice: the options that there are for one pod, compared, the best first.
//
//   for (const Advice& option : advise(assessment, timeline)) …
//   -> native-sidecar   "Run the proxy as a native sidecar: … terminationGracePeriodSeconds 30 is
//                        enough (app 15 + grace 15): the pod is gone after 30 s at the latest, …"
//
// Every option is planned again with its settings (core/what_if.h): the seconds in its text are
// those of that plan. An option is complete: where it needs another wait, another grace or another
// T to work, these are part of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/assessment.h"
#include "core/timeline.h"

namespace gracekeeper {

struct Advice {
  // A stable id: native-sidecar, proxy-first, longer-wait, shorter-wait, until-app-exits,
  // shorter-grace, longer-termination-grace-period, linkerd-await, app-prestop-sleep,
  // nothing-to-do; Istio's: longer-drain, shorter-drain, quitquitquit.
  std::string option;
  std::string text;  // what, why, and the consequence in seconds
  std::vector<std::pair<std::string, std::string>> annotations;  // to set on the pod template
  std::optional<std::int64_t> termination_grace_period_seconds;  // absent: T can stay
  // With this option alone everything fits, no new connection is refused, no hook is cut short and
  // nothing is killed.
  bool helps = false;
  // False: a preStop hook of unknown length is planned as 0 s in it, as the text says.
  bool times_are_known = true;
  bool operator==(const Advice&) const = default;
};

// `timeline` is the plan that is asked about: assessment.timeline, or one under another grace
// period (plan_under), where a longer T changes nothing. Never empty.
//
// The order: options that help before those that do not; among them native sidecars (the proxy
// outlives the app by itself), then what keeps the pod's termination short, then a longer T.
std::vector<Advice> advise(const Assessment& assessment, const Timeline& timeline);

}  // namespace gracekeeper
