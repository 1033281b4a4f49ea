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
// `effective`: shutdownGracePeriod of the effective values.
std::optional<std::string> grace_text(const Sourced<Millis>& grace,
                                      const std::optional<std::string>& effective);

// The variables that are the same for every pod with these values, and the place where the one
// stands that every pod has its own of, LINKERD2_PROXY_INBOUND_PORTS.
struct SharedEnvironment {
  Value::Array variables;
  std::size_t inbound_ports = 0;
};

SharedEnvironment shared_environment(const LinkerdValues& values);

// The list of EnvVar objects, in Linkerd's order: a reference $(NAME) reads only variables before
// it. `values` are the effective ones, `grace` is the grace_text(); `shared` was made of the
// values, or is nullptr.
Value proxy_environment(const Pod& pod, const LinkerdValues& values,
                        const std::optional<std::string>& grace,
                        const SharedEnvironment* shared = nullptr);

}  // namespace gracekeeper
