#include <fmt/format.h>

#include "core/annotations.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

bool app_time_is_known(const Assessment& a) {
  for (const auto& container : a.containers) {
    if (container.role == Role::App && container.hook_is_unknown()) return false;
  }
  return true;
}

std::vector<Finding> check(const Assessment& a) {
  const bool is_istio = a.proxy.is_istio();
  const Millis wait = a.proxy.cover();
  const Millis app = a.budget.app;
  if (!a.proxy.is_classic() || a.proxy.until_app_exits || !app_time_is_known(a) ||
      wait <= 2 * app + Millis{30'000})
    return {};
  const bool native_possible = a.configuration->kubernetes_version.has_native_sidecars();
  return {
      {.rule = "GK014",
       .name = "wait-wastes-time",
       .severity = Severity::Info,
       .path = wait_path(a),
       .container = a.proxy.container_name(),
       .message = fmt::format("{} {} {} s, but the application is gone after {} s: "
                              "every rollout and drain is held up for the rest{}",
                              proxy_words(a), is_istio ? "drains for a fixed" : "waits",
                              format_seconds(wait), format_seconds(app), assumed_words(a)),
       .short_message =
           fmt::format("GK014 {} {} is much longer than app {}", is_istio ? "drain" : "wait",
                       format_seconds(wait), format_seconds(app)),
       .remedy = fmt::format(
           "{}{}{}.",
           is_istio
               ? fmt::format("Shorten terminationDrainDuration to about {} s", ceil_seconds(app))
           : app.count() == 0 ? std::string("Remove the wait")
                              : fmt::format("Shorten the wait to about {} s", ceil_seconds(app)),
           app.count() > 0 && !is_istio ? fmt::format(", or let it end with the application ({}: "
                                                      "until-app-exits)",
                                                      annotation::kWaitMode)
                                        : "",
           native_possible && !is_istio ? ", or use a native sidecar, which does not wait "
                                          "for longer than needed"
                                        : ""),
       .numbers = {{"wait", wait}, {"app", app}}}};
}

}  // namespace

Rule gk014_wait_wastes_time() {
  return {.id = "GK014",
          .name = "wait-wastes-time",
          .severity = Severity::Info,
          .summary =
              "the wait is much longer than the application can need (more than twice its time "
              "plus 30 s)",
          .cause =
              "The wait is a fixed sleep: a pod whose application has ended stays until it is "
              "over, which slows "
              "down rollouts, node drains and scaling.",
          .example =
              "metadata:\n"
              "  annotations:\n"
              "    config.alpha.linkerd.io/proxy-wait-before-exit-seconds: \"86400\"\n",
          .remedy =
              "Wait about as long as the application needs, let the wait end with it "
              "(gracekeeper.dev/wait-mode: until-app-exits), or use a native sidecar.",
          .check_pod = check};
}

}  // namespace gracekeeper
