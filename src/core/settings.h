// The settings of one pod: configuration ← Namespace annotations ← pod annotations, each value with
// where it came from, and every annotation that was dropped with the reason.
//
// A key on the pod hides the Namespace's, also when its value is dropped: then the configured
// default holds, as in Linkerd's injector.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/configuration.h"
#include "core/pod.h"
#include "core/sidecar_profile.h"

namespace gracekeeper {

// An annotation whose value cannot be used. `message` says what was expected and what would work.
struct DroppedValue {
  std::string key;
  std::string text;
  Source source = Source::Pod;  // Pod or Namespace
  std::string message;
  // How it has to be spelled, where the text says without doubt what was meant.
  std::optional<std::string> right = std::nullopt;
  bool operator==(const DroppedValue&) const = default;
};

// linkerd.io/inject, as the webhook reads it.
enum class InjectRequest { Nothing, Enabled, Ingress, Disabled, Invalid };

struct PodSettings {
  // Whose settings they are; null: Linkerd's. The keys that state them.
  ProfilePtr profile;
  [[nodiscard]] std::string_view inject_key() const;
  [[nodiscard]] std::string_view inject_value() const;
  [[nodiscard]] std::string_view wait_key() const;
  [[nodiscard]] std::string_view grace_key() const;
  [[nodiscard]] std::string_view native_key() const;  // "" when the profile has none
  [[nodiscard]] std::string_view proxy_name() const;  // of its container

  // Absent: no annotation in effect; what then holds depends on the proxy (see proxy.h).
  std::optional<Sourced<Millis>> wait;
  std::optional<Sourced<Millis>> grace;
  std::optional<Sourced<bool>> native;
  Sourced<Millis> app_shutdown;  // of app containers not named
  std::vector<std::pair<std::string, Sourced<Millis>>> app_shutdown_by_container;
  std::optional<Sourced<Millis>> app_prestop_sleep;  // whole seconds
  Sourced<OnShortfall> on_shortfall;
  std::vector<std::string> ignored_rules;  // as written
  // gracekeeper.dev/job-shutdown: the container whose end ends the Job; "" where none is named.
  std::optional<Sourced<std::string>> job_shutdown;
  std::optional<Sourced<std::string>> await_program;  // gracekeeper.dev/linkerd-await
  std::optional<Sourced<WaitMode>> wait_mode;
  std::optional<std::int64_t> proxy_uid;  // config.linkerd.io/proxy-uid
  std::optional<bool> shutdown_endpoint;  // config.linkerd.io/proxy-admin-shutdown
  InjectRequest pod_inject = InjectRequest::Nothing;
  InjectRequest namespace_inject = InjectRequest::Nothing;
  std::vector<DroppedValue> dropped;  // of the pod's own annotations

  [[nodiscard]] Sourced<Millis> shutdown_of(std::string_view container, bool is_app,
                                            const Configuration& configuration) const;
  bool operator==(const PodSettings&) const = default;
};

// `where` is the pod's Namespace, or nullptr when nothing is known of it. With a profile its
// annotations are read in place of Linkerd's.
PodSettings resolve_settings(const Pod& pod, const Namespace* where,
                             const Configuration& configuration, ProfilePtr profile = nullptr);

// What a Namespace's own annotations hold that cannot be used: Linkerd's, this project's and those
// of the configured profiles.
std::vector<DroppedValue> dropped_values(const Namespace& where, const ProfileList& profiles = {});

std::optional<OnShortfall> parse_on_shortfall(std::string_view text);
std::string_view to_string(OnShortfall mode);

std::optional<HelperDelivery> parse_helper_delivery(std::string_view text);

}  // namespace gracekeeper
