#include <fmt/format.h>

#include "core/annotations.h"
#include "rules/places.h"
#include "rules/registry.h"
#include "rules/remedies.h"

namespace gracekeeper {
namespace {

// The sleep, and what the pod needs with it: a classic proxy that waits for the app waits longer.
std::string sleep_remedy(const Assessment& a) {
  const auto sleep =
      format_duration(Millis{ceil_seconds(a.configuration->endpoint_propagation) * 1000});
  Change change;
  change.annotate(annotation::kAppPrestopSleep, sleep);
  std::string words =
      fmt::format("Set {}: {} on the pod template", annotation::kAppPrestopSleep, sleep);
  const bool covers =
      a.proxy.is_classic() && !a.proxy.is_istio() && a.proxy.wait.value >= a.budget.app;
  if (covers && a.proxy.wait.value.count() > 0) {
    const auto app = WhatIf(a, change, std::nullopt).assessment().budget.app;
    if (app > a.proxy.wait.value) {
      const auto wait = std::to_string(ceil_seconds(app));
      change.annotate(a.settings.wait_key(), wait);
      words += fmt::format(", {}: \"{}\"", a.settings.wait_key(), wait);
    }
  }
  return words + longer_grace_words(a, change);
}

std::vector<Finding> check(const Assessment& a) {
  std::vector<Finding> findings;
  std::string remedy;
  for (const auto& container : a.pod().containers) {
    if (a.is_of_proxy(container.name) || is_proxy_name(container.name) || container.ports.empty() ||
        app_pre_stop(container, a.settings).present)
      continue;
    if (remedy.empty()) remedy = sleep_remedy(a);
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
         .remedy = remedy + ", or add a preStop sleep to the container.",
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
