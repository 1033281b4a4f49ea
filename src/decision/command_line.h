// Injection as Linkerd's command line does it (`linkerd inject`, with and without --manual):
// whoever runs it asks for the proxy, so nothing but `linkerd.io/inject: disabled` on the pod
// speaks against it, and no Namespace is looked at.
//
//   auto plan = apply_settings(policy, {{"config.linkerd.io/admin-port", "9990"}});
//   const auto look = look_at(subject.pod, plan->policy);
//   if (look.injectable()) edits = manual_edits(subject, *plan);   // or annotate_edits(*plan)
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/edit.h"
#include "core/pod.h"
#include "core/result.h"
#include "decision/policy.h"

namespace gracekeeper {

// What of a pod matters to Linkerd's command line. Source: linkerd2 pkg/inject/report.go.
struct CommandLineLook {
  bool host_network = false;
  bool has_sidecar = false;  // a known proxy or its init container
  bool is_disabled = false;  // linkerd.io/inject: disabled
  bool lacks_token = false;  // automountServiceAccountToken: false, and the proxy needs the token
  bool uses_udp = false;     // which the proxy does not carry; no obstacle by itself
  bool is_control_plane = false;
  std::optional<std::string> clash;  // core/proxy.h: Linkerd's command line does not look for it

  [[nodiscard]] bool injectable() const {
    return !host_network && !has_sidecar && !is_disabled && !lacks_token && !clash;
  }
};
CommandLineLook look_at(const Pod& pod, const Policy& policy);

// Settings given on the command line, each the annotation that says the same. They hold where the
// pod itself says nothing, and are written on it in any case.
struct CommandLinePlan {
  Policy policy;  // with the settings in it
  std::map<std::string, std::string> annotations;
  bool debug_sidecar = false;
};

// An unknown key or a value that cannot be used is an error with what would work, all at once.
tl::expected<CommandLinePlan, std::vector<Error>> apply_settings(
    const Policy& policy, const std::map<std::string, std::string>& settings);

// The proxy and all that belongs to it, for a pod that is injectable.
std::vector<Edit> manual_edits(const Subject& subject, const CommandLinePlan& plan);
// Only the annotations that make the webhook inject the pod so.
std::vector<Edit> annotate_edits(const CommandLinePlan& plan);

}  // namespace gracekeeper
