#include <fmt/format.h>

#include "core/annotations.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

// A profile's proxy may begin to drain at another moment than its SIGTERM.
std::string_view drain_words(const Assessment& a) {
  const auto& profile = a.proxy.profile;
  const bool at_sigterm = !profile || (profile->wait.is_in_hook() && !profile->grace.is_in_hook());
  return at_sigterm ? "gets SIGTERM" : "begins to drain";
}

// Istio's proxy goes on beside the app, for a fixed time.
std::vector<Finding> check_istio(const Assessment& a) {
  const Budget& b = a.budget;
  const Millis cover = a.proxy.cover();
  // Where it goes on while connections are open there is nothing to compare.
  if (a.proxy.until_idle || cover >= b.app) return {};
  const bool native_possible = a.configuration->kubernetes_version.has_native_sidecars();
  const bool by_variable = a.proxy.grace_origin == "TERMINATION_DRAIN_DURATION_SECONDS";
  const auto drain = ceil_seconds(b.app - a.proxy.wait.value);
  const auto remedy = by_variable
                          ? fmt::format("Set TERMINATION_DRAIN_DURATION_SECONDS to \"{}\"", drain)
                          : fmt::format("Set terminationDrainDuration: {}s in the annotation {}",
                                        drain, annotation::kIstioConfig);
  return {
      {.rule = "GK003",
       .name = "proxy-stops-before-app",
       .severity = Severity::Warning,
       .path = wait_path(a),
       .container = a.proxy.container_name(),
       .message = fmt::format(
           "the proxy is gone {} s after the deletion ({}drain {}, {}), but container {} may run "
           "for {} s (preStop {} + shutdown {}): its connections fail from then on",
           format_seconds(cover),
           a.proxy.wait.value.count() > 0
               ? fmt::format("preStop {} + ", format_seconds(a.proxy.wait.value))
               : "",
           format_seconds(a.proxy.grace.value), a.proxy.grace_origin, b.app_container,
           format_seconds(b.app),
           b.app_pre_stop ? format_seconds(*b.app_pre_stop) : "of unknown length",
           format_seconds(b.app_shutdown.value)),
       .short_message =
           fmt::format("GK003 drain {} < app {}: connections of the app fail after "
                       "{} s",
                       format_seconds(cover), format_seconds(b.app), format_seconds(cover)),
       .remedy = fmt::format("{}{}.", remedy,
                             native_possible ? ", or let Istio inject native sidecars "
                                               "(ENABLE_NATIVE_SIDECARS of istiod)"
                                             : ""),
       .numbers = {{"wait", a.proxy.wait.value}, {"app", b.app}}}};
}

std::vector<Finding> check(const Assessment& a) {
  if (a.proxy.runs_beside_app()) return check_istio(a);
  const Millis wait = a.proxy.wait.value;
  const Budget& b = a.budget;
  if (!a.proxy.is_classic() || wait >= b.app) return {};
  const bool native_possible = a.configuration->kubernetes_version.has_native_sidecars();
  return {{.rule = "GK003",
           .name = "proxy-stops-before-app",
           .severity = Severity::Warning,
           .path = wait_path(a),
           .container = a.proxy.container_name(),
           .message = fmt::format(
               "{} {} {}, but container {} may run for {} s (preStop {} + shutdown {}): its "
               "new connections fail from then on{}",
               proxy_words(a), drain_words(a),
               wait.count() == 0 ? "at once" : "after " + format_seconds(wait) + " s",
               b.app_container, format_seconds(b.app),
               b.app_pre_stop ? format_seconds(*b.app_pre_stop) : "of unknown length",
               format_seconds(b.app_shutdown.value), assumed_words(a)),
           .short_message =
               fmt::format("GK003 wait {} < app {}: new connections of the app fail after {} s",
                           format_seconds(wait), format_seconds(b.app), format_seconds(wait)),
           .remedy = fmt::format(
               "Set {} to \"{}\"{}.", a.settings.wait_key(), ceil_seconds(b.app),
               native_possible ? ", or use a native sidecar (" + native_switch_words(a) + ")" : ""),
           .numbers = {{"wait", wait}, {"app", b.app}}}};
}

}  // namespace

Rule gk003_proxy_stops_before_app() {
  return {
      .id = "GK003",
      .name = "proxy-stops-before-app",
      .severity = Severity::Warning,
      .summary = "a classic proxy waits less than the slowest application container needs to stop",
      .cause =
          "Application and proxy get SIGTERM at the same moment unless the proxy waits. A proxy "
          "that shuts "
          "down keeps established connections but refuses new ones, also those that the "
          "application opens to "
          "finish its work.",
      .example =
          "metadata:\n"
          "  annotations:\n"
          "    linkerd.io/inject: enabled\n"
          "    config.linkerd.io/proxy-enable-native-sidecar: \"false\"\n"
          "    gracekeeper.dev/app-shutdown: 25s\n",
      .remedy =
          "Let the proxy wait at least as long as the application needs, or use a native sidecar, "
          "which gets "
          "its SIGTERM when the application is gone.",
      .check_pod = check};
}

}  // namespace gracekeeper
