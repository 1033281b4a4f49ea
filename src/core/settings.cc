#include "core/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <functional>

#include "core/annotations.h"
#include "core/istio.h"

namespace gracekeeper {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
// Items of one annotation that are dropped one by one, each with its reason; the rest is not read.
constexpr std::size_t kMostDroppedItems = 20;
constexpr std::array kNativeKeys{annotation::kNative, annotation::kNativeBeta,
                                 annotation::kNativeAlpha};

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// What to write in place of a number or a boolean: its own spelling where that is a valid value.
std::string as_string_would_work(std::string_view key, std::string_view text) {
  if (key == annotation::kInject) return "\"enabled\", \"ingress\" or \"disabled\"";
  if (key == annotation::kWaitMode) return "\"fixed\" or \"until-app-exits\"";
  const bool lacks_unit = key == annotation::kGrace && !parse_go_duration(text);
  return fmt::format("\"{}{}\"", text, lacks_unit ? "s" : "");
}

struct ShutdownTimes {
  std::optional<Millis> plain;
  std::vector<std::pair<std::string, Millis>> by_container;
};

// Reads the annotations of one holder (a pod or a Namespace) and collects what it has to drop.
class Reader {
 public:
  Reader(const Annotations& annotations, Source source, const SidecarProfile* profile)
      : annotations_(annotations), source_(source), profile_(profile) {}

  [[nodiscard]] bool has(std::string_view key) const {
    return annotations_.find(key) != annotations_.end();
  }

  // The text of an annotation; a value that Kubernetes would refuse is dropped with the remedy.
  std::optional<std::string_view> text(std::string_view key) {
    const auto found = annotations_.find(key);
    if (found == annotations_.end()) return std::nullopt;
    if (!found->second.is_string) {
      const bool asks = profile_ != nullptr && key == profile_->inject_annotation;
      drop(key, fmt::format("Kubernetes takes only strings here: write {} in quotes",
                            asks ? fmt::format("\"{}\" or \"disabled\"", profile_->inject_value)
                                 : as_string_would_work(key, found->second.text)));
      return std::nullopt;
    }
    if (found->second.text.size() > annotation::kLongestValue) {
      drop(key, fmt::format("it is {} bytes long: at most {} are read", found->second.text.size(),
                            annotation::kLongestValue));
      return std::nullopt;
    }
    return found->second.text;
  }

  std::optional<Millis> wait() {
    if (profile_ != nullptr) return time(profile_->wait);
    const auto written = text(annotation::kWait);
    if (!written) return std::nullopt;
    const auto parsed = parse_whole_seconds(*written);
    if (!parsed) {
      drop(annotation::kWait, parsed.error().message);
      return std::nullopt;
    }
    return from_seconds(parsed->count());
  }

  std::optional<Millis> grace() {
    if (profile_ != nullptr) return time(profile_->grace);
    const auto written = text(annotation::kGrace);
    if (!written) return std::nullopt;
    const auto parsed = parse_go_duration(*written);
    if (!parsed) {
      drop(annotation::kGrace, parsed.error().message);
      return std::nullopt;
    }
    if (parsed->count() < 0) {
      drop(annotation::kGrace,
           fmt::format("\"{}\" is negative: the proxy refuses it and does not start", *written));
      return std::nullopt;
    }
    return std::chrono::duration_cast<Millis>(*parsed);
  }

  std::optional<bool> native(std::string_view key) {
    const auto written = text(key);
    if (!written) return std::nullopt;
    const auto parsed = parse_go_bool(*written);
    if (!parsed)
      drop(key, fmt::format("\"{}\" is not a boolean: write \"true\" or \"false\"", *written));
    return parsed;
  }

  InjectRequest inject() {
    if (profile_ != nullptr) return inject_profile();
    const auto found = annotations_.find(annotation::kInject);
    if (found == annotations_.end()) return InjectRequest::Nothing;
    const auto written = text(annotation::kInject);
    if (!written) return InjectRequest::Invalid;
    if (*written == "enabled") return InjectRequest::Enabled;
    if (*written == "ingress") return InjectRequest::Ingress;
    if (*written == "disabled") return InjectRequest::Disabled;
    drop(annotation::kInject, fmt::format("\"{}\" is not a value of it, and nothing is injected: "
                                          "write \"enabled\", \"ingress\" or \"disabled\"",
                                          *written));
    return InjectRequest::Invalid;
  }

  std::optional<OnShortfall> on_shortfall() {
    const auto written = text(annotation::kOnShortfall);
    if (!written) return std::nullopt;
    const auto parsed = parse_on_shortfall(*written);
    if (!parsed) {
      drop(
          annotation::kOnShortfall,
          fmt::format("\"{}\" is not a value of it: write \"deny\", \"warn\", \"raise\" or \"fit\"",
                      *written));
    }
    return parsed;
  }

