// The environment of Linkerd's proxy container.
#pragma once

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

// The list of EnvVar objects, in Linkerd's order: a reference $(NAME) reads only variables before
// it. `values` are the effective ones.
Value proxy_environment(const Pod& pod, const LinkerdValues& values, const Sourced<Millis>& grace);

}  // namespace gracekeeper
