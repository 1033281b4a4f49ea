// What holds where no annotation speaks, and how the program decides: the resolved configuration.
// Plain values; the file's syntax, its errors and its suggestions are codec/configuration_codec.h.
//
// To add an option, you must: add its member here with its default, a row in the table of
// configuration_codec.cc, a line in docs/configuration.md; the tests fail until all three exist.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/duration.h"
#include "core/kubernetes_version.h"

namespace gracekeeper {

// Where a setting comes from, weakest first.
enum class Source {
  BuiltIn,        // nobody wrote it
  Configuration,  // Gracekeeper's configuration
  LinkerdValues,  // Linkerd's chart values
  Namespace,      // an annotation of the Namespace
  Pod,            // an annotation of the pod
  Container,      // the adopted proxy's own hook or environment
};

// Stated settings are those that somebody wrote for this pod; a shortfall that follows from them
// alone is an error, one that needs defaults is a warning.
constexpr bool is_stated(Source source) {
  return source == Source::Namespace || source == Source::Pod || source == Source::Container;
}

template <typename T>
struct Sourced {
  T value{};
  Source source = Source::BuiltIn;
  bool operator==(const Sourced&) const = default;
};

// What happens when terminationGracePeriodSeconds is too short.
enum class OnShortfall { Deny, Warn, Raise, Fit };

// The form of a preStop sleep: the built-in action where the cluster has it, or always one of them.
enum class PreStopForm { Auto, Sleep, Exec };

// How a proxy's wait ends: when its time is over, or when the application is gone.
enum class WaitMode { Fixed, UntilAppExits };

// How the program for that reaches the proxy's container: copied by an init container, or as a
// volume that is the image itself. Auto: the volume where every node can be expected to have it.
enum class HelperDelivery { Auto, InitContainer, ImageVolume };

// The proxy's own default for LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD (linkerd2-proxy).
inline constexpr Millis kProxyDefaultGrace{120'000};
inline constexpr Millis kDefaultAppShutdown{10'000};
inline constexpr Millis kDefaultPropagation{5'000};

struct SidecarProfile;

// Profiles of other sidecars, in the order in which they are asked; equal when their contents are.
struct ProfileList {
  std::vector<std::shared_ptr<const SidecarProfile>> items;
  bool operator==(const ProfileList& other) const;
};

struct Configuration {
  KubernetesVersion kubernetes_version;
  OnShortfall on_shortfall = OnShortfall::Deny;
  Sourced<Millis> app_shutdown{kDefaultAppShutdown, Source::BuiltIn};
  Sourced<Millis> wait{Millis{0}, Source::BuiltIn};
  Sourced<Millis> grace{kProxyDefaultGrace, Source::BuiltIn};
  std::optional<Sourced<bool>> native_sidecar;  // absent: decided for each pod
  Millis margin{0};
  std::optional<std::int64_t> max_termination_grace_period_seconds;  // bounds what `raise` sets
  std::optional<Millis> max_platform_grace_period;                   // the platform's cap (GK012)
  Millis endpoint_propagation = kDefaultPropagation;
  PreStopForm pre_stop_form = PreStopForm::Auto;
  std::vector<std::string> profile_files;  // sidecar.profiles, as written
  ProfileList profiles;                    // what these files hold
  std::string helper_image;                // has gracekeeper-await-app; "": none is known
  HelperDelivery helper_delivery = HelperDelivery::Auto;
  // As which user an injected proxy of Linkerd's runs, from its values; absent: they replace its
  // security context by one that does not say. Whether the pod's annotation decides it.
  std::optional<std::int64_t> proxy_uid = 2102;
  bool proxy_uid_is_annotated = true;
  bool service_account_token_projection = true;  // Linkerd's identity.serviceAccountTokenProjection
  bool shutdown_endpoint = false;                // Linkerd's proxy.enableShutdownEndpoint
  bool cni = false;                              // Linkerd's cniEnabled

  bool operator==(const Configuration&) const = default;
};

}  // namespace gracekeeper
