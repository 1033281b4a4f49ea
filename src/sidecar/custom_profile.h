// A profile's proxy in a pod, as edits: everything that its file adds, and what an adopted one is
// told.
//
//   const auto edits = inject_profile({.pod = pod, .where = nullptr, .namespace_name = "shop",
//                                      .proxy = proxy, .grace = grace,
//                                      .wait_handler = sleep_handler(…)});
//
// Whether the pod is injected at all is decided before (choose_proxy in core/profile_proxy.h),
// which also makes sure that no name is taken and that every variable has a value.
//
// Where things go: native: the profile's init containers first, then the proxy, all before the
// pod's own, so that these have the network. Classic: the init containers last, since nothing may
// be redirected that another init container still needs, and the proxy after the pod's containers,
// so that `kubectl logs` and `kubectl exec` still mean the application. Other containers of the
// profile stand before the proxy. What exactly is written: docs/sidecar-profiles.md.
#pragma once

#include <string>
#include <vector>

#include "core/edit.h"
#include "core/pod.h"
#include "core/proxy.h"
#include "core/settings.h"
#include "core/value.h"

namespace gracekeeper {

struct ProfileInjection {
  const Pod& pod;
  const Namespace* where = nullptr;
  std::string namespace_name;
  const Proxy& proxy;  // of a profile
  Millis grace{0};     // for ${grace}: also where the plan has none, on a native sidecar
  Value wait_handler;  // the sleep of a classic proxy without a hook of its own; null: none
};

std::vector<Edit> inject_profile(const ProfileInjection& injection);

// The adopted container told what annotations state; what does so already stays as it is.
std::vector<Edit> adjust_profile(const ProfileInjection& injection, const PodSettings& settings);

}  // namespace gracekeeper
