#include "core/advice_basis.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "core/profile_proxy.h"

namespace gracekeeper {
namespace {

// What a proxy needs to end when its app is gone and no connection is left to wait for. A shorter
// grace is never advised.
constexpr Millis kShortestGrace{5'000};

}  // namespace

AdviceBasis::AdviceBasis(const Assessment& assessment, const Timeline& timeline)
    : base_(assessment),
      override_(timeline.grace_period == assessment.grace_period()
                    ? std::nullopt
                    : std::optional(timeline.grace_period)),
      now_(assessment, Change{}, override_) {}

Millis AdviceBasis::app_in_whole_seconds() const {
  return from_seconds(std::max<std::int64_t>(1, ceil_seconds(budget().app)));
}

bool AdviceBasis::wait_is_too_short() const {
  return base_.proxy.is_classic() && !base_.proxy.until_idle && base_.proxy.cover() < budget().app;
}

// Less than a second is rounding, not waste.
bool AdviceBasis::wait_is_too_long() const {
  return base_.proxy.is_classic() && budget().complete && !base_.proxy.until_app_exits &&
         base_.proxy.cover() >= app_in_whole_seconds() + Millis{1000};
}

bool AdviceBasis::wait_is_far_too_long() const {
  return wait_is_too_long() && base_.proxy.cover() > 2 * budget().app + Millis{30'000};
}

bool AdviceBasis::is_well() const {
  return !hook_takes_all() && now_.is_clean() && !now_.has(Hazard::Kind::TrafficAfterStop) &&
         !wait_is_far_too_long();
}

bool AdviceBasis::hook_takes_all() const {
  return !override_ && now_.fits() && from_seconds(budget().required()) > base_.grace_period();
}

// A grace that nobody wrote for this pod may be shortened along with something else.
bool AdviceBasis::may_shorten(const Proxy& proxy) const {
  return proxy.exists() && !proxy.is_istio() && (override_ || !is_stated(proxy.grace.source));
}

// Connections that the app still has after the proxy's SIGTERM last as long as the app.
Millis AdviceBasis::least_grace(const Assessment& assessment) {
  const auto& app = assessment.budget.app;
  const auto& proxy = assessment.proxy;
  if (!proxy.is_classic() || proxy.wait.value >= app) return kShortestGrace;
  return std::max(kShortestGrace, from_seconds(ceil_seconds(app - proxy.wait.value)));
}

bool AdviceBasis::fits_with_grace(Change change, Millis grace, Millis limit) const {
  change.annotate(base_.settings.grace_key(), grace_text(grace));
  return WhatIf(base_, change, override_).assessment().budget.fits(limit);
}

// The longest grace of whole seconds between the two with which the change fits.
std::optional<Millis> AdviceBasis::longest_grace(const Change& change, Millis least, Millis longest,
                                                 Millis limit) const {
  auto good = least.count() / 1000;
  auto bad = ceil_seconds(longest);
  if (good >= bad || !fits_with_grace(change, least, limit)) return std::nullopt;
  while (bad - good > 1) {
    const auto middle = good + (bad - good) / 2;
    (fits_with_grace(change, from_seconds(middle), limit) ? good : bad) = middle;
  }
  return from_seconds(good);
}

Change AdviceBasis::completed(Change change, bool shorten_always) const {
  const WhatIf outcome(base_, change, override_);
  const Millis limit = outcome.timeline().grace_period;
  if (outcome.fits()) return change;
  const auto& a = outcome.assessment();
  const Millis least = least_grace(a);
  if ((shorten_always || may_shorten(a.proxy)) && a.proxy.exists() &&
      can_be_told_grace(a.pod(), a.proxy) && least < a.proxy.grace.value) {
    const Millis cap = base_.configuration->max_platform_grace_period.value_or(limit);
    auto grace = longest_grace(change, least, a.proxy.grace.value, std::min(limit, cap));
    if (!grace) grace = longest_grace(change, least, a.proxy.grace.value, limit);
    change.annotate(base_.settings.grace_key(), grace_text(grace.value_or(least)));
    if (grace) return change;
  }
  if (!override_) {
    change.termination_grace_period_seconds =
        WhatIf(base_, change, override_).assessment().budget.required();
  }
  return change;
}

std::string AdviceBasis::wait_text(Millis time) const {
  const auto& profile = base_.settings.profile;
  return profile ? profile->wait.annotation_text(time) : std::to_string(ceil_seconds(time));
}

std::string AdviceBasis::grace_text(Millis time) const {
  const auto& profile = base_.settings.profile;
  return profile ? profile->grace.annotation_text(time) : fmt::format("{}s", ceil_seconds(time));
}

}  // namespace gracekeeper
