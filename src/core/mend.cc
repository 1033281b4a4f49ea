#include "core/mend.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/profile_proxy.h"

namespace gracekeeper {
namespace {

Mend raise(const Assessment& a) {
  const auto wanted = a.budget.required();
  const auto most = a.configuration->max_termination_grace_period_seconds;
  if (most && wanted > *most) {
    return {.kind = Mend::Kind::Impossible,
            .reason = fmt::format(
                "on-shortfall raise may set at most {} (maxTerminationGracePeriodSeconds)", *most)};
  }
  return {.kind = Mend::Kind::Raise, .seconds = wanted};
}

// Whether the timeline takes that grace of the proxy's under the grace period.
bool takes(const Assessment& a, Millis proxy_grace, Millis most) {
  auto containers = a.containers;
  for (auto& container : containers) {
    if (container.role != Role::Proxy) continue;
    if (a.proxy.profile)
      container = planned_proxy(a.proxy.with_times(a.proxy.wait.value, proxy_grace));
    else
      container.stop = proxy_grace;
  }
  return is_enough(std::move(containers), std::chrono::floor<Seconds>(most), a.ordered_sidecars());
}

// The longest grace, no longer than this, that the container can be told.
Millis tellable(const Assessment& a, Millis grace) {
  const bool in_seconds = a.proxy.profile && a.proxy.profile->grace.unit == SettingUnit::Second;
  return in_seconds ? std::chrono::floor<Seconds>(grace) : grace;
}

}  // namespace

bool is_short(const Assessment& a) { return a.is_checked && !a.budget.fits(a.grace_period()); }

Mend find_fit(const Assessment& a) {
  const auto impossible = [](std::string reason) {
    return Mend{.kind = Mend::Kind::Impossible, .reason = std::move(reason)};
  };
  if (!a.proxy.exists())
    return impossible("on-shortfall fit has no proxy whose grace it could shorten");
  if (a.proxy.is_istio())
    return impossible("on-shortfall fit does not change the settings of Istio's proxy");
  if (!can_be_told_grace(a.pod(), a.proxy))
    return impossible(fmt::format("on-shortfall fit cannot tell {} its grace: {}",
                                  a.proxy.container_name(), kHasNoArguments));
  const Millis most = a.grace_period();
  Millis grace =
      tellable(a, std::min(most - a.budget.app - a.budget.wait - a.budget.margin, a.budget.grace));
  const auto nothing_left = "on-shortfall fit has nothing left for the proxy's grace";
  if (grace <= Millis{0}) return impossible(nothing_left);
  // With other sidecars the timeline can need more than the sum: the longest grace that it takes is
  // searched for, since the kubelet's least of 2 s makes the need go up in steps.
  if (!takes(a, grace, most)) {
    Millis good{0};
    for (Millis bad = grace; bad - good > Millis{1};) {
      const auto middle = good + (bad - good) / 2;
      (takes(a, middle, most) ? good : bad) = middle;
    }
    if (good <= Millis{0}) return impossible(nothing_left);
    grace = good >= Millis{1000} ? std::chrono::floor<Seconds>(good) : good;
  }
  return {.kind = Mend::Kind::Fit, .grace = grace};
}

Mend find_mend(const Assessment& a) {
  // A pod without containers is left as it is: no API server takes it.
  if (!is_short(a) || a.pod().containers.empty()) return {};
  switch (a.settings.on_shortfall.value) {
    case OnShortfall::Raise:
      return raise(a);
    case OnShortfall::Fit:
      return find_fit(a);
    case OnShortfall::Deny:
    case OnShortfall::Warn:
      return {};
  }
  return {};
}

}  // namespace gracekeeper
