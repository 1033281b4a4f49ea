#include "rules/places.h"

#include <fmt/format.h>

#include "core/annotations.h"

namespace gracekeeper {

FieldPath in_pod(const Assessment& a, const FieldPath& path) { return a.subject->pod_path / path; }

FieldPath grace_period_path(const Assessment& a) {
  return a.subject->pod_path / "spec" / "terminationGracePeriodSeconds";
}

FieldPath annotation_path(const Assessment& a, std::string_view key) {
  return a.subject->pod_path / "metadata" / "annotations" / key;
}

FieldPath wait_path(const Assessment& a) {
  if (!a.proxy.is_istio() && a.pod().annotations.contains(annotation::kWait))
    return annotation_path(a, annotation::kWait);
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

std::string assumed_words(const Assessment& a) {
  if (a.proxy.presence != Proxy::Presence::Assumed) return "";
  return "; a proxy is assumed, since neither the pod nor a Namespace in the input says "
         "linkerd.io/inject";
}

}  // namespace gracekeeper
