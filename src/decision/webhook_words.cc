#include "decision/webhook_words.h"

#include <fmt/format.h>

namespace gracekeeper {

std::optional<std::string> webhook_words(const Decision& decision, const Assessment& assessment) {
  const auto& mend = decision.mend;
  switch (mend.kind) {
    case Mend::Kind::Raise:
      return fmt::format(
          "The webhook mends this: with on-shortfall raise it sets "
          "terminationGracePeriodSeconds to {}.",
          mend.seconds);
    case Mend::Kind::Fit:
      return fmt::format(
          "The webhook mends this: with on-shortfall fit it shortens the proxy's grace to {} s.",
          format_seconds(mend.grace));
    case Mend::Kind::Impossible:
      return fmt::format("The webhook cannot mend this and {}: {}.",
                         decision.refusal.empty()
                             ? "lets the pod through with a warning, since only defaults make it "
                               "too short"
                             : "refuses the pod",
                         mend.reason);
    case Mend::Kind::None:
      break;
  }
  if (!decision.refusal.empty()) return "The webhook refuses this pod: on-shortfall is deny.";
  if (!decision.short_of_time) return std::nullopt;
  if (assessment.pod().containers.empty())
    return "The webhook leaves this pod alone: no API server takes one without containers.";
  switch (assessment.settings.on_shortfall.value) {
    case OnShortfall::Warn:
      return "The webhook lets this pod through, with a warning: on-shortfall is warn.";
    case OnShortfall::Deny:
      return "The webhook lets this pod through, with a warning: only defaults make it too short.";
    case OnShortfall::Raise:
    case OnShortfall::Fit:
      break;  // mended or impossible, see above
  }
  return std::nullopt;
}

}  // namespace gracekeeper
