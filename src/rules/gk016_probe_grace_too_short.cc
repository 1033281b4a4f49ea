#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

bool has_own_grace(const std::optional<Probe>& probe) {
  return probe && probe->termination_grace_period_seconds;
}

// Few pods have any: what is planned is only looked for among these.
std::vector<const Container*> with_probe_grace(const Pod& pod) {
  std::vector<const Container*> found;
  for (const auto* list : {&pod.containers, &pod.init_containers}) {
    for (const auto& container : *list) {
      if (has_own_grace(container.liveness) || has_own_grace(container.startup))
        found.push_back(&container);
    }
  }
  return found;
}

std::vector<Finding> check(const Assessment& a) {
  std::vector<Finding> findings;
  const auto candidates = with_probe_grace(a.pod());
  for (const auto& planned : a.containers) {
    if (planned.role == Role::Proxy) continue;
    const auto found = std::find_if(candidates.begin(), candidates.end(),
                                    [&](const auto* c) { return c->name == planned.name; });
    if (found == candidates.end()) continue;
    const auto* container = *found;
    const Millis stop = planned.hook() + planned.stop;
    struct Named {
      const std::optional<Probe>* probe;
      std::string_view name;
    };
    for (const auto& [probe, name] : std::array<Named, 2>{
             {{&container->liveness, "livenessProbe"}, {&container->startup, "startupProbe"}}}) {
      if (!has_own_grace(*probe)) continue;
      const auto own = *(*probe)->termination_grace_period_seconds;
      if (from_seconds(own) >= stop) continue;
      findings.push_back(
          {.rule = "GK016",
           .name = "probe-grace-too-short",
           .severity = Severity::Warning,
           .path = in_pod(a, container->path() / name / "terminationGracePeriodSeconds"),
           .container = planned.name,
           .message = fmt::format("terminationGracePeriodSeconds {} of the {} is less than the {} "
                                  "s that container {} needs to stop (preStop {} + shutdown {})",
                                  own, name, format_seconds(stop), planned.name,
                                  format_seconds(planned.hook()), format_seconds(planned.stop)),
           .short_message = fmt::format("GK016 {} grace {} < stop {} of {}", name, own,
                                        format_seconds(stop), planned.name),
           .remedy = fmt::format(
               "Set it to {} or more, or remove it: then the pod's own grace period holds.",
               ceil_seconds(stop)),
           .numbers = {{"probeTerminationGracePeriodSeconds", own},
                       {"preStop", planned.hook()},
                       {"shutdown", planned.stop}}});
    }
  }
  return findings;
}

}  // namespace

Rule gk016_probe_grace_too_short() {
  return {
      .id = "GK016",
      .name = "probe-grace-too-short",
      .severity = Severity::Warning,
      .summary =
          "a liveness or startup probe's own terminationGracePeriodSeconds is shorter than the "
          "container's stop",
      .cause =
          "When the probe fails, the kubelet restarts the container with the probe's grace period "
          "instead of "
          "the pod's: the preStop hook and the shutdown are cut off.",
      .example =
          "livenessProbe:\n"
          "  terminationGracePeriodSeconds: 5\n",
      .remedy = "Make the probe's grace period as long as the container's stop, or leave it out.",
      .check_pod = check};
}

}  // namespace gracekeeper
