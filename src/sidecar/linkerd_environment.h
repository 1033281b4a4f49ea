// The environment of Linkerd's proxy container.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/pod.h"
#include "core/proxy.h"
#include "core/value.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {

// LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD: the grace that holds for the proxy, in Linkerd's own
// spelling where that says the same. Nothing when nobody set one: the proxy's default holds.
std::optional<std::string> grace_text(const Sourced<Millis>& grace,
                                      const LinkerdProxyValues& effective);

// The variables that are the same for every pod that changes nothing about them by an annotation:
// made once, and shared by all pods.
struct PreparedEnvironment {
  LinkerdValues values;  // of which they were made
  Value::Array variables;
  std::size_t inbound_ports = 0;  // the place of the one that every pod has its own of
};

// `share` makes a value one that copies share (Value::shared).
PreparedEnvironment prepare_environment(const LinkerdValues& values, Value (*share)(Value));

// The list of EnvVar objects, in Linkerd's order: a reference $(NAME) reads only variables before
// it. `values` are the effective ones; what is prepared is used where it fits them.
Value proxy_environment(const Pod& pod, const LinkerdValues& values, const Sourced<Millis>& grace,
                        const PreparedEnvironment* prepared = nullptr);

}  // namespace gracekeeper
