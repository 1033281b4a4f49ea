// The Kubernetes version that decisions are made for, and what each version can do. Sources: the
// feature gates SidecarContainers (KEP-753) and PodLifecycleSleepAction (KEP-3960).
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "core/result.h"

namespace gracekeeper {

struct KubernetesVersion {
  int major = 1;
  int minor = 34;
  auto operator<=>(const KubernetesVersion&) const = default;

  // Native sidecars are on by default and ordered at termination from 1.29 on.
  [[nodiscard]] bool has_native_sidecars() const { return *this >= KubernetesVersion{1, 29}; }
  // The built-in `sleep` action of a hook is on by default from 1.30 on.
  [[nodiscard]] bool has_sleep_action() const { return *this >= KubernetesVersion{1, 30}; }
};

// "1.34", "v1.34", "1.34.2", "v1.34.2-eks-abc123"; `1.34+` as /version gives the minor.
Result<KubernetesVersion> parse_kubernetes_version(std::string_view text);
std::string to_string(const KubernetesVersion& version);

}  // namespace gracekeeper
