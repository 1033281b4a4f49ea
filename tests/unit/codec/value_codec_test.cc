#include "codec/value_codec.h"

#include <gtest/gtest.h>
#include <string>

#include "codec/json_patch.h"

namespace gracekeeper {
namespace {

// The value as JSON, or the whole message.
std::string read(std::string_view text) {
  const auto value = read_value(text, "v.yaml");
  return value ? to_json(*value).dump() : to_string(value.error());
}

TEST(ReadValue, ReadsTheOneDocument) {
  EXPECT_EQ(read("a: {b: [1, 2.5, yes, null, \"x\"]}\n"), R"({"a":{"b":[1,2.5,true,null,"x"]}})");
  EXPECT_EQ(read(R"({"z": 1, "a": -9223372036854775808})"), R"({"z":1,"a":-9223372036854775808})");
  EXPECT_EQ(read("---\n# a comment\na: 1\n---\n"), R"({"a":1})") << "empty documents do not count";
  EXPECT_EQ(read("5"), "5");
}

TEST(ReadValue, RefusesNoneAndMany) {
  EXPECT_EQ(read(""), "v.yaml: expected one document, got 0");
  EXPECT_EQ(read("# nothing\n---\n"), "v.yaml: expected one document, got 0");
  EXPECT_EQ(read("a: 1\n---\nb: 2\n"), "v.yaml: expected one document, got 2");
}

// YAML keeps all digits; what reads them has 64 bits.
TEST(ReadValue, RefusesANumberThatIsTooLarge) {
  const auto message = read("a: 18446744073709551616\n");
  EXPECT_EQ(message.substr(0, 8), "v.yaml: ");
  EXPECT_NE(message.find("64 bits"), std::string::npos) << message;
}

TEST(ReadValue, SaysWhereItDoesNotParse) {
  EXPECT_EQ(read("a: 1\na: 2\n").substr(0, 11), "v.yaml:2:1:");
}

TEST(ReadLinkerdValues, TakesTheValuesThemselves) {
  const auto file = read_linkerd_values("proxy:\n  image: {version: edge-1}\n", "v.yaml");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(to_json(file->values).dump(), R"({"proxy":{"image":{"version":"edge-1"}}})");
  EXPECT_EQ(file->control_plane_namespace, "");
}

TEST(ReadLinkerdValues, TakesTheConfigMapOfACluster) {
  const auto file = read_linkerd_values(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: linkerd-config, namespace: mesh}\n"
      "data:\n  values: |\n    clusterNetworks: 10.0.0.0/8\n",
      "cm.yaml");
  ASSERT_TRUE(file.has_value()) << to_string(file.error());
  EXPECT_EQ(to_json(file->values).dump(), R"({"clusterNetworks":"10.0.0.0/8"})");
  EXPECT_EQ(file->control_plane_namespace, "mesh");
}

TEST(ReadLinkerdValues, SaysWhatIsWrong) {
  const auto message = [](std::string_view text) {
    const auto file = read_linkerd_values(text, "cm.yaml");
    return file ? std::string("read") : to_string(file.error());
  };
  EXPECT_EQ(message("[1]"), "cm.yaml: expected a mapping with Linkerd's chart values");
  EXPECT_EQ(message("kind: ConfigMap\n"),
            "cm.yaml: data.values: expected the text of Linkerd's chart values, as in the "
            "ConfigMap linkerd-config");
  EXPECT_EQ(message("kind: ConfigMap\ndata: {values: {a: 1}}\n"),
            "cm.yaml: data.values: expected the text of Linkerd's chart values, as in the "
            "ConfigMap linkerd-config");
  EXPECT_EQ(message("kind: ConfigMap\ndata: {values: \"a: 1\\na: 2\\n\"}\n").substr(0, 26),
            "cm.yaml (data.values):2:1:");
  EXPECT_EQ(message("kind: ConfigMap\ndata: {values: \"[1]\"}\n"),
            "cm.yaml: data.values: expected a mapping with Linkerd's chart values");
}

}  // namespace
}  // namespace gracekeeper
