#include "codec/secret_codec.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "codec/json_patch.h"
#include "codec/value_codec.h"
#include "codec/yaml_scalar.h"
#include "core/base64.h"

namespace gracekeeper {

Result<Secret> decode_secret(std::string_view json) {
  auto value = read_value(json, {});
  if (!value) return tl::make_unexpected(std::move(value).error());
  const Value* kind = value->find("kind");
  if (kind == nullptr || kind->as_string() == nullptr || *kind->as_string() != "Secret")
    return fail("expected an object of kind Secret");
  Secret secret{.object = *std::move(value), .data = {}, .undecodable = {}};
  const Value* data = secret.object.find("data");
  if (data == nullptr || data->as_object() == nullptr) return secret;
  for (const auto& [key, text] : *data->as_object()) {
    auto bytes = text.as_string() == nullptr ? std::nullopt : decode_base64(*text.as_string());
    if (bytes) {
      secret.data.emplace(key, *std::move(bytes));
    } else {
      secret.undecodable.push_back(key);
    }
  }
  return secret;
}

std::string encode_secret(const Secret& secret, const std::map<std::string, std::string>& data) {
  Value object = secret.object;
  Value::Object encoded;
  for (const auto& [key, bytes] : data) encoded.emplace_back(key, base64(bytes));
  object.set("data", std::move(encoded));
  return to_json(object).dump();
}

Secret new_secret(const std::string& namespace_name, const std::string& name) {
  return {.object = Value::Object{{"apiVersion", "v1"},
                                  {"kind", "Secret"},
                                  {"metadata",
                                   Value::Object{{"name", name}, {"namespace", namespace_name}}},
                                  {"type", "Opaque"}},
          .data = {},
          .undecodable = {}};
}

}  // namespace gracekeeper
