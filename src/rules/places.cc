#include "rules/places.h"

#include <fmt/format.h>

namespace gracekeeper {

FieldPath in_pod(const Assessment& a, const FieldPath& path) { return a.subject->pod_path / path; }

FieldPath grace_period_path(const Assessment& a) {
  return a.subject->pod_path / "spec" / "terminationGracePeriodSeconds";
}

FieldPath annotation_path(const Assessment& a, std::string_view key) {
  return a.subject->pod_path / "metadata" / "annotations" / key;
}

FieldPath wait_path(const Assessment& a) {
  const auto key = a.settings.wait_key();
  if (!a.proxy.is_istio() && a.pod().annotations.contains(key)) return annotation_path(a, key);
  if (a.proxy.is_istio()) {
    if (const auto* container = a.pod().find_container(a.proxy.container_name()))
      return container->pre_stop ? pre_stop_path(a, *container) : in_pod(a, container->path());
  }
  return a.subject->pod_path / "metadata" / "annotations";
}

FieldPath pre_stop_path(const Assessment& a, const Container& container) {
  return in_pod(a, container.path() / "lifecycle" / "preStop");
}

std::string grace_period_words(const Assessment& a) {
  return fmt::format("terminationGracePeriodSeconds {}{}", a.termination_grace_period_seconds,
                     a.grace_period_is_written ? "" : " (Kubernetes' default)");
}

std::string proxy_words(const Assessment& a) {
  return a.proxy.profile ? a.proxy.profile->container : "the proxy";
}

std::string native_switch_words(const Assessment& a) {
  const auto key = a.settings.native_key();
  if (key.empty()) return fmt::format("native: true in the profile {}", a.proxy.profile->name);
  return fmt::format("{}: \"true\"", key);
}

std::string assumed_words(const Assessment& a) {
  if (a.proxy.presence != Proxy::Presence::Assumed) return "";
  return fmt::format(
      "; a proxy is assumed, since neither the pod nor a Namespace in the input says {}",
      a.settings.inject_key());
}

}  // namespace gracekeeper
