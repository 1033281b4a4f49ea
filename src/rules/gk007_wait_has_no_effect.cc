#include <fmt/format.h>

#include "core/annotations.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

std::vector<Finding> finding(const Assessment& a, std::string message, std::string short_message,
                             std::string remedy) {
  return {{.rule = "GK007",
           .name = "wait-has-no-effect",
           .severity = Severity::Warning,
           .path = wait_path(a),
           .container = std::string(kProxyName),
           .message = std::move(message),
           .short_message = std::move(short_message),
           .remedy = std::move(remedy),
           .numbers = {}}};
}

std::string_view why_there_is_no_proxy(const Assessment& a) {
  if (a.pod().host_network) return "hostNetwork is true";
  if (a.settings.pod_inject == InjectRequest::Disabled ||
      a.settings.namespace_inject == InjectRequest::Disabled) {
    return "linkerd.io/inject is disabled";
  }
  if (a.settings.pod_inject == InjectRequest::Invalid ||
      a.settings.namespace_inject == InjectRequest::Invalid) {
    return "linkerd.io/inject has an invalid value";
  }
  return "it is not injected";
}

std::vector<Finding> check(const Assessment& a) {
  const auto& settings = a.settings;
  if (a.proxy.is_native() && settings.wait && settings.wait->value.count() > 0) {
    return finding(a,
                   fmt::format("the wait of {} s has no effect: on a native sidecar the kubelet "
                               "sends SIGTERM to the proxy after the application has exited",
                               format_seconds(settings.wait->value)),
                   fmt::format("GK007 wait {} has no effect on a native sidecar",
                               format_seconds(settings.wait->value)),
                   fmt::format("Remove {}.", annotation::kWait));
  }
  const bool carries = a.pod().annotations.contains(annotation::kWait) ||
                       a.pod().annotations.contains(annotation::kGrace);
  if (!a.proxy.exists() && carries) {
    return finding(
        a,
        fmt::format("the wait and the grace have no effect: the pod has no proxy ({})",
                    why_there_is_no_proxy(a)),
        fmt::format("GK007 wait and grace have no effect: no proxy ({})", why_there_is_no_proxy(a)),
        "Remove the annotations, or have the proxy injected (linkerd.io/inject: enabled).");
  }
  return {};
}

}  // namespace

Rule gk007_wait_has_no_effect() {
  return {
      .id = "GK007",
      .name = "wait-has-no-effect",
      .severity = Severity::Warning,
      .summary = "a wait is set on a native sidecar, or on a pod that has no proxy",
      .cause =
          "A native sidecar is told to stop when the application is gone, so there is nothing to "
          "wait for, and "
          "Linkerd ignores the annotation without a word. A pod without a proxy has nothing that "
          "could wait.",
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
