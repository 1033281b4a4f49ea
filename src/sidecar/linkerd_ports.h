// Ports of pods and services, as Linkerd looks at them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/pod.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {

// LINKERD2_PROXY_INBOUND_PORTS: every port that a container of the pod declares or is probed at
// over HTTP (liveness, readiness), once each, sorted as text: "3306,80,9090".
std::string inbound_ports(const Pod& pod);

// A list of opaque ports as written in an annotation: ports, ranges ("5000-6000") and names of
// container ports. Names become numbers; what is none of these is left out and returned.
struct OpaquePorts {
  std::string ports;
  std::vector<std::string> unusable;
};
OpaquePorts resolve_opaque_ports(std::string_view written, const Pod& pod);

// Items of a list of ports to skip that linkerd-init logs as invalid and leaves out: all but ports
// and ranges from 0 to 65535, with no blank beside them, and what comes after a line end. It reads
// the list as one record of CSV and each item with Go's strconv.Atoi (linkerd2-proxy-init
// pkg/ports, pkg/iptables). Empty items are left out too, but nobody misses them.
std::vector<std::string> unusable_skip_ports(std::string_view written);

// Those ports of the default list that the pod's containers declare, in the order of the containers
// (init containers first). Empty: none.
std::string default_opaque_ports_of(const Pod& pod, const LinkerdValues& values);

// The opaque-ports annotation that is due on a pod that is not injected: the Namespace's, else the
// default ports that the pod declares. Nothing: none is due, or the pod has it.
std::optional<std::string> due_opaque_ports(const Pod& pod, const Namespace* where,
                                            const LinkerdValues& values);

// The same for a Service. A port is opaque by default when its numeric target is, or, without a
// target, it itself.
std::optional<std::string> due_opaque_ports(const Annotations& annotations,
                                            const std::vector<ServicePort>& ports,
                                            const Namespace* where, const LinkerdValues& values);

}  // namespace gracekeeper