  std::optional<Millis> app_prestop_sleep() {
    const auto written = text(annotation::kAppPrestopSleep);
    if (!written) return std::nullopt;
    const auto parsed = parse_duration_in_seconds(trimmed(*written));
    if (!parsed) {
      drop(annotation::kAppPrestopSleep, parsed.error().message);
      return std::nullopt;
    }
    return from_seconds(parsed->count());
  }

  // `25s`, or `web=25s, worker=2m`. An item that cannot be used is dropped alone. `is_nameable`
  // says whether the pod has a container of that name whose time can be set.
  ShutdownTimes app_shutdown(
      const std::function<std::optional<std::string>(std::string_view)>& why_not) {
    ShutdownTimes times;
    const auto written = text(annotation::kAppShutdown);
    if (!written) return times;
    const auto drop_this = [&](std::string message) {
      drop(annotation::kAppShutdown, std::move(message));
    };
    if (written->find('=') == std::string_view::npos) {
      const auto parsed = parse_duration(trimmed(*written));
      if (parsed)
        times.plain = *parsed;
      else
        drop_this(parsed.error().message);
      return times;
    }
    const auto before = dropped_.size();
    for (const auto& item : split_list(*written)) {
      if (dropped_.size() - before >= kMostDroppedItems) break;
      const auto equals = item.find('=');
      if (equals == std::string::npos) {
        drop_this(fmt::format("\"{}\" names no container: write \"container={}\"", item, item));
        continue;
      }
      const std::string name{trimmed(std::string_view(item).substr(0, equals))};
      const auto value = trimmed(std::string_view(item).substr(equals + 1));
      const auto parsed = parse_duration(value);
      if (!parsed) {
        drop_this(fmt::format("container \"{}\": {}", name, parsed.error().message));
      } else if (auto reason = why_not(name)) {
        drop_this(*reason);
      } else if (std::any_of(times.by_container.begin(), times.by_container.end(),
                             [&](const auto& known) { return known.first == name; })) {
        drop_this(fmt::format("container \"{}\" is named twice: keep one", name));
      } else {
        times.by_container.emplace_back(name, *parsed);
      }
    }
    return times;
  }

  std::vector<std::string> ignored_rules() {
    const auto written = text(annotation::kIgnore);
    return written ? split_list(*written) : std::vector<std::string>{};
  }

  // `await`, or `await=CONTAINER`.
  std::optional<std::string> job_shutdown() {
    const auto written = text(annotation::kJobShutdown);
    if (!written) return std::nullopt;
    const auto bare = trimmed(*written);
    if (bare == "await") return std::string{};
    constexpr std::string_view named = "await=";
    if (bare.starts_with(named)) {
      if (const auto name = trimmed(bare.substr(named.size())); !name.empty())
        return std::string(name);
    }
    drop(annotation::kJobShutdown,
         fmt::format("\"{}\" is not a value of it: write \"await\" or \"await=CONTAINER\"",
                     *written));
    return std::nullopt;
  }

  // The program's own name must be in the path: by it a wrapped command is known again.
  std::optional<std::string> await_program() {
    const auto written = text(annotation::kAwaitProgram);
    if (!written) return std::nullopt;
    const auto path = trimmed(*written);
    const auto base = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
    if (base.find("linkerd-await") != std::string_view::npos &&
        path.find_first_of(kBlanks) == std::string_view::npos) {
      return std::string(path);
    }
    drop(
        annotation::kAwaitProgram,
        fmt::format("\"{}\" is not the path of linkerd-await in the container's image: write it as "
                    "\"/linkerd-await\"",
                    *written));
    return std::nullopt;
  }

  std::optional<WaitMode> wait_mode() {
    const auto written = text(annotation::kWaitMode);
    if (!written) return std::nullopt;
    if (*written == "fixed") return WaitMode::Fixed;
    if (*written == "until-app-exits") return WaitMode::UntilAppExits;
    drop(annotation::kWaitMode,
         fmt::format("\"{}\" is not a value of it: write \"fixed\" or \"until-app-exits\"",
                     *written));
    return std::nullopt;
  }

