// The proxy of a pod when other sidecars than Linkerd's are configured: which of them it is, how it
// behaves, and why one that is asked for is not injected.
#pragma once

#include <string>
#include <vector>

#include "core/placeholders.h"
#include "core/proxy.h"
#include "core/settings.h"

namespace gracekeeper {

// A pod has one proxy. Linkerd's comes first, where it is in the pod or will be injected; then the
// first profile whose container is there, then the first that is asked for. What is not done
// although somebody asked for it is a remark.
struct ChosenProxy {
  PodSettings settings;
  Proxy proxy;
  std::vector<std::string> remarks;  // one sentence each
};
ChosenProxy choose_proxy(const Pod& pod, const Namespace* where, std::string_view namespace_name,
                         const Configuration& configuration);

// The proxy of a profile whose container is in the pod.
Proxy adopt_profile(const Pod& pod, const Namespace* where, std::string_view namespace_name,
                    const PodSettings& settings);

// What the variables of the profile's templates hold for this pod and these times.
Lookup profile_variables(const Pod& pod, const Namespace* where, std::string_view namespace_name,
                         const SidecarProfile& profile, Millis wait, Millis grace);

}  // namespace gracekeeper
