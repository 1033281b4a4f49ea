// The proxy of a pod when other sidecars than Linkerd's are configured: which of them it is, how it
// behaves, and why one that is asked for is not injected.
#pragma once

#include <string>
#include <string_view>
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

// The proxy of a profile whose container is in the pod. What it cannot be told does not count.
Proxy adopt_profile(const Pod& pod, const Namespace* where, std::string_view namespace_name,
                    const PodSettings& settings);

// Whether that container, which is in the pod already, can be told the time. An argument is put
// among others only: the first one of all would take the place of those of its image.
bool can_be_told(const Container& container, const ProfileSetting& setting);
// The same of a pod's proxy: one that is not there yet, and Linkerd's, can be.
bool can_be_told_wait(const Pod& pod, const Proxy& proxy);
bool can_be_told_grace(const Pod& pod, const Proxy& proxy);
inline constexpr std::string_view kHasNoArguments =
    "the container has neither command nor args, and one would take the place of its image's";

// What the variables of the profile's templates hold for this pod and these times.
Lookup profile_variables(const Pod& pod, const Namespace* where, std::string_view namespace_name,
                         const SidecarProfile& profile, Millis wait, Millis grace);

}  // namespace gracekeeper
