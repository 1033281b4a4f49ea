#include <fmt/format.h>

#include "core/annotations.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

std::vector<Finding> check(const Assessment& a) {
  std::vector<Finding> findings;
  for (const auto& container : a.pod().containers) {
    if (a.is_of_proxy(container.name) || is_proxy_name(container.name) || container.ports.empty() ||
        app_pre_stop(container, a.settings).present)
      continue;
    findings.push_back(
        {.rule = "GK010",
         .name = "prestop-missing",
         .severity = Severity::Info,
         .path = in_pod(a, container.path()),
         .container = container.name,
         .message =
             fmt::format("container {} serves ports and gets SIGTERM at once: requests go on "
                         "arriving for about {} s after the deletion",
                         container.name, format_seconds(a.configuration->endpoint_propagation)),
         .short_message =
             fmt::format("GK010 container {} serves ports without a preStop delay", container.name),
         .remedy = fmt::format(
             "Set {}: {} on the pod template, or add a preStop sleep to the container.",
             annotation::kAppPrestopSleep,
             format_duration(Millis{ceil_seconds(a.configuration->endpoint_propagation) * 1000})),
         .numbers = {}});
  }
  return findings;
}

}  // namespace

Rule gk010_prestop_missing() {
  return {.id = "GK010",
          .name = "prestop-missing",
          .severity = Severity::Info,
          .summary = "an application container serves ports without a preStop delay",
          .cause =
              "A pod's address is removed from its Services at the same time as its containers are "
              "told to stop, "
              "with nothing that puts the two in order: for some seconds requests still arrive. A "
              "short preStop "
              "sleep lets the application serve them.",
          .example =
              "containers:\n"
              "- name: web\n"
              "  ports:\n"
              "  - containerPort: 8080\n",
          .remedy = "Add a preStop sleep of a few seconds, or gracekeeper.dev/app-prestop-sleep.",
          .check_pod = check};
}

}  // namespace gracekeeper
