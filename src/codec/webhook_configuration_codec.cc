#include "codec/webhook_configuration_codec.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utility>

#include "codec/value_codec.h"
#include "codec/yaml_scalar.h"
#include "core/base64.h"

namespace gracekeeper {
namespace {

std::string text_at(const Value& object, std::string_view key) {
  const Value* value = object.find(key);
  return value == nullptr || value->as_string() == nullptr ? std::string() : *value->as_string();
}

}  // namespace

Result<WebhookConfiguration> decode_webhook_configuration(std::string_view json) {
  const auto value = read_value(json, {});
  if (!value) return tl::make_unexpected(value.error());
  const std::string kind = text_at(*value, "kind");
  if (kind != "MutatingWebhookConfiguration" && kind != "ValidatingWebhookConfiguration") {
    return fail(
        "expected an object of kind MutatingWebhookConfiguration or "
        "ValidatingWebhookConfiguration");
  }
  WebhookConfiguration out;
  if (const Value* metadata = value->find("metadata"))
    out.resource_version = text_at(*metadata, "resourceVersion");
  const Value* webhooks = value->find("webhooks");
  if (webhooks == nullptr || webhooks->as_array() == nullptr) return out;
  for (const Value& webhook : *webhooks->as_array()) {
    WebhookConfiguration::Entry entry{.name = text_at(webhook, "name")};
    if (const Value* client = webhook.find("clientConfig"); client != nullptr) {
      entry.has_client_config = client->as_object() != nullptr;
      const Value* bundle = client->find("caBundle");
      entry.has_ca_bundle = bundle != nullptr;
      entry.ca_bundle = decode_base64(text_at(*client, "caBundle")).value_or("");
    }
    out.entries.push_back(std::move(entry));
  }
  return out;
}

std::string ca_bundle_patch(const WebhookConfiguration& configuration, std::string_view bundle) {
  using Json = nlohmann::ordered_json;
  Json patch = Json::array();
  patch.push_back({{"op", "test"},
                   {"path", "/metadata/resourceVersion"},
                   {"value", configuration.resource_version}});
  const std::string encoded = base64(bundle);
  for (std::size_t i = 0; i < configuration.entries.size(); ++i) {
    const auto& entry = configuration.entries[i];
    // The API server refuses an entry without clientConfig, so there is none.
    if (!entry.has_client_config || entry.ca_bundle == bundle) continue;
    patch.push_back({{"op", entry.has_ca_bundle ? "replace" : "add"},
                     {"path", fmt::format("/webhooks/{}/clientConfig/caBundle", i)},
                     {"value", encoded}});
  }
  return patch.size() == 1 ? std::string() : patch.dump();
}

}  // namespace gracekeeper
