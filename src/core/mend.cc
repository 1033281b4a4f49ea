#include "core/mend.h"

#include <algorithm>
#include <fmt/format.h>

namespace gracekeeper {
namespace {

Millis written_grace_period(const Assessment& a) {
  return from_seconds(a.termination_grace_period_seconds);
}

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

std::int64_t exact_need_with(const Assessment& a, Millis proxy_grace) {
  auto containers = a.containers;
  for (auto& container : containers) {
    if (container.role != Role::Proxy) continue;
    if (a.proxy.profile)
      container = planned_proxy(a.proxy.with_times(a.proxy.wait.value, proxy_grace));
    else
      container.stop = proxy_grace;
  }
  return exact_need(containers, a.ordered_sidecars());
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
  const Millis most = written_grace_period(a);
  Millis grace = tellable(
      a, std::min(most - a.budget.app - a.budget.wait - a.budget.margin, a.budget.grace));
  const auto nothing_left = "on-shortfall fit has nothing left for the proxy's grace";
  if (grace <= Millis{0}) return impossible(nothing_left);
  // With other sidecars the timeline can need more than the sum: take the excess off the grace too.
  if (const auto excess = from_seconds(exact_need_with(a, grace)) - most; excess > Millis{0}) {
    grace -= excess;
    if (grace <= Millis{0} || from_seconds(exact_need_with(a, grace)) > most)
      return impossible(nothing_left);
  }
  return {.kind = Mend::Kind::Fit, .grace = grace};
}

Mend find_mend(const Assessment& a) {
  if (!is_short(a)) return {};
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