  // What is wrong with it is said where Linkerd's other annotations are read.
  [[nodiscard]] std::optional<std::int64_t> proxy_uid() const {
    const auto found = annotations_.find(annotation::kProxyUid);
    if (found == annotations_.end() || !found->second.is_string) return std::nullopt;
    const auto& written = found->second.text;
    std::int64_t uid = -1;
    const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), uid);
    const bool is_number = error == std::errc{} && end == written.data() + written.size();
    return is_number && uid >= 0 ? std::optional(uid) : std::nullopt;
  }

  std::vector<DroppedValue> take_dropped() { return std::move(dropped_); }

 private:
  // A time of a profile: a duration, of whole seconds where the container is told seconds.
  std::optional<Millis> time(const ProfileSetting& setting) {
    const auto written = text(setting.annotation);
    if (!written) return std::nullopt;
    if (setting.means == SettingMeans::Annotation) {
      const auto value = setting.read(*written);
      if (!value) {
        drop(setting.annotation,
             fmt::format("the container reads it itself and cannot read \"{}\": write \"{}\", "
                         "for example",
                         *written, setting.written(from_seconds(20))));
      }
      return value;
    }
    if (setting.unit == SettingUnit::Second) {
      const auto parsed = parse_duration_in_seconds(trimmed(*written));
      if (parsed) return from_seconds(parsed->count());
      drop(setting.annotation, parsed.error().message);
      return std::nullopt;
    }
    const auto parsed = parse_duration(trimmed(*written));
    if (parsed) return *parsed;
    drop(setting.annotation, parsed.error().message);
    return std::nullopt;
  }

  InjectRequest inject_profile() {
    const std::string_view key = profile_->inject_annotation;
    if (!has(key)) return InjectRequest::Nothing;
    const auto written = text(key);
    if (!written) return InjectRequest::Invalid;
    if (*written == profile_->inject_value) return InjectRequest::Enabled;
    if (*written == "disabled" || *written == "false") return InjectRequest::Disabled;
    drop(key, fmt::format("\"{}\" is not a value of it, and nothing is injected: write \"{}\" or "
                          "\"disabled\"",
                          *written, profile_->inject_value));
    return InjectRequest::Invalid;
  }

  void drop(std::string_view key, std::string message) {
    dropped_.push_back({.key = std::string(key),
                        .text = annotations_.find(key)->second.text,
                        .source = source_,
                        .message = std::move(message)});
  }

  const Annotations& annotations_;
  Source source_;
  const SidecarProfile* profile_;
  std::vector<DroppedValue> dropped_;
};

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
void read_all(Reader& reader) {
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

std::optional<bool> parse_go_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> no{"0", "f", "F", "FALSE", "false", "False"};
  if (std::find(yes.begin(), yes.end(), text) != yes.end()) return true;
  if (std::find(no.begin(), no.end(), text) != no.end()) return false;
  return std::nullopt;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (true) {
    const auto comma = text.find(',');
    if (const auto item = trimmed(text.substr(0, comma)); !item.empty()) items.emplace_back(item);
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
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
  Reader own(pod.annotations, Source::Pod, profile.get());
  Reader inherited(where == nullptr ? nothing : where->annotations, Source::Namespace,
                   profile.get());

  PodSettings settings;
  settings.profile = std::move(profile);
  // The pod's value, else the Namespace's: a key on the pod hides the Namespace's.
  const auto choose = [&](std::string_view key, auto read) {
    const auto source = own.has(key) ? Source::Pod : Source::Namespace;
    auto value = read(own.has(key) ? own : inherited);
    using Setting = typename decltype(value)::value_type;
    return value ? std::optional(Sourced<Setting>{*value, source}) : std::nullopt;
  };

  settings.pod_inject = own.inject();
  settings.namespace_inject = inherited.inject();
  settings.wait = choose(settings.wait_key(), [](Reader& reader) { return reader.wait(); });
  settings.grace = choose(settings.grace_key(), [](Reader& reader) { return reader.grace(); });
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

  settings.app_prestop_sleep = choose(annotation::kAppPrestopSleep,
                                      [](Reader& reader) { return reader.app_prestop_sleep(); });
  settings.on_shortfall =
      choose(annotation::kOnShortfall, [](Reader& reader) {
        return reader.on_shortfall();
      }).value_or(Sourced<OnShortfall>{configuration.on_shortfall, Source::Configuration});
  settings.ignored_rules =
      own.has(annotation::kIgnore) ? own.ignored_rules() : inherited.ignored_rules();
  settings.job_shutdown =
      choose(annotation::kJobShutdown, [](Reader& reader) { return reader.job_shutdown(); });
  settings.await_program =
      choose(annotation::kAwaitProgram, [](Reader& reader) { return reader.await_program(); });
  settings.wait_mode =
      choose(annotation::kWaitMode, [](Reader& reader) { return reader.wait_mode(); });
  settings.proxy_uid = own.has(annotation::kProxyUid) ? own.proxy_uid() : inherited.proxy_uid();
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
  Reader reader(where.annotations, Source::Namespace, nullptr);
  read_all(reader);
  auto dropped = reader.take_dropped();
  for (const auto& profile : profiles.items) {
    Reader of_profile(where.annotations, Source::Namespace, profile.get());
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
