#include <fmt/format.h>

#include "core/annotations.h"
#include "core/profile_proxy.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

FieldPath annotation_or_wait_path(const Assessment& a) {
  if (!a.proxy.is_istio()) return wait_path(a);
  const bool wait = a.pod().annotations.contains(annotation::kWait);
  return annotation_path(a, wait ? annotation::kWait : annotation::kGrace);
}

std::vector<Finding> finding(const Assessment& a, std::string message, std::string short_message,
                             std::string remedy) {
  return {{.rule = "GK007",
           .name = "wait-has-no-effect",
           .severity = Severity::Warning,
           .path = annotation_or_wait_path(a),
           .container =
               a.proxy.exists() ? a.proxy.container_name() : std::string(a.settings.proxy_name()),
           .message = std::move(message),
           .short_message = std::move(short_message),
           .remedy = std::move(remedy),
           .numbers = {}}};
}

// Why the pod has no proxy: the first obstacle in Linkerd's order.
struct Obstacle {
  std::string reason;
  bool can_be_lifted = false;  // with linkerd.io/inject
};

Obstacle why_there_is_no_proxy(const Assessment& a) {
  if (a.settings.profile) {
    const bool asked = a.settings.pod_inject == InjectRequest::Enabled ||
                       a.settings.namespace_inject == InjectRequest::Enabled;
    return {"it is not injected", !asked && !a.pod().host_network};
  }
  const auto obstacles = injection_obstacles(a.pod(), a.settings, *a.configuration);
  const auto clash = injection_clash(a.pod(), *a.configuration);
  if (obstacles.empty() && clash) return {*clash};
  if (obstacles.empty()) return {"it is not injected", true};
  switch (obstacles.front()) {
    case SkipReason::HostNetwork:
      return {"hostNetwork is true"};
    case SkipReason::SidecarPresent:
      return {"it has another proxy, or the init container of one"};
    case SkipReason::AnnotationInvalidNamespace:
      return {"linkerd.io/inject of its Namespace has an invalid value", true};
    case SkipReason::AnnotationInvalidPod:
      return {"linkerd.io/inject has an invalid value", true};
    case SkipReason::AnnotationDisabled:
      return {"linkerd.io/inject is disabled", true};
    case SkipReason::AnnotationAbsent:
      if (a.settings.namespace_inject == InjectRequest::Disabled)
        return {"linkerd.io/inject of its Namespace is disabled", true};
      return {"nothing asks for one", true};
    case SkipReason::NoServiceAccountToken:
      return {"it mounts no service account token"};
  }
  return {};
}

bool is_on_pod(const std::optional<Sourced<Millis>>& setting) {
  return setting && setting->source == Source::Pod;
}

// gracekeeper.dev/wait-mode: until-app-exits, where the wait stays as it is. A wait that has no
// effect itself has been found already.
std::vector<Finding> check_mode(const Assessment& a) {
  const auto& mode = a.settings.wait_mode;
  const bool impossible = a.wait_plan.kind == WaitPlan::Kind::Impossible;
  const bool without_proxy = !a.proxy.exists() && mode && mode->source == Source::Pod &&
                             mode->value == WaitMode::UntilAppExits;
  if (!impossible && !without_proxy) return {};
  const auto reason =
      impossible ? a.wait_plan.reason
                 : fmt::format("the pod has no proxy ({})", why_there_is_no_proxy(a).reason);
  const bool waits = a.proxy.is_classic() && a.proxy.wait.value.count() > 0;
  auto findings = finding(
      a,
      fmt::format(
          "{}: until-app-exits has no effect{}: {}{}", annotation::kWaitMode,
          waits ? fmt::format(", all of the {} s are waited", format_seconds(a.proxy.wait.value))
                : "",
          reason, assumed_words(a)),
      fmt::format("GK007 until-app-exits has no effect: {}", reason),
      impossible ? a.wait_plan.remedy : fmt::format("Remove {}.", annotation::kWaitMode));
  findings.front().path = a.pod().annotations.contains(annotation::kWaitMode)
                              ? annotation_path(a, annotation::kWaitMode)
                              : a.subject->pod_path / "metadata" / "annotations";
  return findings;
}

