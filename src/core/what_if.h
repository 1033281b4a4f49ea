// What would happen if: a pod assessed again with some of its settings changed.
//
//   const WhatIf outcome(assessment, {.annotations = {{"config.linkerd.io/…", "5s"}}},
//   std::nullopt); outcome.is_clean(), outcome.gone(), outcome.assessment().budget.need
//
// Nothing is estimated: the changed pod takes the same way through the settings, the plan and the
// hazards as the pod itself did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/assessment.h"
#include "core/hazard.h"

namespace gracekeeper {

// What somebody could change in the manifest.
struct Change {
  std::vector<std::pair<std::string, std::string>> annotations;  // set on the pod
  std::optional<std::int64_t> termination_grace_period_seconds;
  bool awaits = false;         // the work is wrapped in `linkerd-await --shutdown`
  bool ends_with_app = false;  // the wait, by a helper whose image is named if it is not yet
  bool proxy_first = false;    // a native one in the manifest stands before all other sidecars
  bool reinjected = false;     // an adopted proxy is taken out of the manifest and injected instead
  // Istio's proxy: another terminationDrainDuration, and as a native sidecar without a hook.
  std::optional<Millis> istio_drain;
  bool istio_native = false;
  // App containers' own hooks of known length that are shorter than this become this long.
  std::optional<Millis> shortest_app_hook;

  void annotate(std::string_view key, std::string value);
  bool operator==(const Change&) const = default;
};

class WhatIf {
 public:
  // `base` must outlive this. With an override the changed T decides nothing, as in
  // `kubectl delete --grace-period`.
  WhatIf(const Assessment& base, const Change& change, std::optional<Millis> override);
  WhatIf(const WhatIf&) = delete;
  WhatIf& operator=(const WhatIf&) = delete;

  [[nodiscard]] const Assessment& assessment() const { return assessment_; }
  [[nodiscard]] const Timeline& timeline() const { return timeline_; }
  [[nodiscard]] const std::vector<Hazard>& hazards() const { return hazards_; }

  [[nodiscard]] bool fits() const { return assessment_.budget.fits(timeline_.grace_period); }
  // It fits, and no request fails for a reason that the proxy's settings or T could remove.
  [[nodiscard]] bool is_clean() const;
  [[nodiscard]] bool has(Hazard::Kind kind) const;
  // When the last container is gone.
  [[nodiscard]] Millis gone() const;

 private:
  Subject subject_;  // the changed copies, which assessment_ points to
  std::optional<Configuration> configuration_;
  Assessment assessment_;
  Timeline timeline_;
  std::vector<Hazard> hazards_;
};

// Hazards that mean failure, as against waste or traffic that arrives too late.
constexpr bool is_failure(Hazard::Kind kind) {
  return kind == Hazard::Kind::NewConnectionsRefused || kind == Hazard::Kind::HookCutShort ||
         kind == Hazard::Kind::Killed || kind == Hazard::Kind::NeverEnds;
}

}  // namespace gracekeeper
