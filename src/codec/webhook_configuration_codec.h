// The caBundle of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration
// (admissionregistration.k8s.io/v1): what it is, and a patch that sets it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace gracekeeper {

struct WebhookConfiguration {
  struct Entry {
    std::string name;
    bool has_client_config = false;
    std::string ca_bundle;  // decoded; "" when there is none, or none that is base64
    bool has_ca_bundle = false;
  };
  std::string resource_version;
  std::vector<Entry> entries;
};

// Error: not the JSON of either kind.
Result<WebhookConfiguration> decode_webhook_configuration(std::string_view json);

// A JSON Patch (RFC 6902) that gives each entry the bundle. It begins with a test of the object's
// resourceVersion, so that it applies to what was read or to nothing: entries cannot have moved,
// and the older of two replicas' bundles cannot replace the newer one. Empty: nothing to change.
std::string ca_bundle_patch(const WebhookConfiguration& configuration, std::string_view bundle);

}  // namespace gracekeeper