// Another sidecar's that is in the pod and cannot be told of them.
std::vector<Finding> check_untold(const Assessment& a) {
  const auto is_another = [](const auto& setting, const Sourced<Millis>& counted) {
    return setting && setting->value != counted.value;
  };
  const bool wait = a.proxy.is_classic() && is_another(a.settings.wait, a.proxy.wait) &&
                    !can_be_told_wait(a.pod(), a.proxy);
  const bool grace =
      is_another(a.settings.grace, a.proxy.grace) && !can_be_told_grace(a.pod(), a.proxy);
  if (!wait && !grace) return {};
  const auto what =
      wait && grace ? "the wait and the grace have" : (wait ? "the wait has" : "the grace has");
  auto findings = finding(
      a, fmt::format("{} no effect on {}: {}", what, a.proxy.container_name(), kHasNoArguments),
      fmt::format("GK007 {} no effect on {}: it has no arguments", what, a.proxy.container_name()),
      fmt::format("Write the command or the args of {} into the pod.", a.proxy.container_name()));
  const auto key = wait ? a.settings.wait_key() : a.settings.grace_key();
  if (a.pod().annotations.contains(key)) findings.front().path = annotation_path(a, key);
  return findings;
}

std::vector<Finding> check_wait(const Assessment& a) {
  const auto& settings = a.settings;
  if (a.proxy.is_native() && !a.proxy.is_istio() && settings.wait &&
      settings.wait->value.count() > 0) {
    auto findings =
        finding(a,
                fmt::format("the wait of {} s has no effect: on a native sidecar the kubelet sends "
                            "SIGTERM to {} after the application has exited{}",
                            format_seconds(settings.wait->value), proxy_words(a), assumed_words(a)),
                fmt::format("GK007 wait {} has no effect on a native sidecar",
                            format_seconds(settings.wait->value)),
                settings.wait->source == Source::Pod
                    ? fmt::format("Remove {}.", a.settings.wait_key())
                    : fmt::format("Remove {} from the Namespace, or write \"0\" on the pod.",
                                  a.settings.wait_key()));
    for (auto& untold : check_untold(a)) findings.push_back(std::move(untold));
    return findings;
  }
  if (a.proxy.exists() && !a.proxy.is_istio()) return check_untold(a);
  const bool wait = is_on_pod(settings.wait) && settings.wait->value.count() > 0;
  const bool grace = is_on_pod(settings.grace);
  if (!wait && !grace) return {};
  const auto what =
      wait && grace ? "the wait and the grace have" : (wait ? "the wait has" : "the grace has");
  if (a.proxy.is_istio()) {
    return finding(
        a,
        fmt::format("{} no effect: the pod's proxy is Istio's, which has settings of its own",
                    what),
        fmt::format("GK007 {} no effect on Istio's proxy", what),
        fmt::format("Remove the annotation{}; the time of istio-proxy is terminationDrainDuration "
                    "in {}.",
                    wait && grace ? "s" : "", annotation::kIstioConfig));
  }
  const auto obstacle = why_there_is_no_proxy(a);
  return finding(a, fmt::format("{} no effect: the pod has no proxy ({})", what, obstacle.reason),
                 fmt::format("GK007 {} no effect: no proxy ({})", what, obstacle.reason),
                 fmt::format("Remove the annotation{}{}.", wait && grace ? "s" : "",
                             obstacle.can_be_lifted
                                 ? fmt::format(", or have the proxy injected ({}: {})",
                                               a.settings.inject_key(), a.settings.inject_value())
                                 : ""));
}

std::vector<Finding> check(const Assessment& a) {
  auto findings = check_wait(a);
  return findings.empty() ? check_mode(a) : findings;
}

}  // namespace

Rule gk007_wait_has_no_effect() {
  return {
      .id = "GK007",
      .name = "wait-has-no-effect",
      .severity = Severity::Warning,
      .summary =
          "a wait is set on a native sidecar, or on a pod that has no proxy, or its proxy cannot "
          "be "
          "told of it, or it cannot end with the application although that is asked for",
      .cause =
          "A native sidecar is told to stop when the application is gone, so there is nothing to "
          "wait for, and "
          "Linkerd ignores the annotation without a word. A pod without a proxy has nothing that "
          "could wait. Another sidecar that is in the pod already, without command and arguments, "
          "is not "
          "told of a time that its profile passes as an argument. Where gracekeeper.dev/wait-mode: "
          "until-app-exits cannot work, the wait "
          "stays "
          "a fixed sleep.",
      .example =
          "metadata:\n"
          "  annotations:\n"
          "    linkerd.io/inject: enabled\n"
          "    config.linkerd.io/proxy-enable-native-sidecar: \"true\"\n"
          "    config.alpha.linkerd.io/proxy-wait-before-exit-seconds: \"20\"\n",
      .remedy =
          "Remove the annotation; the order of a native sidecar is what the wait was meant for.",
      .check_pod = check};
}

}  // namespace gracekeeper
