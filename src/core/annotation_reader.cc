#include "core/annotation_reader.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "core/annotation_text.h"
#include "core/annotations.h"

namespace gracekeeper {
namespace {

// Items of one annotation that are dropped one by one, each with its reason; the rest is not read.
constexpr std::size_t kMostDroppedItems = 20;

// What to write in place of what is no string: its own spelling where that is a valid value.
std::string as_string_would_work(std::string_view key, std::string_view text) {
  if (key == annotation::kInject) return "\"enabled\", \"ingress\" or \"disabled\" in quotes";
  if (key == annotation::kOnShortfall) return "deny, warn, raise or fit";
  if (key == annotation::kJobShutdown) return "await, or await=CONTAINER";
  if (key == annotation::kIgnore) return "ids of rules, such as GK010,GK014";
  if (key == annotation::kWaitMode) return "\"fixed\" or \"until-app-exits\" in quotes";
  const auto quoted = [](std::string_view right) { return fmt::format("\"{}\" in quotes", right); };
  const auto such_as = [](std::string_view right) {
    return fmt::format("a text such as \"{}\"", right);
  };
  if (key == annotation::kWait) return parse_whole_seconds(text) ? quoted(text) : such_as("20");
  if (key == annotation::kGrace) {
    for (const auto& right : {std::string(text), std::string(text) + "s"}) {
      if (const auto parsed = parse_go_duration(right); parsed && parsed->count() >= 0)
        return quoted(right);
    }
    return such_as("30s");
  }
  if (key == annotation::kAppShutdown || key == annotation::kAppPrestopSleep)
    return parse_duration(text) ? quoted(text) : such_as("25s");
  return quoted(text);
}

// One of 64 marks of a key. A few dozen keys are looked for among a dozen: most are not there, and
// nothing there has their mark.
std::uint64_t mark_of(std::string_view key) {
  const auto last = key.empty() ? 0U : static_cast<unsigned char>(key.back());
  return std::uint64_t{1} << ((key.size() * 5 + last) % 64);
}

}  // namespace

AnnotationReader::AnnotationReader(const Annotations& annotations, Source source,
                                   const SidecarProfile* profile)
    : annotations_(annotations), source_(source), profile_(profile) {
  for (const auto& entry : annotations) marks_ |= mark_of(entry.first);
}

Annotations::const_iterator AnnotationReader::find(std::string_view key) const {
  return (marks_ & mark_of(key)) == 0 ? annotations_.end() : annotations_.find(key);
}

bool AnnotationReader::has(std::string_view key) const { return find(key) != annotations_.end(); }

std::optional<std::string_view> AnnotationReader::text(std::string_view key) {
  const auto found = find(key);
  if (found == annotations_.end()) return std::nullopt;
  if (!found->second.is_string) {
    const bool asks = profile_ != nullptr && key == profile_->inject_annotation;
    drop(key,
         fmt::format("Kubernetes takes only strings here: write {}",
                     asks ? fmt::format("\"{}\" or \"disabled\" in quotes", profile_->inject_value)
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

std::optional<Millis> AnnotationReader::wait() {
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

std::optional<Millis> AnnotationReader::grace() {
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

std::optional<bool> AnnotationReader::native(std::string_view key) {
  const auto written = text(key);
  if (!written) return std::nullopt;
  const auto parsed = parse_go_bool(*written);
  if (!parsed)
    drop(key, fmt::format("\"{}\" is not a boolean: write \"true\" or \"false\"", *written));
  return parsed;
}

InjectRequest AnnotationReader::inject() {
  if (profile_ != nullptr) return inject_profile();
  const auto found = find(annotation::kInject);
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

std::optional<OnShortfall> AnnotationReader::on_shortfall() {
  const auto written = text(annotation::kOnShortfall);
  if (!written) return std::nullopt;
  const auto parsed = parse_on_shortfall(*written);
  if (!parsed) {
    drop(annotation::kOnShortfall,
         fmt::format("\"{}\" is not a value of it: write \"deny\", \"warn\", \"raise\" or \"fit\"",
                     *written));
  }
  return parsed;
}

std::optional<Millis> AnnotationReader::app_prestop_sleep() {
  const auto written = text(annotation::kAppPrestopSleep);
  if (!written) return std::nullopt;
  const auto parsed = parse_duration_in_seconds(trimmed(*written));
  if (!parsed) {
    drop(annotation::kAppPrestopSleep, parsed.error().message);
    return std::nullopt;
  }
  return from_seconds(parsed->count());
}

ShutdownTimes AnnotationReader::app_shutdown(const WhyNot& why_not) {
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

std::vector<std::string> AnnotationReader::ignored_rules() {
  const auto written = text(annotation::kIgnore);
  return written ? split_list(*written) : std::vector<std::string>{};
}

std::optional<std::string> AnnotationReader::job_shutdown() {
  const auto written = text(annotation::kJobShutdown);
  if (!written) return std::nullopt;
  const auto bare = trimmed(*written);
  if (bare == "await") return std::string{};
  constexpr std::string_view named = "await=";
  if (bare.starts_with(named)) {
    if (const auto name = trimmed(bare.substr(named.size())); !name.empty())
      return std::string(name);
  }
  drop(
      annotation::kJobShutdown,
      fmt::format("\"{}\" is not a value of it: write \"await\" or \"await=CONTAINER\"", *written));
  return std::nullopt;
}

std::optional<std::string> AnnotationReader::await_program() {
  const auto written = text(annotation::kAwaitProgram);
  if (!written) return std::nullopt;
  const auto path = trimmed(*written);
  const auto base = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  if (base.find("linkerd-await") != std::string_view::npos &&
      path.find_first_of(kAnnotationBlanks) == std::string_view::npos) {
    return std::string(path);
  }
  drop(annotation::kAwaitProgram,
       fmt::format("\"{}\" is not the path of linkerd-await in the container's image: write it as "
                   "\"/linkerd-await\"",
                   *written));
  return std::nullopt;
}

std::optional<WaitMode> AnnotationReader::wait_mode() {
  const auto written = text(annotation::kWaitMode);
  if (!written) return std::nullopt;
  if (*written == "fixed") return WaitMode::Fixed;
  if (*written == "until-app-exits") return WaitMode::UntilAppExits;
  drop(
      annotation::kWaitMode,
      fmt::format("\"{}\" is not a value of it: write \"fixed\" or \"until-app-exits\"", *written));
  return std::nullopt;
}

std::optional<std::int64_t> AnnotationReader::proxy_uid() const {
  const auto found = find(annotation::kProxyUid);
  if (found == annotations_.end() || !found->second.is_string) return std::nullopt;
  const auto& written = found->second.text;
  std::int64_t uid = -1;
  const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), uid);
  const bool is_number = error == std::errc{} && end == written.data() + written.size();
  return is_number && uid > 0 ? std::optional(uid) : std::nullopt;
}

std::optional<bool> AnnotationReader::shutdown_endpoint() const {
  const auto found = find(annotation::kAdminShutdown);
  if (found == annotations_.end() || !found->second.is_string) return std::nullopt;
  if (found->second.text == "enabled") return true;
  if (found->second.text == "disabled") return false;
  return std::nullopt;
}

std::optional<Millis> AnnotationReader::time(const ProfileSetting& setting) {
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

InjectRequest AnnotationReader::inject_profile() {
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

void AnnotationReader::drop(std::string_view key, std::string message) {
  dropped_.push_back({.key = std::string(key),
                      .text = find(key)->second.text,
                      .source = source_,
                      .message = std::move(message)});
}

}  // namespace gracekeeper
