#include "core/istio.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>

#include "core/annotation_text.h"
#include "core/annotations.h"
#include "core/settings.h"

namespace gracekeeper {
namespace {

struct Found {
  Millis value{0};
  Source source = Source::BuiltIn;
  std::string origin;
};

std::optional<Millis> duration(std::string_view text) {
  const auto parsed = parse_go_duration(text);
  if (!parsed || parsed->count() < 0) return std::nullopt;
  return std::chrono::duration_cast<Millis>(*parsed);
}

// protojson takes no number and no boolean for these: such a value is none, and hides the weaker
// places all the same.
std::optional<Millis> duration(const AnnotationValue& value) {
  return value.is_string ? duration(value.text) : std::nullopt;
}

// Go's strconv.Atoi; a negative sleep is none.
std::optional<Millis> whole_seconds(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t seconds = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seconds);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return from_seconds(seconds);
}

// The places of a variable that is also a key of proxyMetadata.
struct Metadata {
  AnnotationValue value;
  Source source = Source::BuiltIn;
};
std::optional<Metadata> metadata(const std::optional<std::string>& variable,
                                 std::optional<AnnotationValue> IstioConfig::*member,
                                 const Pod& pod, const Container& proxy) {
  if (variable) return Metadata{{*variable}, Source::Container};
  if (pod.istio_config) {
    if (const auto& value = (*pod.istio_config).*member) return Metadata{*value, Source::Pod};
  }
  if (proxy.istio.config) {
    if (const auto& value = (*proxy.istio.config).*member)
      return Metadata{*value, Source::Container};
  }
  return std::nullopt;
}

Found termination_drain(const Pod& pod, const Container& proxy) {
  Found by_default{kIstioDefaultDrain, Source::BuiltIn, "Istio's default"};
  if (proxy.istio.drain_seconds) {
    if (const auto read = whole_seconds(*proxy.istio.drain_seconds))
      return {*read, Source::Container, "TERMINATION_DRAIN_DURATION_SECONDS"};
    return by_default;
  }
  if (pod.istio_config && pod.istio_config->termination_drain) {
    if (const auto read = duration(*pod.istio_config->termination_drain))
      return {*read, Source::Pod, std::string(annotation::kIstioConfig)};
    return by_default;
  }
  if (proxy.istio.config && proxy.istio.config->termination_drain) {
    if (const auto read = duration(*proxy.istio.config->termination_drain))
      return {*read, Source::Container, "PROXY_CONFIG"};
  }
  return by_default;
}

// What protojson does not take, which Istio's injector reads the annotation with.
std::vector<std::string> refused_by_istio(const IstioConfig& config) {
  std::vector<std::string> refused;
  if (!config.is_readable) {
    refused.emplace_back(
        "it is no YAML mapping: write settings, such as \"terminationDrainDuration: 30s\"");
    return refused;
  }
  if (const auto& drain = config.termination_drain) {
    if (!duration(*drain)) {
      const bool lacks_unit = whole_seconds(drain->text) && !drain->text.starts_with('-');
      refused.push_back(fmt::format("terminationDrainDuration: \"{}\" is not a duration: write {}",
                                    drain->text,
                                    lacks_unit ? fmt::format("\"{}s\"", drain->text)
                                               : std::string("seconds, such as \"30s\"")));
    }
  }
  // These become variables, which the agent ignores where it cannot read them.
  if (const auto& exit = config.exit_on_zero) {
    const std::string key = "proxyMetadata.EXIT_ON_ZERO_ACTIVE_CONNECTIONS";
    if (!parse_go_bool(exit->text)) {
      refused.push_back(
          fmt::format("{}: \"{}\" is not a boolean: write \"true\" or \"false\"", key, exit->text));
    } else if (!exit->is_string) {
      refused.push_back(fmt::format("{}: {} is no string: write it in quotes, \"{}\"", key,
                                    exit->text, exit->text));
    }
  }
  if (const auto& least = config.minimum_drain; least && !duration(*least)) {
    refused.push_back(fmt::format(
        "proxyMetadata.MINIMUM_DRAIN_DURATION: \"{}\" is not a duration: write \"{}\"", least->text,
        whole_seconds(least->text) && !least->text.starts_with('-') ? least->text + "s" : "5s"));
  }
  return refused;
}

}  // namespace

const Container* istio_proxy(const Pod& pod) {
  const auto* container = pod.find_container(kIstioProxyName);
  if (container == nullptr) return nullptr;
  const bool runs = container->list == Container::List::Containers || container->restart_always;
  return runs ? container : nullptr;
}

IstioDrain istio_drain(const Pod& pod, const Container& proxy) {
  IstioDrain out;
  const auto& variables = proxy.istio;
  if (pod.istio_config) out.refused = refused_by_istio(*pod.istio_config);
  const auto exit = metadata(variables.exit_on_zero, &IstioConfig::exit_on_zero, pod, proxy);
  out.until_idle = exit && exit->value.is_string && parse_go_bool(exit->value.text).value_or(false);
  if (!out.until_idle) {
    auto found = termination_drain(pod, proxy);
    out.drain = {found.value, found.source};
    out.origin = std::move(found.origin);
    return out;
  }
  out.origin = "the default of MINIMUM_DRAIN_DURATION";
  const auto least = metadata(variables.minimum_drain, &IstioConfig::minimum_drain, pod, proxy);
  if (!least) return out;
  if (const auto read = duration(least->value)) {
    out.drain = {*read, least->source};
    out.origin = "MINIMUM_DRAIN_DURATION";
  }
  return out;
}

bool is_istio_drain_hook(const std::vector<std::string>& command) {
  if (command.empty() || !command.front().ends_with("pilot-agent")) return false;
  const auto has = [&](std::string_view word) {
    return std::find(command.begin(), command.end(), word) != command.end();
  };
  return has("request") && has("POST") && std::any_of(command.begin(), command.end(), [](auto& w) {
           return w == "drain" || w.starts_with("/drain");
         });
}

}  // namespace gracekeeper
