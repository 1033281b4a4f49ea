// Linkerd's proxy in a pod: everything that Linkerd's injector would add, as edits.
//
//   const auto edits = inject_linkerd({.pod = pod, .where = &where, .namespace_name = "shop",
//                                      .settings = settings, .proxy = proxy, .values = values,
//                                      .wait_handler = sleep_handler(20, true, "/bin/sleep"),
//                                      .created_by = "linkerd/proxy-injector edge-26.5.2"});
//
// Whether the pod is injected at all is decided before (injection_obstacles in core/proxy.h). The
// edits come in the order of Linkerd's patch: annotations, labels, init container, debug container,
// volumes, proxy (linkerd2 charts/patch). What the pod has already by the same name (volumes, the
// validator, the debug container) is not added a second time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/edit.h"
#include "core/pod.h"
#include "core/proxy.h"
#include "core/settings.h"
#include "core/value.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {

struct PreparedSidecar;

struct LinkerdInjection {
  const Pod& pod;
  const Namespace* where = nullptr;  // nullptr: nothing is inherited
  std::string namespace_name;        // for linkerd.io/workload-ns
  const PodSettings& settings;
  // Its mode, and its grace with the source of it, are used as they are here.
  const Proxy& proxy;
  const LinkerdValues& values;
  Value wait_handler;      // the preStop handler of a classic proxy that waits; null: none
  std::string created_by;  // "linkerd/proxy-injector V", "linkerd/cli V"
  // Made of `values`, once for many pods; nullptr: nothing is prepared.
  const PreparedSidecar* prepared = nullptr;
  // The workload for the label linkerd.io/proxy-KIND, when the caller knows it. Without it the
  // pod's only owner reference counts; a ReplicaSet whose name ends in the pod's pod-template-hash
  // stands for its Deployment.
  std::optional<OwnerReference> workload = std::nullopt;
  // Whether the default opaque ports that the pod declares are written as an annotation: the
  // webhook does it, Linkerd's command line does not.
  bool annotate_default_opaque_ports = true;
  // Asks for linkerd-debug where no annotation does (a flag of the command line).
  bool enable_debug_sidecar = false;
};

std::vector<Edit> inject_linkerd(const LinkerdInjection& injection);

}  // namespace gracekeeper
