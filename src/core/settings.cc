#include "core/settings.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "core/annotation_reader.h"
#include "core/annotations.h"
#include "core/istio.h"

namespace gracekeeper {
namespace {

constexpr std::array kNativeKeys{annotation::kNative, annotation::kNativeBeta,
                                 annotation::kNativeAlpha};

std::optional<std::string> accepts_any_name(std::string_view) { return std::nullopt; }

// The per-container form may name any container that runs until the end, but not the proxy.
std::optional<std::string> why_not_in(const Pod& pod, std::string_view name,
                                      const PodSettings& settings) {
  const auto proxy = settings.proxy_name();
  if (name == proxy) {
    return fmt::format("\"{}\" is the proxy: its time is set with {}", proxy, settings.grace_key());
  }
  if (name == kIstioProxyName) {
    return fmt::format("\"istio-proxy\" is the proxy: its time is set with {}",
                       annotation::kIstioConfig);
  }
  std::string known;
  for (const auto* list : {&pod.containers, &pod.init_containers}) {
    for (const auto& container : *list) {
      const bool runs = container.list == Container::List::Containers || container.restart_always;
      if (!runs || container.name == proxy || container.name == kIstioProxyName) continue;
      if (container.name == name) return std::nullopt;
      known += (known.empty() ? "" : ", ") + container.name;
    }
  }
  return fmt::format("the pod has no container \"{}\"; it has: {}", name,
                     known.empty() ? "none" : known);
}

// The keys of the native switch, in the order in which they decide.
std::vector<std::string_view> native_keys(const PodSettings& settings) {
  if (!settings.profile) return {kNativeKeys.begin(), kNativeKeys.end()};
  if (settings.native_key().empty()) return {};
  return {settings.native_key()};
}

// Reads everything once, for the values that are dropped.
void read_all(AnnotationReader& reader) {
  reader.inject();
  reader.wait();
  reader.grace();
  for (auto key : kNativeKeys) reader.native(key);
  reader.app_shutdown(accepts_any_name);
  reader.app_prestop_sleep();
  reader.on_shortfall();
  reader.job_shutdown();
  reader.await_program();
  reader.wait_mode();
  reader.ignored_rules();
}

}  // namespace

std::optional<OnShortfall> parse_on_shortfall(std::string_view text) {
  if (text == "deny") return OnShortfall::Deny;
  if (text == "warn") return OnShortfall::Warn;
  if (text == "raise") return OnShortfall::Raise;
  if (text == "fit") return OnShortfall::Fit;
  return std::nullopt;
}

std::optional<HelperDelivery> parse_helper_delivery(std::string_view text) {
  if (text == "auto") return HelperDelivery::Auto;
  if (text == "init-container") return HelperDelivery::InitContainer;
  if (text == "image-volume") return HelperDelivery::ImageVolume;
  return std::nullopt;
}

std::string_view to_string(OnShortfall mode) {
  switch (mode) {
    case OnShortfall::Deny:
      return "deny";
    case OnShortfall::Warn:
      return "warn";
    case OnShortfall::Raise:
      return "raise";
    case OnShortfall::Fit:
      return "fit";
  }
  return "deny";
}

Sourced<Millis> PodSettings::shutdown_of(std::string_view container, bool is_app,
                                         const Configuration& configuration) const {
  for (const auto& [name, time] : app_shutdown_by_container) {
    if (name == container) return time;
  }
  return is_app ? app_shutdown : configuration.app_shutdown;
}

std::string_view PodSettings::inject_key() const {
  return profile ? std::string_view(profile->inject_annotation) : annotation::kInject;
}
std::string_view PodSettings::inject_value() const {
  return profile ? std::string_view(profile->inject_value) : "enabled";
}
std::string_view PodSettings::wait_key() const {
  return profile ? std::string_view(profile->wait.annotation) : annotation::kWait;
}
std::string_view PodSettings::grace_key() const {
  return profile ? std::string_view(profile->grace.annotation) : annotation::kGrace;
}
std::string_view PodSettings::native_key() const {
  return profile ? std::string_view(profile->native_annotation) : annotation::kNative;
}
std::string_view PodSettings::proxy_name() const {
  return profile ? std::string_view(profile->container) : "linkerd-proxy";
}

PodSettings resolve_settings(const Pod& pod, const Namespace* where,
                             const Configuration& configuration, ProfilePtr profile) {
  static const Annotations nothing;
  AnnotationReader own(pod.annotations, Source::Pod, profile.get());
  AnnotationReader inherited(where == nullptr ? nothing : where->annotations, Source::Namespace,
                             profile.get());

  PodSettings settings;
  settings.profile = std::move(profile);
  // The pod's value, else the Namespace's: a key on the pod hides the Namespace's.
  const auto choose = [&](std::string_view key, auto read) {
    const bool on_pod = own.has(key);
    auto value = read(on_pod ? own : inherited);
    using Setting = typename decltype(value)::value_type;
    return value ? std::optional(Sourced<Setting>{*value, on_pod ? Source::Pod : Source::Namespace})
                 : std::nullopt;
  };

  settings.pod_inject = own.inject();
  settings.namespace_inject = inherited.inject();
  settings.wait =
      choose(settings.wait_key(), [](AnnotationReader& reader) { return reader.wait(); });
  settings.grace =
      choose(settings.grace_key(), [](AnnotationReader& reader) { return reader.grace(); });
  // The first of the three keys that is present decides, even when its value is invalid; the beta
  // key is not inherited (linkerd2 pkg/inject).
  bool decided = false;
  for (auto key : native_keys(settings)) {
    const bool on_pod = own.has(key);
    // Read on the pod even when an earlier key has decided: its value may have to be reported.
    const auto own_value = on_pod ? own.native(key) : std::nullopt;
    if (decided || (!on_pod && (key == annotation::kNativeBeta || !inherited.has(key)))) continue;
    decided = true;
    if (const auto native = on_pod ? own_value : inherited.native(key)) {
      settings.native = Sourced<bool>{*native, on_pod ? Source::Pod : Source::Namespace};
    }
  }

  const bool own_shutdown = own.has(annotation::kAppShutdown);
  const auto shutdown_source = own_shutdown ? Source::Pod : Source::Namespace;
  const auto times =
      own_shutdown
          ? own.app_shutdown([&](std::string_view name) { return why_not_in(pod, name, settings); })
          : inherited.app_shutdown(accepts_any_name);
  settings.app_shutdown =
      times.plain ? Sourced<Millis>{*times.plain, shutdown_source} : configuration.app_shutdown;
  for (const auto& [name, time] : times.by_container) {
    settings.app_shutdown_by_container.emplace_back(name, Sourced<Millis>{time, shutdown_source});
  }

  settings.app_prestop_sleep = choose(annotation::kAppPrestopSleep, [](AnnotationReader& reader) {
    return reader.app_prestop_sleep();
  });
  settings.on_shortfall =
      choose(annotation::kOnShortfall, [](AnnotationReader& reader) {
        return reader.on_shortfall();
      }).value_or(Sourced<OnShortfall>{configuration.on_shortfall, Source::Configuration});
  settings.ignored_rules =
      own.has(annotation::kIgnore) ? own.ignored_rules() : inherited.ignored_rules();
  settings.job_shutdown = choose(annotation::kJobShutdown,
                                 [](AnnotationReader& reader) { return reader.job_shutdown(); });
  settings.await_program = choose(annotation::kAwaitProgram,
                                  [](AnnotationReader& reader) { return reader.await_program(); });
  settings.wait_mode =
      choose(annotation::kWaitMode, [](AnnotationReader& reader) { return reader.wait_mode(); });
  settings.proxy_uid = own.has(annotation::kProxyUid) ? own.proxy_uid() : inherited.proxy_uid();
  settings.shutdown_endpoint =
      own.has(annotation::kAdminShutdown) ? own.shutdown_endpoint() : inherited.shutdown_endpoint();
  settings.dropped = own.take_dropped();
  // Without the annotation the settings are those of a pod that might be (core/what_if.h).
  const auto istio_config = pod.annotations.find(annotation::kIstioConfig);
  if (const auto* proxy = istio_proxy(pod);
      proxy != nullptr && istio_config != pod.annotations.end()) {
    auto drain = istio_drain(pod, *proxy);
    for (auto& message : drain.refused) {
      settings.dropped.push_back({.key = std::string(annotation::kIstioConfig),
                                  .text = istio_config->second.text,
                                  .source = Source::Pod,
                                  .message = std::move(message)});
    }
  }
  return settings;
}

std::vector<DroppedValue> dropped_values(const Namespace& where, const ProfileList& profiles) {
  AnnotationReader reader(where.annotations, Source::Namespace, nullptr);
  read_all(reader);
  auto dropped = reader.take_dropped();
  for (const auto& profile : profiles.items) {
    AnnotationReader of_profile(where.annotations, Source::Namespace, profile.get());
    of_profile.inject();
    of_profile.wait();
    of_profile.grace();
    if (!profile->native_annotation.empty()) of_profile.native(profile->native_annotation);
    for (auto& value : of_profile.take_dropped()) {
      // Profiles may share an annotation.
      if (std::find(dropped.begin(), dropped.end(), value) == dropped.end())
        dropped.push_back(std::move(value));
    }
  }
  return dropped;
}

}  // namespace gracekeeper
