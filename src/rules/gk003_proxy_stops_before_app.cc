#include <algorithm>
#include <fmt/format.h>

#include "core/annotations.h"
#include "core/hazard.h"
#include "core/profile_proxy.h"
#include "core/what_if.h"
#include "rules/places.h"
#include "rules/registry.h"
#include "rules/remedies.h"

namespace gracekeeper {
namespace {

// A profile's proxy may begin to drain at another moment than its SIGTERM.
std::string_view drain_words(const Assessment& a) {
  const auto& profile = a.proxy.profile;
  const bool at_sigterm = !profile || (profile->wait.is_in_hook() && !profile->grace.is_in_hook());
  return at_sigterm ? "gets SIGTERM" : "begins to drain";
}

// Its own hook, which may cover the app or not.
bool proxy_hook_is_unknown(const Assessment& a) { return planned_proxy(a.proxy).hook_is_unknown(); }
std::string unknown_hook_words(const Assessment& a) {
  const Millis least = planned_proxy(a.proxy).hook();
  return fmt::format("its own preStop hook ends, whose length cannot be read ({}{} s)",
                     least.count() > 0 ? "at least " : "counted as ", format_seconds(least));
}

// The switch is for whoever injects the proxy: on one in the manifest it does nothing.
std::string native_remedy(const Assessment& a) {
  if (!a.configuration->kubernetes_version.has_native_sidecars()) return "";
  const bool has_wait = a.settings.wait && a.settings.wait->value.count() > 0;
  if (a.proxy.presence != Proxy::Presence::Adopted)
    return fmt::format(", or use a native sidecar ({}{})", native_switch_words(a),
                       has_wait ? " and no wait" : "");
  return fmt::format(
      ", or take {} out of the manifest and let it be injected as a native sidecar "
      "({}: \"{}\", {}{})",
      a.proxy.container_name(), a.settings.inject_key(), a.settings.inject_value(),
      native_switch_words(a), has_wait ? " and no wait" : "");
}

// The wait that covers the app, and the time that the pod needs with it.
std::string wait_remedy(const Assessment& a, std::string_view note = "") {
  const auto app = std::to_string(ceil_seconds(a.budget.app));
  Change change;
  change.annotate(a.settings.wait_key(), app);
  return fmt::format("et {} to \"{}\"{}{}{}", a.settings.wait_key(), app,
                     a.app_time_is_known() ? "" : " or more", note, longer_grace_words(a, change));
}

// Istio's proxy goes on beside the app, for a fixed time.
std::vector<Finding> check_istio(const Assessment& a) {
  const Budget& b = a.budget;
  const Millis cover = a.proxy.cover();
  // Where it goes on while connections are open there is nothing to compare.
  if (a.proxy.until_idle || cover >= b.app) return {};
  const bool native_possible = a.configuration->kubernetes_version.has_native_sidecars();
  const bool by_variable = a.proxy.grace_origin == "TERMINATION_DRAIN_DURATION_SECONDS";
  const bool unknown = proxy_hook_is_unknown(a);
  const auto drain = ceil_seconds(b.app - a.proxy.wait.value);
  const auto setting = by_variable
                           ? fmt::format("et TERMINATION_DRAIN_DURATION_SECONDS to \"{}\"", drain)
                           : fmt::format("et terminationDrainDuration: {}s in the annotation {}",
                                         drain, annotation::kIstioConfig);
  const auto remedy = unknown ? fmt::format("Make sure that this hook takes {} s or more, or s{}",
                                            ceil_seconds(b.app - a.proxy.grace.value), setting)
                              : "S" + setting;
  const auto drain_time =
      fmt::format("drain {}, {}", format_seconds(a.proxy.grace.value), a.proxy.grace_origin);
  const Millis shown = unknown ? a.proxy.grace.value : cover;
  const auto gone =
      unknown ? fmt::format("{} s ({}) after {}", format_seconds(shown), drain_time,
                            unknown_hook_words(a))
              : fmt::format("{} s after the deletion ({}{})", format_seconds(cover),
                            a.proxy.wait.value.count() > 0
                                ? fmt::format("preStop {} + ", format_seconds(a.proxy.wait.value))
                                : "",
                            drain_time);
  return {{.rule = "GK003",
           .name = "proxy-stops-before-app",
           .severity = Severity::Warning,
           .path = wait_path(a),
           .container = a.proxy.container_name(),
           .message = fmt::format(
               "the proxy is gone {}, but container {} may run for {} s (preStop {} + "
               "shutdown {}): its connections fail from then on",
               gone, b.app_container, format_seconds(b.app),
               b.app_pre_stop_words("of unknown length"), format_seconds(b.app_shutdown.value)),
           .short_message =
               fmt::format("GK003 drain {} < app {}: connections of the app fail after {} s{}",
                           format_seconds(shown), format_seconds(b.app), format_seconds(shown),
                           unknown ? " and the proxy's hook" : ""),
           .remedy = fmt::format("{}{}.", remedy,
                                 native_possible ? ", or let Istio inject native sidecars "
                                                   "(ENABLE_NATIVE_SIDECARS of istiod)"
                                                 : ""),
           .numbers = {{"wait", a.proxy.wait.value}, {"app", b.app}}}};
}

std::string when_words(const Assessment& a) {
  const Millis wait = a.proxy.wait.value;
  if (proxy_hook_is_unknown(a)) {
    const bool in_hook = !a.proxy.profile || a.proxy.profile->wait.is_in_hook();
    return fmt::format("{} {}",
                       in_hook || wait.count() == 0 ? "when" : format_seconds(wait) + " s after",
                       unknown_hook_words(a));
  }
  return wait.count() == 0 ? "at once" : "after " + format_seconds(wait) + " s";
}

std::string remedy_words(const Assessment& a) {
  if (!can_be_told_wait(a.pod(), a.proxy))
    return fmt::format("Write the command or the args of {} into the pod and s{}{}.",
                       a.proxy.container_name(), wait_remedy(a), native_remedy(a));
  if (!proxy_hook_is_unknown(a)) return fmt::format("S{}{}.", wait_remedy(a), native_remedy(a));
  const bool in_hook = !a.proxy.profile || a.proxy.profile->wait.is_in_hook();
  return fmt::format("Make sure that this hook takes {} s or more, or s{}{}.",
                     ceil_seconds(a.budget.app),
                     wait_remedy(a, in_hook ? ", which replaces it," : ""), native_remedy(a));
}

// What makes the proxy stop after the native sidecars. A wait cannot: they wait for a classic
// proxy.
std::string order_remedy(const Assessment& a, std::string_view sidecar) {
  const bool adopted = a.proxy.presence == Proxy::Presence::Adopted;
  Change change;
  std::string remedy;
  if (a.proxy.is_native()) {
    change.proxy_first = true;
    remedy = fmt::format("List {} before {} among the initContainers", a.proxy.container_name(),
                         sidecar);
  } else {
    change.reinjected = adopted;
    if (adopted) change.annotate(a.settings.inject_key(), std::string(a.settings.inject_value()));
    change.annotate(a.settings.native_key(), "true");
    remedy = adopted ? fmt::format(
                           "Take {} out of the manifest and let it be injected as a native "
                           "sidecar ({}: \"{}\", {})",
                           a.proxy.container_name(), a.settings.inject_key(),
                           a.settings.inject_value(), native_switch_words(a))
                     : fmt::format("Use a native sidecar ({})", native_switch_words(a));
    remedy += ", which is stopped after the other ones";
    if (a.settings.wait && a.settings.wait->source == Source::Pod)
      remedy += fmt::format(", and remove {}, which has no effect there", a.settings.wait_key());
  }
  const auto required = WhatIf(a, change, std::nullopt).assessment().budget.required();
  if (from_seconds(required) > a.grace_period() && from_seconds(required) < kLongest) {
    remedy += fmt::format("; terminationGracePeriodSeconds has to be {} or more then", required);
  }
  return remedy + ".";
}

void add_sidecars(const Assessment& a, std::vector<Finding>& findings) {
  if (sidecars_after_proxy(a).empty()) return;
  // Whether the grace period is long enough is GK001's.
  const auto timeline =
      plan_under(a, std::max(a.grace_period(), from_seconds(a.budget.required())));
  for (const auto i : sidecars_without_proxy(a, timeline)) {
    const auto& sidecar = a.containers[i];
    const auto from =
        std::find_if(timeline.containers.begin(), timeline.containers.end(), [](const auto& c) {
          return c.role == Role::Proxy;
        })->sigterm;
    const Millis until = timeline.containers[i].exit;
    const auto* container = a.pod().find_container(sidecar.name);
    if (container == nullptr) continue;
    findings.push_back(
        {.rule = "GK003",
         .name = "proxy-stops-before-app",
         .severity = Severity::Warning,
         .path = in_pod(a, container->path()),
         .container = sidecar.name,
         .message = fmt::format(
             "the native sidecar {} is stopped when the proxy is gone{}: it may run until {} s, "
             "and its new connections fail from {} s on{}",
             sidecar.name,
             a.proxy.is_native() ? ", since it is listed before " + a.proxy.container_name() : "",
             format_seconds(until), format_seconds(from), assumed_words(a)),
         .short_message =
             fmt::format("GK003 new connections of native sidecar {} fail from {} to {} s",
                         sidecar.name, format_seconds(from), format_seconds(until)),
         .remedy = order_remedy(a, sidecar.name),
         .numbers = {{"from", from}, {"until", until}}});
  }
}

std::vector<Finding> check_app(const Assessment& a) {
  if (a.proxy.runs_beside_app()) return check_istio(a);
  const Millis wait = a.proxy.wait.value;
  const Budget& b = a.budget;
  if (!a.proxy.is_classic() || wait >= b.app) return {};
  const auto short_message =
      proxy_hook_is_unknown(a)
          ? fmt::format(
                "GK003 wait unknown, app {}: new connections of the app fail after the "
                "proxy's hook",
                format_seconds(b.app))
          : fmt::format("GK003 wait {} < app {}: new connections of the app fail after {} s",
                        format_seconds(wait), format_seconds(b.app), format_seconds(wait));
  return {{.rule = "GK003",
           .name = "proxy-stops-before-app",
           .severity = Severity::Warning,
           .path = wait_path(a),
           .container = a.proxy.container_name(),
           .message = fmt::format(
               "{} {} {}, but container {} may run for {} s (preStop {} + shutdown {}): its "
               "new connections fail from then on{}",
               proxy_words(a), drain_words(a), when_words(a), b.app_container,
               format_seconds(b.app), b.app_pre_stop_words("of unknown length"),
               format_seconds(b.app_shutdown.value), assumed_words(a)),
           .short_message = short_message,
           .remedy = remedy_words(a),
           .numbers = {{"wait", wait}, {"app", b.app}}}};
}

std::vector<Finding> check(const Assessment& a) {
  auto findings = check_app(a);
  add_sidecars(a, findings);
  return findings;
}

}  // namespace

Rule gk003_proxy_stops_before_app() {
  return {
      .id = "GK003",
      .name = "proxy-stops-before-app",
      .severity = Severity::Warning,
      .summary =
          "a classic proxy waits less than the slowest application container needs to stop, "
          "or a native sidecar is stopped after the proxy",
      .cause =
          "Application and proxy get SIGTERM at the same moment unless the proxy waits. A proxy "
          "that shuts "
          "down keeps established connections but refuses new ones, also those that the "
          "application opens to "
          "finish its work. Native sidecars are stopped in reverse order, and after a classic "
          "proxy: "
          "what one of them still sends then fails too. One counts when a time is stated for it "
          "(gracekeeper.dev/app-shutdown: logs=10s), or when its preStop hook still runs.",
      .example =
          "metadata:\n"
          "  annotations:\n"
          "    linkerd.io/inject: enabled\n"
          "    config.linkerd.io/proxy-enable-native-sidecar: \"false\"\n"
          "    gracekeeper.dev/app-shutdown: 25s\n",
      .remedy =
          "Let the proxy wait at least as long as the application needs, or use a native sidecar, "
          "which gets "
          "its SIGTERM when the application is gone. Where a native sidecar is stopped too late, "
          "no "
          "wait helps: let the proxy be the first of the native sidecars, as an injected one is.",
      .check_pod = check};
}

}  // namespace gracekeeper
