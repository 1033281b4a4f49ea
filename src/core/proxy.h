// Whether a pod has a proxy, which, and how it behaves: the injection decision of Linkerd's webhook
// and what is adopted from a proxy that is already there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/configuration.h"
#include "core/pod.h"
#include "core/settings.h"

namespace gracekeeper {

inline constexpr std::string_view kProxyName = "linkerd-proxy";
// What config.linkerd.io/enable-debug-sidecar adds beside it: nobody's work, and it ends at once
// with its SIGTERM. So it is not planned and gets no hook, whether it is there already or comes
// with the proxy.
inline constexpr std::string_view kDebugName = "linkerd-debug";

// Where the token of a pod's service account is mounted.
inline constexpr std::string_view kServiceAccountPath =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// Why a pod is not injected, in the order in which Linkerd collects the reasons.
enum class SkipReason {
  HostNetwork,     // hostNetwork: true
  SidecarPresent,  // a proxy or its init container is already there
  AnnotationInvalidNamespace,
  AnnotationInvalidPod,
  AnnotationDisabled,     // the pod says disabled
  AnnotationAbsent,       // nobody asks for it
  NoServiceAccountToken,  // needs the token and cannot have it
};

// Linkerd's or Istio's proxy, or the init container of one, by whoever's hand.
bool has_sidecar(const Pod& pod);

// All reasons; empty means: inject. Source: linkerd2 pkg/inject/report.go.
std::vector<SkipReason> injection_obstacles(const Pod& pod, const PodSettings& settings,
                                            const Configuration& configuration);

// What else stands against the injection of Linkerd's proxy, as a clause; nothing: it can be
// injected. Of such pods Linkerd's webhook makes ones that the API server refuses (names are unique
// in a pod, a pod for Windows has no Linux capabilities) or that cannot run; here they are left
// alone.
std::optional<std::string> injection_clash(const Pod& pod, const Configuration& configuration);

// The proxy of a pod as it will run.
struct Proxy {
  enum class Presence {
    None,
    Assumed,   // nobody says whether there is one, but its settings are on the pod
    Injected,  // will be injected
    Adopted,   // is in the pod already
  };
  enum class Mode { Classic, Native };
  enum class Kind {
    Linkerd,
    Istio,  // adopted only: `wait` is its own hook, `grace` how long it goes on after SIGTERM
  };

  Presence presence = Presence::None;
  Mode mode = Mode::Classic;
  Kind kind = Kind::Linkerd;
  ProfilePtr profile;  // another sidecar's than these (null)
  // A native sidecar was asked for, on a cluster that has none.
  bool native_unavailable = false;

  // How long its own SIGTERM is delayed (classic), and how long it may drain after it. Zero without
  // a proxy; the wait is zero on a native one.
  Sourced<Millis> wait;
  Sourced<Millis> grace;
  // The preStop hook that runs on it: the wait of a classic proxy, or what an adopted native one
  // carries. No value: there is none.
  struct Prestop {
    std::optional<Millis> length;  // absent: unknown
    Millis at_least{0};
    bool operator==(const Prestop&) const = default;
  };
  std::optional<Prestop> pre_stop;
  // The hook is made of the wait (and the grace, where the profile's grace is part of it), so that
  // other times give another hook. False: it takes what it takes.
  bool hook_is_timed = false;

  // The hook is one that ends with the application, at the latest when the wait is over
  // (core/wait_plan.h).
  bool until_app_exits = false;

  // From SIGTERM to the exit, and to the moment from which new connections are refused; `sigterm`
  // is the time of the SIGTERM. Linkerd's proxy drains from its SIGTERM on; a profile's wait may
  // come after it, and its drain before it, in the hook.
  [[nodiscard]] Millis stop() const;
  [[nodiscard]] Millis refuses_from(Millis sigterm) const;
  // The same proxy with these times.
  [[nodiscard]] Proxy with_times(Millis new_wait, Millis new_grace) const;
  // Istio's (core/istio.h): after its grace it goes on until no connection is open; and the setting
  // that its grace comes from.
  bool until_idle = false;
  std::string grace_origin;

  [[nodiscard]] bool exists() const { return presence != Presence::None; }
  [[nodiscard]] bool is_native() const { return exists() && mode == Mode::Native; }
  [[nodiscard]] bool is_classic() const { return exists() && mode == Mode::Classic; }
  [[nodiscard]] bool is_istio() const { return exists() && kind == Kind::Istio; }
  // Istio's proxy takes new connections of the app as long as it runs, and runs for a fixed time:
  // a classic one goes on beside the app, where Linkerd's begins to end.
  [[nodiscard]] bool runs_beside_app() const { return is_istio() && mode == Mode::Classic; }
  // How long after the pod's deletion the app can open connections through a classic proxy.
  [[nodiscard]] Millis cover() const {
    return runs_beside_app() ? wait.value + grace.value : wait.value;
  }
  [[nodiscard]] std::string container_name() const;
  bool operator==(const Proxy&) const = default;
};

// Whether the name is that of a proxy that this program knows: no application container.
bool is_proxy_name(std::string_view container_name);

// The container to adopt: one of that name among the containers or the native sidecars.
const Container* adopted_proxy(const Pod& pod, std::string_view name = kProxyName);

Proxy resolve_proxy(const Pod& pod, const PodSettings& settings,
                    const Configuration& configuration);

}  // namespace gracekeeper
