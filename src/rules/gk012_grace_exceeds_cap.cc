#include <fmt/format.h>

#include "core/mend.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

std::vector<Finding> check(const Assessment& a) {
  const auto cap = a.configuration->max_platform_grace_period;
  // As the webhook would leave it.
  const auto mend = find_mend(a);
  const bool is_raised = mend.kind == Mend::Kind::Raise;
  const auto total = is_raised ? mend.seconds : a.termination_grace_period_seconds;
  if (!cap || from_seconds(total) <= *cap) return {};
  const auto given =
      is_raised ? fmt::format("terminationGracePeriodSeconds {} (set by on-shortfall raise)", total)
                : grace_period_words(a);
  return {{.rule = "GK012",
           .name = "grace-exceeds-cap",
           .severity = Severity::Warning,
           .path = grace_period_path(a),
           .container = std::nullopt,
           .message = fmt::format("{} is more than the {} s that the platform gives when it takes "
                                  "a node away: the rest of the time is not there then",
                                  given, format_seconds(*cap)),
           .short_message = fmt::format("GK012 terminationGracePeriodSeconds {} > platform cap {}",
                                        total, format_seconds(*cap)),
           .remedy = fmt::format("Make the termination fit into {} s, or keep the workload off "
                                 "nodes that are taken away at short notice.",
                                 format_seconds(*cap)),
           .numbers = {{"terminationGracePeriodSeconds", total}, {"cap", *cap}}}};
}

}  // namespace

Rule gk012_grace_exceeds_cap() {
  return {
      .id = "GK012",
      .name = "grace-exceeds-cap",
      .severity = Severity::Warning,
      .summary = "terminationGracePeriodSeconds is more than the configured cap of the platform",
      .cause =
          "Spot nodes, autoscalers and node shutdown end a pod after a time of their own, whatever "
          "the pod "
          "asks for. Silent until platform.maxGracePeriod is configured.",
      .example =
          "# configuration: platform: {maxGracePeriod: 2m}\n"
          "spec:\n"
          "  terminationGracePeriodSeconds: 600\n",
      .remedy = "Make the termination fit into the cap.",
      .check_pod = check};
}

}  // namespace gracekeeper
