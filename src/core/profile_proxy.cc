#include "core/profile_proxy.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "core/annotations.h"

namespace gracekeeper {
namespace {

// What an adopted container carries is stated, unless it is the profile's own default: a pod must
// not be judged harder when it is seen again than when it was injected.
Sourced<Millis> carried(Millis value, const ProfileSetting& setting) {
  const bool is_default = setting.standard_is_written && setting.standard == value;
  return {value, is_default ? Source::Configuration : Source::Container};
}

Sourced<Millis> standard(const ProfileSetting& setting) {
  return {setting.standard, setting.standard_is_written ? Source::Configuration : Source::BuiltIn};
}

// The value of an argument in the container's words, which may be `--drain=20` or `--drain`, `20`.
std::optional<std::string_view> argument_value(const std::vector<std::string>& words,
                                               const ArgumentForm& form) {
  for (std::size_t i = words.size(); i-- > 0;) {
    std::string_view word = words[i];
    if (!form.flag.empty() && (i == 0 || words[i - 1] != form.flag)) continue;
    if (word.size() < form.before.size() + form.after.size() || !word.starts_with(form.before) ||
        !word.ends_with(form.after))
      continue;
    word.remove_prefix(form.before.size());
    word.remove_suffix(form.after.size());
    return word;
  }
  return std::nullopt;
}

// What the container carries by other means than its hook.
std::optional<Millis> process_time(const Container& container, const ProfileSetting& setting) {
  if (setting.means == SettingMeans::Environment) {
    if (const auto found = container.env.find(setting.variable)) {
      const auto value = container.env[*found].value;
      return value ? setting.read(*value) : std::nullopt;
    }
  }
  if (setting.means == SettingMeans::Argument) {
    for (const auto* words : {&container.args, &container.command}) {
      if (const auto value = argument_value(*words, setting.argument)) return setting.read(*value);
    }
  }
  return std::nullopt;
}

struct HookTimes {
  std::optional<Millis> wait;
  std::optional<Millis> grace;
};

// The times in a hook that was made from the profile's; nothing when it is another hook.
std::optional<HookTimes> times_in_hook(const Hook& hook, const SidecarProfile& profile,
                                       const Lookup& lookup) {
  if (profile.hook.find("sleep") != nullptr && hook.action == Hook::Action::Sleep)
    return HookTimes{.wait = hook.length, .grace = std::nullopt};
  const auto* exec = profile.hook.find("exec");
  const auto* command = exec == nullptr ? nullptr : exec->find("command");
  const auto* words = command == nullptr ? nullptr : command->as_array();
  if (words == nullptr || hook.action != Hook::Action::Exec ||
      words->size() != hook.command.size()) {
    return std::nullopt;
  }
  HookTimes times;
  for (std::size_t i = 0; i < words->size(); ++i) {
    const auto* pattern = (*words)[i].as_string();
    const auto found =
        pattern == nullptr ? std::nullopt : read_back(*pattern, hook.command[i], lookup);
    if (!found) return std::nullopt;
    for (const auto& [name, text] : *found) {
      const bool is_wait = name == "wait";
      const auto value = (is_wait ? profile.wait : profile.grace).read(text);
      auto& time = is_wait ? times.wait : times.grace;
      if (!value || (time && *time != *value)) return std::nullopt;
      time = value;
    }
  }
  return times;
}

// A setting that the container reads from the pod's annotation is written there with its default
// too, which states nothing.
std::optional<Sourced<Millis>> stated(std::optional<Sourced<Millis>> setting,
                                      const ProfileSetting& of_profile) {
  if (setting && of_profile.means == SettingMeans::Annotation && of_profile.standard_is_written &&
      setting->value == of_profile.standard)
    setting->source = Source::Configuration;
  return setting;
}

void set_hook(Proxy& proxy) {
  const auto& profile = *proxy.profile;
  const bool waits = profile.wait.is_in_hook();
  const bool drains = profile.grace.is_in_hook();
  if (profile.hook.is_null()) {
    proxy.hook_is_timed = waits;
    if (proxy.is_classic() && waits && proxy.wait.value.count() > 0)
      proxy.pre_stop = Proxy::Prestop{proxy.wait.value};
  } else if (!profile.hook_is_timed) {
    proxy.pre_stop = Proxy::Prestop{profile.plain_hook_length};
  } else if (proxy.is_classic()) {
    proxy.hook_is_timed = true;
    proxy.pre_stop = Proxy::Prestop{(waits ? proxy.wait.value : Millis{0}) +
                                    (drains ? proxy.grace.value : Millis{0})};
  }
}

// A native sidecar is told to stop when the application is gone: it neither waits nor, where the
// drain is part of the hook, drains.
void settle_native(Proxy& proxy) {
  if (!proxy.is_native()) return;
  proxy.wait = {};
  if (proxy.profile->grace.is_in_hook()) proxy.grace.value = Millis{0};
}

Proxy add_profile(Proxy::Presence presence, const PodSettings& settings,
                  const Configuration& configuration) {
  const auto& profile = *settings.profile;
  Proxy proxy{.presence = presence};
  proxy.profile = settings.profile;
  proxy.wait = stated(settings.wait, profile.wait).value_or(standard(profile.wait));
  proxy.grace = stated(settings.grace, profile.grace).value_or(standard(profile.grace));
  const bool wait_is_stated = proxy.wait.value.count() > 0 && proxy.wait.source != Source::BuiltIn;
  const bool native_possible = configuration.kubernetes_version.has_native_sidecars();
  const auto explicit_native =
      settings.native ? std::optional(settings.native->value) : profile.native;
  const bool native = explicit_native.value_or(native_possible && !wait_is_stated);
  proxy.native_unavailable = native && !native_possible;
  proxy.mode = native && native_possible ? Proxy::Mode::Native : Proxy::Mode::Classic;
  settle_native(proxy);
  set_hook(proxy);
  return proxy;
}

bool asks(const PodSettings& settings) {
  if (settings.pod_inject == InjectRequest::Invalid ||
      settings.namespace_inject == InjectRequest::Invalid)
    return false;
  return settings.pod_inject == InjectRequest::Enabled ||
         (settings.pod_inject == InjectRequest::Nothing &&
          settings.namespace_inject == InjectRequest::Enabled);
}

// A manifest whose Namespace, which is not in the input, may ask for it.
bool may_be_asked_for(const PodSettings& settings) {
  const auto is_own = [](const auto& setting) { return setting && setting->source == Source::Pod; };
  return settings.pod_inject == InjectRequest::Nothing &&
         settings.namespace_inject == InjectRequest::Nothing &&
         (is_own(settings.wait) || is_own(settings.grace));
}

// A container or volume of the profile that the pod has already by another's hand.
std::optional<std::string> name_clash(const Pod& pod, const SidecarProfile& profile) {
  for (const auto* list : {&profile.init_containers, &profile.containers}) {
    for (const auto& container : *list) {
      if (pod.find_container(name_of(container)) != nullptr)
        return fmt::format("the pod has a container {} already", name_of(container));
    }
  }
  for (const auto& volume : profile.volumes) {
    if (std::find(pod.volume_names.begin(), pod.volume_names.end(), name_of(volume)) !=
        pod.volume_names.end())
      return fmt::format("the pod has a volume {} already", name_of(volume));
  }
  return std::nullopt;
}

// Why a pod that asks for the profile is left alone.
std::optional<std::string> obstacle(const Pod& pod, const Namespace* where,
                                    std::string_view namespace_name, const Proxy& proxy) {
  const auto& profile = *proxy.profile;
  if (pod.host_network) return "hostNetwork is true";
  if (has_sidecar(pod)) return "the pod has another proxy, or the init container of one";
  if (auto clash = name_clash(pod, profile)) return clash;
  const auto lookup =
      profile_variables(pod, where, namespace_name, profile, proxy.wait.value, proxy.grace.value);
  for (const auto* list : {&profile.containers, &profile.init_containers, &profile.volumes}) {
    for (const auto& part : *list) {
      if (const auto filled = fill(part, lookup); !filled) return filled.error().message;
    }
  }
  return std::nullopt;
}

// Why a pod that asks for Linkerd's proxy does not get it, where Linkerd's own reasons do not say
// so.
std::vector<std::string> remarks_on_clash(const Pod& pod, const ChosenProxy& linkerd,
                                          const Configuration& configuration) {
  const auto clash = injection_clash(pod, configuration);
  if (!clash || linkerd.proxy.exists() ||
      !injection_obstacles(pod, linkerd.settings, configuration).empty())
    return {};
  return {fmt::format("{} asks for {}, which is not injected: {}", annotation::kInject, kProxyName,
                      *clash)};
}

// What a pod says to a profile that is not its proxy's, and that cannot be used: an inject
// annotation with a wrong value, above all, for which the profile was not chosen.
void add_dropped_of_others(const Pod& pod, const Namespace* where,
                           const Configuration& configuration, PodSettings& settings) {
  for (const auto& profile : configuration.profiles.items) {
    if (profile == settings.profile) continue;
    const auto is_its_own = [&](std::string_view key) {
      return key == profile->inject_annotation || key == profile->wait.annotation ||
             key == profile->grace.annotation || key == profile->native_annotation;
    };
    for (auto& value : resolve_settings(pod, where, configuration, profile).dropped) {
      const bool is_known = std::find(settings.dropped.begin(), settings.dropped.end(), value) !=
                            settings.dropped.end();
      if (is_its_own(value.key) && !is_known) settings.dropped.push_back(std::move(value));
    }
  }
}

// Where it is in the pod already.
const Container* container_of_profile(const Pod& pod, const Proxy& proxy) {
  const bool is_there = proxy.profile && proxy.presence == Proxy::Presence::Adopted;
  return is_there ? adopted_proxy(pod, proxy.profile->container) : nullptr;
}

}  // namespace

bool can_be_told(const Container& container, const ProfileSetting& setting) {
  return setting.means != SettingMeans::Argument || !container.args.empty() ||
         !container.command.empty();
}

bool can_be_told_wait(const Pod& pod, const Proxy& proxy) {
  const auto* container = container_of_profile(pod, proxy);
  return container == nullptr || can_be_told(*container, proxy.profile->wait);
}

bool can_be_told_grace(const Pod& pod, const Proxy& proxy) {
  const auto* container = container_of_profile(pod, proxy);
  return container == nullptr || can_be_told(*container, proxy.profile->grace);
}

Lookup profile_variables(const Pod& pod, const Namespace* where, std::string_view namespace_name,
                         const SidecarProfile& profile, Millis wait, Millis grace) {
  return [&pod, where, &profile, wait, grace,
          in = std::string(namespace_name)](std::string_view name) -> std::optional<std::string> {
    if (name == "wait") return profile.wait.written(wait);
    if (name == "grace") return profile.grace.written(grace);
    if (name == "namespace") return in;
    const auto key = name.substr(name.find(':') + 1);
    if (name.starts_with("label:")) {
      const auto label = pod.labels.find(key);
      return label == pod.labels.end() ? std::nullopt : std::optional(label->second);
    }
    for (const auto* annotations :
         {&pod.annotations, where == nullptr ? nullptr : &where->annotations}) {
      if (annotations == nullptr) continue;
      const auto found = annotations->find(key);
      if (found != annotations->end()) return found->second.text;
    }
    return std::nullopt;
  };
}

Proxy adopt_profile(const Pod& pod, const Namespace* where, std::string_view namespace_name,
                    const PodSettings& settings) {
  const auto& profile = *settings.profile;
  const auto& container = *adopted_proxy(pod, profile.container);
  Proxy proxy{.presence = Proxy::Presence::Adopted,
              .mode = container.is_native_sidecar() ? Proxy::Mode::Native : Proxy::Mode::Classic};
  proxy.profile = settings.profile;
  // The variables other than the times, for reading a hook back.
  const auto lookup = profile_variables(pod, where, namespace_name, profile, Millis{0}, Millis{0});
  const auto in_hook = container.pre_stop && profile.hook_is_timed
                           ? times_in_hook(*container.pre_stop, profile, lookup)
                           : std::nullopt;

  auto own_wait = in_hook ? in_hook->wait : process_time(container, profile.wait);
  if (!own_wait && profile.wait.is_in_hook() && container.pre_stop && !in_hook)
    own_wait = container.pre_stop->length.value_or(container.pre_stop->at_least);
  // A hook of somebody else's does not drain, unless an annotation puts the profile's in its place.
  const bool made = proxy.is_classic() && ((settings.wait && profile.wait.is_in_hook()) ||
                                           (settings.grace && profile.grace.is_in_hook()));
  auto own_grace = process_time(container, profile.grace);
  if (in_hook)
    own_grace = in_hook->grace ? in_hook->grace : own_grace;
  else if (profile.grace.is_in_hook() && !made)
    own_grace = Millis{0};

  const auto told = [&](const std::optional<Sourced<Millis>>& setting, const ProfileSetting& of) {
    return can_be_told(container, of) ? stated(setting, of) : std::nullopt;
  };
  const auto wait = told(settings.wait, profile.wait);
  const auto grace = told(settings.grace, profile.grace);
  const bool reads_wait = profile.wait.means == SettingMeans::Annotation;
  proxy.wait = reads_wait ? standard(profile.wait) : Sourced<Millis>{Millis{0}, Source::Container};
  if (wait)
    proxy.wait = *wait;
  else if (own_wait)
    proxy.wait = carried(*own_wait, profile.wait);
  // Another hook's may have parts of the unit in which the profile's hook states it.
  if (made && !wait && profile.wait.is_in_hook())
    proxy.wait.value =
        profile.wait.read(profile.wait.written(proxy.wait.value)).value_or(proxy.wait.value);
  proxy.grace = grace       ? *grace
                : own_grace ? carried(*own_grace, profile.grace)
                            : standard(profile.grace);
  settle_native(proxy);
  // What a native sidecar waits by itself comes after its SIGTERM, when nothing is left to wait
  // for.
  if (proxy.is_native() && !wait && !profile.wait.is_in_hook())
    proxy.grace.value += own_wait.value_or(Millis{0});

  if (made) {
    set_hook(proxy);
  } else if (container.pre_stop) {
    proxy.pre_stop = Proxy::Prestop{container.pre_stop->length, container.pre_stop->at_least};
    if (in_hook && proxy.is_classic()) set_hook(proxy);
    proxy.hook_is_timed = proxy.is_classic() && profile.wait.is_in_hook() &&
                          (in_hook || (profile.hook.is_null() && container.pre_stop->length));
  }
  return proxy;
}

ChosenProxy choose_proxy(const Pod& pod, const Namespace* where, std::string_view namespace_name,
                         const Configuration& configuration) {
  ChosenProxy linkerd{.settings = resolve_settings(pod, where, configuration)};
  linkerd.proxy = resolve_proxy(pod, linkerd.settings, configuration);
  linkerd.remarks = remarks_on_clash(pod, linkerd, configuration);
  const auto& profiles = configuration.profiles.items;
  if (profiles.empty()) return linkerd;

  const bool has_linkerd = linkerd.proxy.presence == Proxy::Presence::Injected ||
                           linkerd.proxy.presence == Proxy::Presence::Adopted;
  std::optional<ChosenProxy> chosen;
  std::optional<ChosenProxy> assumed;
  auto remarks = linkerd.remarks;
  if (has_linkerd) chosen = linkerd;
  // Adopted ones before those that are asked for.
  for (const auto& profile : profiles) {
    if (adopted_proxy(pod, profile->container) == nullptr) continue;
    if (chosen) {
      remarks.push_back(fmt::format("{} is left as it is: the pod's proxy is {}",
                                    profile->container, chosen->proxy.container_name()));
      continue;
    }
    chosen = ChosenProxy{.settings = resolve_settings(pod, where, configuration, profile)};
    chosen->proxy = adopt_profile(pod, where, namespace_name, chosen->settings);
  }
  for (const auto& profile : profiles) {
    if (adopted_proxy(pod, profile->container) != nullptr) continue;
    ChosenProxy candidate{.settings = resolve_settings(pod, where, configuration, profile)};
    const auto not_injected = [&](std::string_view reason) {
      remarks.push_back(fmt::format("{} asks for {}, which is not injected: {}",
                                    profile->inject_annotation, profile->container, reason));
    };
    if (asks(candidate.settings)) {
      if (chosen) {
        not_injected(fmt::format("the pod's proxy is {}", chosen->proxy.container_name()));
        continue;
      }
      candidate.proxy = add_profile(Proxy::Presence::Injected, candidate.settings, configuration);
      if (const auto reason = obstacle(pod, where, namespace_name, candidate.proxy)) {
        not_injected(*reason);
        // Its settings are this pod's all the same: what they lack is said with their keys.
        if (!assumed) {
          candidate.proxy = {};
          assumed = std::move(candidate);
        }
        continue;
      }
      chosen = std::move(candidate);
    } else if (!assumed && linkerd.proxy.presence == Proxy::Presence::None &&
               may_be_asked_for(candidate.settings) && !pod.host_network) {
      // One that could not be injected is not assumed; what the pod says to it is kept all the
      // same.
      if (!name_clash(pod, *profile))
        candidate.proxy = add_profile(Proxy::Presence::Assumed, candidate.settings, configuration);
      assumed = std::move(candidate);
    }
  }
  if (!chosen && linkerd.proxy.presence == Proxy::Presence::None) chosen = std::move(assumed);
  if (!chosen) chosen = std::move(linkerd);
  chosen->remarks = std::move(remarks);
  add_dropped_of_others(pod, where, configuration, chosen->settings);
  return *std::move(chosen);
}

}  // namespace gracekeeper
