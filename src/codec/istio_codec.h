// Istio's ProxyConfig as text in a pod: the annotation proxy.istio.io/config (YAML) and the
// variable PROXY_CONFIG (JSON), of which only what says how the proxy ends is read (core/istio.h).
#pragma once

#include <optional>
#include <string_view>

#include "core/pod.h"

namespace gracekeeper {

// Nothing for a text of blanks. A text that cannot be read gives one that says so.
std::optional<IstioConfig> read_istio_config(std::string_view text);

}  // namespace gracekeeper
