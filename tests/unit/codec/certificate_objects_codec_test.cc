#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "codec/secret_codec.h"
#include "codec/webhook_configuration_codec.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::json;

TEST(SecretCodec, KeepsWhatItDoesNotKnow) {
  const auto secret = decode_secret(R"({"apiVersion":"v1","kind":"Secret","type":"Opaque",
    "metadata":{"name":"certs","resourceVersion":"42","labels":{"app":"web"}},
    "data":{"ca.crt":"Y2E=","other":"AP8="}})");
  ASSERT_TRUE(secret) << to_string(secret.error());
  EXPECT_EQ(secret->data.at("ca.crt"), "ca");
  EXPECT_EQ(secret->data.at("other"), std::string("\0\xff", 2));
  auto data = secret->data;
  data["ca.crt"] = "new";
  EXPECT_EQ(Json::parse(encode_secret(*secret, data)),
            Json::parse(R"({"apiVersion":"v1","kind":"Secret","type":"Opaque",
    "metadata":{"name":"certs","resourceVersion":"42","labels":{"app":"web"}},
    "data":{"ca.crt":"bmV3","other":"AP8="}})"));
}

TEST(SecretCodec, ReadsASecretWithoutData) {
  for (const char* data : {"", R"(,"data":null)", R"(,"data":{})"}) {
    const auto secret = decode_secret(std::string(R"({"kind":"Secret")") + data + "}");
    ASSERT_TRUE(secret) << data;
    EXPECT_TRUE(secret->data.empty());
    EXPECT_TRUE(secret->undecodable.empty());
  }
}

TEST(SecretCodec, NamesKeysThatAreNoBase64) {
  const auto secret = decode_secret(R"({"kind":"Secret","data":{"a":"Y2E=","b":"!","c":5}})");
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->undecodable, (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(secret->data.size(), 1U);
}

TEST(SecretCodec, RefusesWhatIsNoSecret) {
  for (const char* text : {R"({"kind":"ConfigMap"})", "[]", "{}"}) {
    const auto secret = decode_secret(text);
    ASSERT_FALSE(secret) << text;
    EXPECT_EQ(secret.error().message, "expected an object of kind Secret");
  }
}

TEST(SecretCodec, MakesANewOne) {
  EXPECT_EQ(Json::parse(encode_secret(new_secret("gk", "certs"), {{"a", "b"}})),
            Json::parse(R"({"apiVersion":"v1","kind":"Secret","type":"Opaque",
    "metadata":{"name":"certs","namespace":"gk"},"data":{"a":"Yg=="}})"));
}

constexpr const char* kConfiguration = R"({"kind":"MutatingWebhookConfiguration",
  "metadata":{"name":"hook","resourceVersion":"7"},"webhooks":[
  {"name":"none","clientConfig":{"service":{"name":"web","namespace":"gk"}}},
  {"name":"other","clientConfig":{"caBundle":"b3RoZXI="}},
  {"name":"null","clientConfig":{"caBundle":null}},
  {"name":"right","clientConfig":{"caBundle":"cmlnaHQ="}}]})";

TEST(WebhookConfigurationCodec, PatchesTheEntriesThatDiffer) {
  const auto configuration = decode_webhook_configuration(kConfiguration);
  ASSERT_TRUE(configuration) << to_string(configuration.error());
  const Json patch = Json::parse(ca_bundle_patch(*configuration, "right"));
  EXPECT_EQ(patch, Json::parse(R"([
    {"op":"test","path":"/metadata/resourceVersion","value":"7"},
    {"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":"cmlnaHQ="},
    {"op":"replace","path":"/webhooks/1/clientConfig/caBundle","value":"cmlnaHQ="},
    {"op":"replace","path":"/webhooks/2/clientConfig/caBundle","value":"cmlnaHQ="}])"));
  const Json patched = Json::parse(kConfiguration).patch(patch);
  for (const Json& webhook : patched["webhooks"])
    EXPECT_EQ(webhook["clientConfig"]["caBundle"], "cmlnaHQ=");
}

TEST(WebhookConfigurationCodec, HasNoPatchWhenNothingDiffers) {
  for (const char* webhooks :
       {"[]", "null", R"([{"name":"a","clientConfig":{"caBundle":"cmlnaHQ="}}])"}) {
    const auto configuration = decode_webhook_configuration(
        std::string(R"({"kind":"ValidatingWebhookConfiguration","webhooks":)") + webhooks + "}");
    ASSERT_TRUE(configuration) << webhooks;
    EXPECT_EQ(ca_bundle_patch(*configuration, "right"), "") << webhooks;
  }
}

TEST(WebhookConfigurationCodec, RefusesAnotherKind) {
  const auto configuration = decode_webhook_configuration(R"({"kind":"Secret"})");
  ASSERT_FALSE(configuration);
  EXPECT_EQ(configuration.error().message,
            "expected an object of kind MutatingWebhookConfiguration or "
            "ValidatingWebhookConfiguration");
}

}  // namespace
}  // namespace gracekeeper
