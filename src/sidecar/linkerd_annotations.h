// What a pod's and its Namespace's annotations make of Linkerd's values: chart ← Namespace ← pod.
//
// Only some keys are inherited from the Namespace; a key on the pod hides the Namespace's, also
// when its value cannot be used: then the chart's value holds (linkerd2 pkg/inject).
//
// To add an annotation, you must: add its row in linkerd_annotation_rows.cc, and its key to
// known_annotations() of core/annotations.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/pod.h"
#include "core/settings.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {

namespace annotation {
inline constexpr std::string_view kOpaquePorts = "config.linkerd.io/opaque-ports";
inline constexpr std::string_view kAdditionalEnv = "config.linkerd.io/proxy-additional-env";
inline constexpr std::string_view kCreatedBy = "linkerd.io/created-by";
inline constexpr std::string_view kProxyVersion = "linkerd.io/proxy-version";
inline constexpr std::string_view kTrustRoot = "linkerd.io/trust-root-sha256";
}  // namespace annotation

struct EffectiveValues {
  LinkerdValues values;
  bool debug_sidecar = false;
  // Values that had to be dropped, each with what would work; those of wait, grace, the native
  // switch and inject are not among them, resolve_settings() reports these.
  std::vector<DroppedValue> dropped;
  bool operator==(const EffectiveValues&) const = default;
};

// A configuration's values, which are copied when a pod changes one of them: most change none.
class ValuesOfPod {
 public:
  explicit ValuesOfPod(const LinkerdValues& of_configuration) : base_(&of_configuration) {}  // kept

  const LinkerdValues& operator*() const { return own_ ? *own_ : *base_; }
  const LinkerdValues* operator->() const { return &**this; }
  LinkerdValues& write() { return own_ ? *own_ : own_.emplace(*base_); }

  // What it was made of has to be there no longer.
  LinkerdValues take() && { return own_ ? *std::move(own_) : *base_; }

 private:
  const LinkerdValues* base_;
  std::optional<LinkerdValues> own_;
};

// What an injection asks for. The grace of the values that were changed stands beside them, since
// many pods have their own; what says how the proxy waits, and whether it is native, is decided
// elsewhere (core/proxy.h), and without tracing nothing has the attributes of traces.
struct InjectionValues {
  ValuesOfPod values;
  std::optional<std::string> grace = values->proxy.shutdown_grace_period;
  bool debug_sidecar = false;
  std::vector<DroppedValue> dropped = {};
};

// `settings` are the pod's own (resolve_settings); `where` may be nullptr.
EffectiveValues effective_values(const Pod& pod, const Namespace* where,
                                 const PodSettings& settings, const LinkerdValues& values);

// Refers to `values`.
InjectionValues values_for_injection(const Pod& pod, const Namespace* where,
                                     const PodSettings& settings, const LinkerdValues& values);

// Whether one of them could be among the dropped: else nothing needs to be worked out to know that
// none is.
bool has_values_to_drop(const Annotations& annotations);

// What a Namespace's own annotations hold that its pods cannot use: the inherited keys.
std::vector<DroppedValue> dropped_linkerd_values(const Namespace& where,
                                                 const LinkerdValues& values);

// All configuration keys that this program reads for Linkerd's proxy, and whether a pod inherits
// them from its Namespace.
struct ConfigurationKey {
  std::string_view key;
  bool inherited = false;
};
std::vector<ConfigurationKey> configuration_keys();

// The Namespace's annotations that the injector copies onto a pod that does not have them.
std::vector<std::pair<std::string, std::string>> inherited_annotations(const Pod& pod,
                                                                       const Namespace* where);

}  // namespace gracekeeper
