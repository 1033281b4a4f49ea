#include "cluster/certificate_objects.h"

#include <ctime>
#include <fmt/format.h>
#include <string_view>
#include <utility>

#include "codec/value_codec.h"

namespace gracekeeper::cluster {
namespace {

constexpr std::string_view kManager = "fieldManager=gracekeeper";

// The message of a metav1.Status, or what of the body a log line can hold.
std::string message_of(const io::ApiResponse& response) {
  if (const auto status = read_value(response.body, {})) {
    const Value* message = status->find("message");
    if (message != nullptr && message->as_string() != nullptr) return *message->as_string();
  }
  return response.body.substr(0, 200);
}

// "cannot read secrets/x in namespace y: HTTP 403: …: needed is …"
tl::unexpected<Error> refused(std::string_view action, std::string_view object,
                              const io::ApiResponse& response, std::string_view rule) {
  std::string text = fmt::format("cannot {} {}: HTTP {}: {}", action, object, response.status,
                                 message_of(response));
  if (response.status == 403) text += fmt::format(" (needed: {})", rule);
  if (response.status == 401) text += " (the API server does not accept the credentials)";
  return fail(std::move(text));
}

std::string secrets_path(const ObjectName& name) {
  return "/api/v1/namespaces/" + name.namespace_name + "/secrets";
}

std::string describe(const ObjectName& secret) {
  return fmt::format("secrets/{} in namespace {}", secret.name, secret.namespace_name);
}

std::string path_of(const WebhookTarget& target) {
  return "/apis/admissionregistration.k8s.io/v1/" + to_string(target);
}

std::string rule_for(const WebhookTarget& target) {
  return fmt::format("a ClusterRole with the verbs get and patch on {}", to_string(target));
}

}  // namespace

std::string to_string(const WebhookTarget& target) {
  return (target.kind == WebhookTarget::Kind::kMutating ? "mutatingwebhookconfigurations/"
                                                        : "validatingwebhookconfigurations/") +
         target.name;
}

std::optional<Time> parse_http_date(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

Result<CertificateObjects::SecretLook> CertificateObjects::read_secret() {
  const auto response = api_.request({.path = secrets_path(secret_) + "/" + secret_.name});
  if (!response) return tl::make_unexpected(response.error());
  SecretLook look{.secret = {}, .server_time = parse_http_date(response->date)};
  if (response->status == 404) return look;
  if (response->status != 200) {
    return refused("read", describe(secret_), *response,
                   "a Role with the verbs get and update on this Secret by name");
  }
  auto secret = decode_secret(response->body);
  if (!secret)
    return fail(fmt::format("cannot read {}: {}", describe(secret_), to_string(secret.error())));
  look.secret = *std::move(secret);
  return look;
}

Result<CertificateObjects::Written> CertificateObjects::write_secret(
    const std::optional<Secret>& old, const std::map<std::string, std::string>& data) {
  const bool exists = old.has_value();
  const Secret& secret = exists ? *old : new_secret(secret_.namespace_name, secret_.name);
  std::string path = secrets_path(secret_);
  if (exists) path += "/" + secret_.name;
  const auto response = api_.request({.method = exists ? "PUT" : "POST",
                                      .path = fmt::format("{}?{}", path, kManager),
                                      .body = encode_secret(secret, data)});
  if (!response) return tl::make_unexpected(response.error());
  if (response->status == 200 || response->status == 201) return Written::kDone;
  if (response->status == 409 || (exists && response->status == 404)) return Written::kConflict;
  return exists ? refused("write", describe(secret_), *response,
                          "a Role with the verbs get and update on this Secret by name")
                : refused("create", describe(secret_), *response,
                          "the Secret to exist, as the chart leaves it, without data; or a Role "
                          "with the verb create on secrets in this namespace");
}

Result<std::optional<WebhookConfiguration>> CertificateObjects::read_configuration(
    const WebhookTarget& target) {
  const auto response = api_.request({.path = path_of(target)});
  if (!response) return tl::make_unexpected(response.error());
  if (response->status == 404) return std::nullopt;
  if (response->status != 200)
    return refused("read", to_string(target), *response, rule_for(target));
  auto configuration = decode_webhook_configuration(response->body);
  if (!configuration) {
    return fail(
        fmt::format("cannot read {}: {}", to_string(target), to_string(configuration.error())));
  }
  return *std::move(configuration);
}

Result<CertificateObjects::Written> CertificateObjects::patch_configuration(
    const WebhookTarget& target, const WebhookConfiguration& seen, const std::string& patch) {
  const auto response = api_.request({.method = "PATCH",
                                      .path = fmt::format("{}?{}", path_of(target), kManager),
                                      .body = patch,
                                      .content_type = "application/json-patch+json"});
  if (!response) return tl::make_unexpected(response.error());
  if (response->status == 200) return Written::kDone;
  if (response->status == 409 || response->status == 404) return Written::kConflict;
  // A failed test of the patch is 422 with a sentence that does not say so, and an object that is
  // not valid is 422 too. Whether the object has changed tells them apart.
  if (response->status == 422) {
    const auto now = read_configuration(target);
    if (now && (!*now || (*now)->resource_version != seen.resource_version))
      return Written::kConflict;
  }
  return refused("write the caBundle of", to_string(target), *response, rule_for(target));
}

}  // namespace gracekeeper::cluster
