// The objects that self-managed certificates live in, over the API: the Secret and the webhook
// configurations, each by its name. What the API server refuses becomes a sentence that says which
// rule of RBAC is missing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/certificate_plan.h"
#include "cluster/object_name.h"
#include "codec/secret_codec.h"
#include "codec/webhook_configuration_codec.h"
#include "core/result.h"
#include "io/api_client.h"

namespace gracekeeper::cluster {

struct WebhookTarget {
  enum class Kind { kMutating, kValidating };
  Kind kind = Kind::kMutating;
  std::string name;
};
// "mutatingwebhookconfigurations/gracekeeper"
std::string to_string(const WebhookTarget& target);

class CertificateObjects {
 public:
  CertificateObjects(io::Api& api, ObjectName secret) : api_(api), secret_(std::move(secret)) {}

  struct SecretLook {
    std::optional<Secret> secret;     // none: it does not exist
    std::optional<Time> server_time;  // the API server's clock at its answer, if it said
  };
  Result<SecretLook> read_secret();

  enum class Written { kDone, kConflict };  // conflict: it has changed or gone since it was read
  // Without an old one the Secret is created.
  Result<Written> write_secret(const std::optional<Secret>& old,
                               const std::map<std::string, std::string>& data);

  // None: it does not exist.
  Result<std::optional<WebhookConfiguration>> read_configuration(const WebhookTarget& target);
  // `seen` is what the patch was made for.
  Result<Written> patch_configuration(const WebhookTarget& target, const WebhookConfiguration& seen,
                                      const std::string& patch);

 private:
  io::Api& api_;
  ObjectName secret_;
};

// "Thu, 26 Nov 2026 01:48:15 GMT" (RFC 9110, 5.6.7); none for anything else.
std::optional<Time> parse_http_date(const std::string& text);

}  // namespace gracekeeper::cluster
