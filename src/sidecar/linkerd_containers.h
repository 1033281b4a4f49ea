// The containers and volumes of Linkerd's injection, each as the object that is added to the pod.
// `values` are always the effective ones.
#pragma once

#include <string_view>
#include <vector>

#include "core/pod.h"
#include "core/proxy.h"
#include "core/value.h"
#include "sidecar/linkerd_environment.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {

inline constexpr std::string_view kInitName = "linkerd-init";
inline constexpr std::string_view kValidatorName = "linkerd-network-validator";

// linkerd-proxy. `wait_handler` becomes the preStop hook of a classic proxy; null: none.
Value proxy_container(const Pod& pod, const LinkerdValues& values, const Proxy& proxy,
                      const Value& wait_handler, const PreparedEnvironment* prepared = nullptr);

// linkerd-init, which redirects the pod's traffic with iptables.
Value init_container(const Pod& pod, const LinkerdValues& values);

// linkerd-network-validator, which checks that the CNI plugin has redirected it.
Value validator_container(const LinkerdValues& values);

Value debug_container(const LinkerdValues& values);

Value lock_volume(const LinkerdValues& values);
Value identity_volume();
Value pod_info_volume();
Value token_volume();

}  // namespace gracekeeper
