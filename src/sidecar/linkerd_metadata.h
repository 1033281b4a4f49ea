// Annotations and labels that Linkerd's injector writes on a pod.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/pod.h"
#include "sidecar/linkerd_profile.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {

// By key, so in the order in which they are written; each key once.
using Metadata = std::vector<std::pair<std::string, std::string>>;

// created-by, proxy-version, the fingerprint of the trust anchors (when there are any), what is
// inherited from the Namespace, the default opaque ports (when there are any). `effective` are the
// pod's values.
Metadata injected_annotations(const LinkerdInjection& injection, const LinkerdValues& effective,
                              std::string_view opaque_ports);

// The opaque-ports annotation that this injection adds because neither the pod nor its Namespace
// has one: the default ports that the pod declares. Empty: none is added.
std::string default_opaque_ports(const LinkerdInjection& injection);

// Control plane, the pod's namespace, and linkerd.io/proxy-KIND for the workload.
Metadata injected_labels(const LinkerdInjection& injection);

// The workload that a pod belongs to, as far as the pod itself tells: its only owner reference; for
// a ReplicaSet that a Deployment made, the Deployment.
std::optional<OwnerReference> workload_of(const Pod& pod);

}  // namespace gracekeeper
