#include "core/proxy.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "core/istio.h"

namespace gracekeeper {
namespace {

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](auto prefix) { return text.starts_with(prefix); });
}

bool is_proxy(const Container& container) {
  return is_proxy_name(container.name) ||
         starts_with_any(container.image,
                         {"cr.l5d.io/linkerd/proxy:", "gcr.io/istio-release/proxyv2:"});
}

bool is_proxy_init(const Container& container) {
  return container.name == "linkerd-init" || container.name == "istio-init" ||
         starts_with_any(container.image,
                         {"cr.l5d.io/linkerd/proxy-init:", "gcr.io/istio-release/proxy_init:"});
}

bool mounts_service_account_token(const Pod& pod) {
  if (pod.containers.empty()) return false;
  const auto& mounts = pod.containers.front().volume_mounts;
  return std::any_of(mounts.begin(), mounts.end(),
                     [](const VolumeMount& mount) { return mount.path == kServiceAccountPath; });
}

std::optional<SkipReason> annotation_obstacle(const PodSettings& settings) {
  const auto asks = [](InjectRequest request) {
    return request == InjectRequest::Enabled || request == InjectRequest::Ingress;
  };
  if (settings.namespace_inject == InjectRequest::Invalid)
    return SkipReason::AnnotationInvalidNamespace;
  if (settings.pod_inject == InjectRequest::Invalid) return SkipReason::AnnotationInvalidPod;
  if (asks(settings.namespace_inject)) {
    if (settings.pod_inject == InjectRequest::Disabled) return SkipReason::AnnotationDisabled;
    return std::nullopt;
  }
  if (asks(settings.pod_inject)) return std::nullopt;
  return settings.pod_inject == InjectRequest::Disabled ? SkipReason::AnnotationDisabled
                                                        : SkipReason::AnnotationAbsent;
}

bool is_silent_about_injection(const PodSettings& settings) {
  return settings.pod_inject == InjectRequest::Nothing &&
         settings.namespace_inject == InjectRequest::Nothing;
}

// What an adopted proxy carries is stated, unless it is what the configuration has put there: a pod
// must not be judged harder when the webhook sees it again than when it injected it.
Sourced<Millis> carried(Millis value, const Sourced<Millis>& configured) {
  const bool by_configuration = configured.source != Source::BuiltIn && configured.value == value;
  return {value, by_configuration ? configured.source : Source::Container};
}

Proxy::Prestop prestop_of(const Hook& hook) { return {hook.length, hook.at_least}; }

// Adopted: the annotation decides, else what the container carries, else wait 0 and the proxy's own
// default. A native proxy's hook runs, but delays nothing.
Proxy adopt(const Container& container, const PodSettings& settings,
            const Configuration& configuration) {
  Proxy proxy{.presence = Proxy::Presence::Adopted,
              .mode = container.is_native_sidecar() ? Proxy::Mode::Native : Proxy::Mode::Classic};
  if (proxy.mode == Proxy::Mode::Native) {
    if (container.pre_stop) proxy.pre_stop = prestop_of(*container.pre_stop);
  } else if (settings.wait) {
    proxy.wait = *settings.wait;
    if (proxy.wait.value.count() > 0) proxy.pre_stop = Proxy::Prestop{proxy.wait.value};
  } else if (container.pre_stop) {
    proxy.pre_stop = prestop_of(*container.pre_stop);
    const auto& length = container.pre_stop->length;
    proxy.wait = length ? carried(*length, configuration.wait)
                        : Sourced<Millis>{container.pre_stop->at_least, Source::Container};
  }

  proxy.grace = {kProxyDefaultGrace, Source::BuiltIn};
  if (settings.grace) {
    proxy.grace = *settings.grace;
  } else if (container.grace_variable && container.grace_variable->value) {
    if (const auto own = parse_proxy_duration(*container.grace_variable->value)) {
      proxy.grace = carried(*own, configuration.grace);
    }
  }
  return proxy;
}

// Istio's proxy has its own settings; those of Linkerd mean nothing to it.
Proxy adopt_istio(const Pod& pod, const Container& container) {
  auto drain = istio_drain(pod, container);
  Proxy proxy{.presence = Proxy::Presence::Adopted,
              .mode = container.is_native_sidecar() ? Proxy::Mode::Native : Proxy::Mode::Classic,
              .kind = Proxy::Kind::Istio,
              .grace = drain.drain,
              .until_idle = drain.until_idle,
              .grace_origin = std::move(drain.origin)};
  if (!container.pre_stop) return proxy;
  const auto& hook = *container.pre_stop;
  const auto length = is_istio_drain_hook(hook.command) ? std::optional(Millis{0}) : hook.length;
  proxy.pre_stop = Proxy::Prestop{length, hook.at_least};
  if (proxy.mode == Proxy::Mode::Classic)
    proxy.wait = {length.value_or(hook.at_least), Source::Container};
  return proxy;
}

