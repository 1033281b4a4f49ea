// Istio's proxy in a pod: how long it goes on after SIGTERM. Read for the check and the timeline;
// nothing of it is ever changed.
//
//   if (const Container* proxy = istio_proxy(pod)) istio_drain(pod, *proxy).drain.value  // 5 s
//
// What its agent does on SIGTERM (istio pkg/envoy/agent.go, terminate()): it lets Envoy drain the
// inbound listeners (`drain_listeners?inboundonly&graceful`; new outbound connections go on),
// sleeps for terminationDrainDuration, and ends Envoy. Not earlier: the sleep is a fixed one. With
// EXIT_ON_ZERO_ACTIVE_CONNECTIONS it sleeps for MINIMUM_DRAIN_DURATION instead, then looks once a
// second whether a connection is open, and ends Envoy when none is; terminationDrainDuration counts
// for nothing then, and there is no other limit.
//
// Where the settings stand, strongest first:
//
//   | setting                  | places |
//   |--------------------------|-------------------------------------------------------------------|
//   | terminationDrainDuration | variable TERMINATION_DRAIN_DURATION_SECONDS (the legacy one wins |
//   |                          | over the configuration: istio pilot-agent main.go, 1.7), | | |
//   annotation proxy.istio.io/config, variable PROXY_CONFIG           | | | (getMeshConfig() in
//   pilot-agent), else 5 s                        | | EXIT_ON_ZERO_ACTIVE_-    | the container's
//   variable, else proxyMetadata of the annotation,   | | CONNECTIONS              | else that of
//   PROXY_CONFIG, else false                             | | MINIMUM_DRAIN_DURATION   | the same,
//   else 5 s (pilot-agent options.go)                       |
//
// PROXY_CONFIG is JSON, the annotation YAML; both are a ProxyConfig (istio api
// mesh/v1alpha1/proxy.proto). A variable that cannot be read has its default; an annotation that
// cannot is refused by Istio's injector.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/configuration.h"
#include "core/pod.h"

namespace gracekeeper {

inline constexpr std::string_view kIstioProxyName = "istio-proxy";
inline constexpr Millis kIstioDefaultDrain{5'000};

// The container `istio-proxy` among the containers or the native sidecars; nullptr: none.
const Container* istio_proxy(const Pod& pod);

struct IstioDrain {
  // From SIGTERM to the end of Envoy. Source: Pod (annotation), Container (a variable), BuiltIn.
  Sourced<Millis> drain{kIstioDefaultDrain, Source::BuiltIn};
  // After `drain` it goes on until no connection is open.
  bool until_idle = false;
  std::string origin;  // "Istio's default", "proxy.istio.io/config", a variable's name
  // What of the annotation Istio refuses or ignores, and what would work.
  std::vector<std::string> refused;
  bool operator==(const IstioDrain&) const = default;
};
IstioDrain istio_drain(const Pod& pod, const Container& proxy);

// Whether a preStop hook is the one of Istio's own template for native sidecars (`pilot-agent
// request … POST drain`): it starts the drain and returns at once.
bool is_istio_drain_hook(const std::vector<std::string>& command);

}  // namespace gracekeeper
