// The Kubernetes version that decisions are made for, and what each version can do. Sources: the
// feature gates SidecarContainers (KEP-753), PodLifecycleSleepAction (KEP-3960) and ImageVolume
// (KEP-4639).
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "core/result.h"

namespace gracekeeper {

struct KubernetesVersion {
  int major = 1;
  int minor = 34;
  // NOLINTNEXTLINE(modernize-use-nullptr): it takes the 0 that is compared with for a pointer
  auto operator<=>(const KubernetesVersion&) const = default;

  // Native sidecars are on by default and ordered at termination from 1.29 on.
  [[nodiscard]] bool has_native_sidecars() const { return *this >= KubernetesVersion{1, 29}; }
  // The built-in `sleep` action of a hook is on by default from 1.30 on.
  [[nodiscard]] bool has_sleep_action() const { return *this >= KubernetesVersion{1, 30}; }
  // A program can be started from an image volume on every node. The feature is on by default from
  // 1.35 on, but until 1.35 the API let the runtime forbid that (noexec: KEP-4639, changed in
  // 2025), and kubelets up to 1.36 also run with containerd 1.x, which has no such volumes: the pod
  // would not start.
  [[nodiscard]] bool runs_from_image_volumes() const { return *this >= KubernetesVersion{1, 37}; }
};

// "1.34", "v1.34", "1.34.2", "v1.34.2-eks-abc123"; `1.34+` as /version gives the minor.
Result<KubernetesVersion> parse_kubernetes_version(std::string_view text);
std::string to_string(const KubernetesVersion& version);

}  // namespace gracekeeper
