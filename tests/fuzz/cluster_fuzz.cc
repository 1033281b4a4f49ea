// What comes from a cluster and from its users: kubeconfigs, Secrets, webhook configurations, list
// pages, watch events, versions.
//
// Held to: what is refused says why; a Secret that is written back is read as the same; a patch of
// a webhook configuration applies and is needed only once; the same bytes are read as the same.
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "codec/istio_codec.h"
#include "codec/kubeconfig_codec.h"
#include "codec/list_codec.h"
#include "codec/secret_codec.h"
#include "codec/webhook_configuration_codec.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzzers.h"
#include "fuzz/json_mutation.h"

namespace gracekeeper::fuzz {
namespace {

template <typename T>
bool is_read(const Result<T>& result) {
  if (!result) require(!result.error().message.empty(), "refused without a message");
  return result.has_value();
}

void check_kubeconfig(std::string_view text) {
  const auto config = read_kubeconfig(text, "/home/a/.kube/config");
  if (!is_read(config)) return;
  const auto all = merged({*config, *config});
  for (const auto& context : config->contexts) {
    const auto access = api_access(*config, context.name);
    if (is_read(access)) {
      require(!access->server.empty(), "an access without a server");
      for (const auto* source :
           {&access->certificate_authority, &access->client_certificate, &access->client_key})
        require(source->file.empty() || source->file.front() == '/', "a path that is not absolute");
    }
    const auto again = api_access(all, context.name);
    require(again.has_value() == access.has_value() && (!access || *again == *access),
            "merged with itself it is another");
  }
  is_read(api_access(*config, ""));
}

void check_secret(std::string_view text) {
  const auto secret = decode_secret(text);
  if (!is_read(secret)) return;
  const auto written = encode_secret(*secret, secret->data);
  const auto again = decode_secret(written);
  require(again && again->data == secret->data && again->undecodable.empty(),
          "a Secret that is read as another when it is written");
}

void check_webhook_configuration(std::string_view text) {
  const auto configuration = decode_webhook_configuration(text);
  if (!is_read(configuration)) return;
  const auto patch = ca_bundle_patch(*configuration, "bundle");
  // As the API server has it: JSON with a resourceVersion, each entry with its clientConfig.
  const auto object = Json::parse(text, nullptr, false);
  if (patch.empty() || object.is_discarded() || configuration->resource_version.empty()) return;
  Json after;
  try {
    after = object.patch(Json::parse(patch));
  } catch (const Json::exception& failure) {
    throw std::logic_error("the patch does not apply: " + std::string(failure.what()) + patch);
  }
  const auto then = decode_webhook_configuration(after.dump());
  require(then && ca_bundle_patch(*then, "bundle").empty(), "patched again");
}

void check_lists(std::string_view text) {
  const auto page = decode_list_page(text);
  if (is_read(page)) {
    const auto again = decode_list_page(text);
    require(again && again->items == page->items, "another page the second time");
  }
  const auto event = decode_watch_event(text);
  if (is_read(event))
    require(event->type == WatchEvent::Type::Error || event->code == 0, "a code without an error");
  is_read(decode_version(text));
  require(status_message(text).size() <= text.size() + 64, "a message longer than the answer");
}

const std::array<Json, 6>& seeds() {
  static const std::array<Json, 6> all{
      Json::parse(R"({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "k", "cluster": {"server": "https://k:6443",
          "certificate-authority-data": "YQ==", "tls-server-name": "k"}}],
        "users": [{"name": "u", "user": {"token": "t", "client-certificate": "crt",
          "client-key-data": "YQ=="}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "n"}}]})"),
      Json::parse(R"({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s",
        "resourceVersion": "7"}, "type": "kubernetes.io/tls",
        "data": {"tls.crt": "YQ==", "tls.key": "YWI=", "ca.crt": "YWJj"}})"),
      Json::parse(R"({"kind": "MutatingWebhookConfiguration", "metadata": {"resourceVersion": "3"},
        "webhooks": [{"name": "a", "clientConfig": {"caBundle": "YQ==", "service": {}}},
                     {"name": "b", "clientConfig": {"service": {}}}]})"),
      Json::parse(
          R"({"kind": "NamespaceList", "metadata": {"resourceVersion": "7", "continue": "c"},
        "items": [{"metadata": {"name": "a", "annotations": {"linkerd.io/inject": "enabled"}}},
          {"metadata": {"name": "b", "ownerReferences": [{"kind": "ReplicaSet", "apiVersion":
            "apps/v1", "controller": true}]}, "status": {"phase": "Succeeded", "conditions":
            [{"type": "Complete", "status": "True"}]}, "data": {"values": "a: b"}}]})"),
      Json::parse(R"({"type": "MODIFIED", "object": {"kind": "Namespace", "metadata": {"name": "a",
        "resourceVersion": "9"}, "code": 410, "message": "gone"}})"),
      Json::parse(R"({"major": "1", "minor": "34+", "gitVersion": "v1.34.0"})")};
  return all;
}

}  // namespace

int cluster_fuzz(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto kind = input.byte();
  const auto number = kind % 8U;
  const std::string text = kind < 64 || number >= seeds().size() ? std::string(input.rest())
                                                                 : mutated(seeds()[number], input);
  switch (number) {
    case 0:
      check_kubeconfig(text);
      break;
    case 1:
      check_secret(text);
      break;
    case 2:
      check_webhook_configuration(text);
      break;
    case 6:
      read_istio_config(text);
      break;
    default:
      check_lists(text);
  }
  return 0;
}

}  // namespace gracekeeper::fuzz
