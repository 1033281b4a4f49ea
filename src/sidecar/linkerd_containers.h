// The containers and volumes of Linkerd's injection, each as the object that is added to the pod.
// `values` are always the effective ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/pod.h"
#include "core/proxy.h"
#include "core/value.h"
#include "sidecar/linkerd_environment.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {

inline constexpr std::string_view kInitName = "linkerd-init";
inline constexpr std::string_view kValidatorName = "linkerd-network-validator";

// The securityContext of a container where the first app has no capabilities in its own, and where
// it drops ALL, as the restricted Pod Security Standard demands. Null: to be made for the pod.
struct UsualContexts {
  Value plain;
  Value drops_all;
};

// What the containers and volumes of every pod with the same values have in common. Null: absent.
struct LinkerdParts {
  Value image;  // of linkerd-proxy and linkerd-init
  Value pull_policy;
  Value resources;
  Value liveness;
  Value readiness;
  Value startup;
  Value ports;
  Value post_start;
  Value init_command;
  Value init_arguments;
  Value lock_volume;
  Value identity_volume;
  Value token_volume;
  Value lock_mount;
  Value identity_mount;
  Value token_mount;
  Value seccomp_profile;
  Value message_policy;
  UsualContexts proxy_contexts;
  UsualContexts init_contexts;

  template <typename Visit>
  void for_each(Visit visit) {
    for (auto* part : {&image,
                       &pull_policy,
                       &resources,
                       &liveness,
                       &readiness,
                       &startup,
                       &ports,
                       &post_start,
                       &init_command,
                       &init_arguments,
                       &lock_volume,
                       &identity_volume,
                       &token_volume,
                       &lock_mount,
                       &identity_mount,
                       &token_mount,
                       &seccomp_profile,
                       &message_policy,
                       &proxy_contexts.plain,
                       &proxy_contexts.drops_all,
                       &init_contexts.plain,
                       &init_contexts.drops_all})
      visit(*part);
  }
};

// Without the usual contexts, which only pay when they serve many pods.
LinkerdParts linkerd_parts(const LinkerdValues& values);
void add_usual_contexts(LinkerdParts& parts, const LinkerdValues& values);

// {"limits": …, "requests": …}; null when there is none of them.
Value resources_of(const LinkerdResources& resources);

// The first app's mount of the service account's token, for clusters whose containers read that
// one; null: it has none.
Value service_account_mount(const Pod& pod);

// What of linkerd-proxy is a pod's own.
struct LinkerdProxyOfPod {
  Proxy::Mode mode = Proxy::Mode::Classic;
  std::optional<std::string> grace = std::nullopt;  // grace_text()
  Value wait_handler;                               // preStop of a classic proxy; null: none
};

// linkerd-proxy. `parts` and `environment` were made of the values, without an environment it is
// made here; `account` is the service_account_mount() of the pod.
Value proxy_container(const Pod& pod, const LinkerdValues& values, const LinkerdProxyOfPod& proxy,
                      const LinkerdParts& parts, const Value& account,
                      const SharedEnvironment* environment = nullptr);

// linkerd-init, which redirects the pod's traffic with iptables.
Value init_container(const Pod& pod, const LinkerdValues& values, const LinkerdParts& parts,
                     const Value& account);

// linkerd-network-validator, which checks that the CNI plugin has redirected it.
Value validator_container(const LinkerdValues& values);

Value debug_container(const LinkerdValues& values);

Value pod_info_volume();

}  // namespace gracekeeper
