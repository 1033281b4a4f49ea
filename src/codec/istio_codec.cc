#include "codec/istio_codec.h"

#include <fmt/format.h>
#include <string>

#include "codec/value_codec.h"
#include "core/annotations.h"

namespace gracekeeper {
namespace {

// A scalar as it was written; nothing for null, lists and mappings.
std::optional<AnnotationValue> scalar(const Value* value) {
  if (value == nullptr) return std::nullopt;
  if (const auto* text = value->as_string()) return AnnotationValue{*text, true};
  if (const auto* number = value->as_int()) return AnnotationValue{fmt::to_string(*number), false};
  if (const auto* number = value->as_double())
    return AnnotationValue{fmt::to_string(*number), false};
  if (const auto* flag = value->as_bool()) return AnnotationValue{*flag ? "true" : "false", false};
  return std::nullopt;
}

// protojson takes a field's name in the schema as well as its JSON name.
const Value* member(const Value& object, std::string_view name, std::string_view schema_name) {
  const auto* found = object.find(name);
  return found != nullptr ? found : object.find(schema_name);
}

}  // namespace

std::optional<IstioConfig> read_istio_config(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return std::nullopt;
  IstioConfig config;
  if (text.size() > annotation::kLongestValue) {
    config.is_readable = false;
    return config;
  }
  const auto read = read_value(text, "proxy.istio.io/config");
  if (!read || read->as_object() == nullptr) {
    config.is_readable = false;
    return config;
  }
  config.termination_drain =
      scalar(member(*read, "terminationDrainDuration", "termination_drain_duration"));
  if (const auto* metadata = member(*read, "proxyMetadata", "proxy_metadata")) {
    config.exit_on_zero = scalar(metadata->find("EXIT_ON_ZERO_ACTIVE_CONNECTIONS"));
    config.minimum_drain = scalar(metadata->find("MINIMUM_DRAIN_DURATION"));
  }
  return config;
}

}  // namespace gracekeeper