Proxy add(Proxy::Presence presence, const PodSettings& settings,
          const Configuration& configuration) {
  Proxy proxy{.presence = presence};
  const auto wait = settings.wait.value_or(configuration.wait);
  const bool wait_is_stated = wait.value.count() > 0 && wait.source != Source::BuiltIn;
  const bool native_possible = configuration.kubernetes_version.has_native_sidecars();
  const auto explicit_native = settings.native ? settings.native : configuration.native_sidecar;
  const bool native = explicit_native ? explicit_native->value : native_possible && !wait_is_stated;

  proxy.native_unavailable = native && !native_possible;
  proxy.mode = native && native_possible ? Proxy::Mode::Native : Proxy::Mode::Classic;
  proxy.grace = settings.grace.value_or(configuration.grace);
  if (proxy.mode == Proxy::Mode::Classic) {
    proxy.wait = wait;
    if (wait.value.count() > 0) proxy.pre_stop = Proxy::Prestop{wait.value};
  }
  return proxy;
}

}  // namespace

bool has_sidecar(const Pod& pod) {
  return std::any_of(pod.containers.begin(), pod.containers.end(), is_proxy) ||
         std::any_of(pod.init_containers.begin(), pod.init_containers.end(),
                     [](const Container& c) { return is_proxy(c) || is_proxy_init(c); });
}

std::optional<std::string> injection_clash(const Pod& pod, const Configuration& configuration) {
  if (pod.is_for_windows) return "the pod is for Windows, where the proxy and iptables do not run";
  const std::string_view added = configuration.cni ? "linkerd-network-validator" : "linkerd-init";
  if (std::none_of(pod.containers.begin(), pod.containers.end(),
                   [&](const auto& container) { return container.name == added; }))
    return std::nullopt;
  return fmt::format(
      "the pod has a container of its own with the name {}, which is that of one that injection "
      "adds",
      added);
}

std::string Proxy::container_name() const {
  if (profile) return profile->container;
  return std::string(kind == Kind::Istio ? kIstioProxyName : kProxyName);
}

bool is_proxy_name(std::string_view container_name) {
  return container_name == kProxyName || container_name == kIstioProxyName;
}

std::vector<SkipReason> injection_obstacles(const Pod& pod, const PodSettings& settings,
                                            const Configuration& configuration) {
  std::vector<SkipReason> reasons;
  if (pod.host_network) reasons.push_back(SkipReason::HostNetwork);
  if (has_sidecar(pod)) reasons.push_back(SkipReason::SidecarPresent);
  if (const auto reason = annotation_obstacle(settings)) reasons.push_back(*reason);
  if (!configuration.service_account_token_projection &&
      (pod.automount_service_account_token == false || !mounts_service_account_token(pod))) {
    reasons.push_back(SkipReason::NoServiceAccountToken);
  }
  return reasons;
}

Millis Proxy::stop() const {
  if (!profile) return grace.value;
  const Millis drain = profile->grace.is_in_hook() ? Millis{0} : grace.value;
  return profile->wait.is_in_hook() ? drain : drain + wait.value;
}

Millis Proxy::refuses_from(Millis sigterm) const {
  if (!profile || !is_classic()) return sigterm;
  if (!profile->wait.is_in_hook()) return sigterm + wait.value;
  return hook_is_timed && profile->grace.is_in_hook() ? std::min(sigterm, wait.value) : sigterm;
}

Proxy Proxy::with_times(Millis new_wait, Millis new_grace) const {
  Proxy other = *this;
  other.wait.value = new_wait;
  other.grace.value = new_grace;
  if (hook_is_timed && pre_stop) {
    const bool drains = profile && profile->grace.is_in_hook();
    other.pre_stop->length = new_wait + (drains ? new_grace : Millis{0});
  }
  return other;
}

const Container* adopted_proxy(const Pod& pod, std::string_view name) {
  const auto* container = pod.find_container(name);
  if (container == nullptr) return nullptr;
  const bool runs = container->list == Container::List::Containers || container->restart_always;
  return runs ? container : nullptr;
}

Proxy resolve_proxy(const Pod& pod, const PodSettings& settings,
                    const Configuration& configuration) {
  if (const auto* container = adopted_proxy(pod)) return adopt(*container, settings, configuration);
  if (const auto* container = istio_proxy(pod)) return adopt_istio(pod, *container);
  if (injection_clash(pod, configuration)) return Proxy{};
  const auto obstacles = injection_obstacles(pod, settings, configuration);
  if (obstacles.empty()) return add(Proxy::Presence::Injected, settings, configuration);
  // Neither the pod nor its Namespace says anything, but the proxy's settings stand on the pod: a
  // manifest whose Namespace (not in this input) asks for injection. A dropped value counts as
  // absent here too.
  const auto is_own = [](const auto& setting) { return setting && setting->source == Source::Pod; };
  const bool carries = is_own(settings.wait) || is_own(settings.grace);
  const bool only_silent =
      obstacles.size() == 1 && obstacles.front() == SkipReason::AnnotationAbsent;
  if (only_silent && is_silent_about_injection(settings) && carries) {
    return add(Proxy::Presence::Assumed, settings, configuration);
  }
  return Proxy{};
}

}  // namespace gracekeeper
