#include "codec/yaml_scalar.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "read_all.h"

namespace gracekeeper {
namespace {

struct Row {
  std::string_view yaml;
  std::string_view json;
};

// Every row was checked against sigs.k8s.io/yaml 1.6 (kubectl's), but for integers beyond 64 bits,
// which that one rounds.
TEST(YamlScalar, PlainScalarsHaveTheTypesThatKubectlGivesThem) {
  const std::vector<Row> rows = {
      {"y", "true"},
      {"Y", "true"},
      {"yes", "true"},
      {"Yes", "true"},
      {"YES", "true"},
      {"on", "true"},
      {"On", "true"},
      {"ON", "true"},
      {"true", "true"},
      {"True", "true"},
      {"TRUE", "true"},
      {"n", "false"},
      {"N", "false"},
      {"no", "false"},
      {"No", "false"},
      {"NO", "false"},
      {"off", "false"},
      {"Off", "false"},
      {"OFF", "false"},
      {"false", "false"},
      {"False", "false"},
      {"FALSE", "false"},
      {"yEs", "\"yEs\""},
      {"tRUE", "\"tRUE\""},
      {"", "null"},
      {"~", "null"},
      {"null", "null"},
      {"Null", "null"},
      {"NULL", "null"},
      {"nULL", "\"nULL\""},
      {"nil", "\"nil\""},
      {"0", "0"},
      {"5", "5"},
      {"+5", "5"},
      {"-5", "-5"},
      {"-0", "0"},
      {"1_000", "1000"},
      {"0x1F", "31"},
      {"0X1f", "31"},
      {"-0x10", "-16"},
      {"0b101", "5"},
      {"-0b11", "-3"},
      {"0b-11", "-3"},
      {"0o17", "15"},
      {"017", "15"},
      {"010", "8"},
      {"00", "0"},
      {"089", "89"},
      {"0_", "0"},
      {"0x", "\"0x\""},
      {"0b", "\"0b\""},
      {"0b2", "\"0b2\""},
      {"_1", "\"_1\""},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"18446744073709551616", "18446744073709551616"},
      {"-9223372036854775809", "-9223372036854775809"},
      {"+00123456789012345678901234567890", "123456789012345678901234567890"},
      {"0xFFFFFFFFFFFFFFFFF", "\"0xFFFFFFFFFFFFFFFFF\""},
      {"1.5", "1.5"},
      {"19.0", "19"},
      {"5.", "5"},
      {".5", "0.5"},
      {"+.5", "0.5"},
      {"-.5e-3", "-0.0005"},
      {"1e3", "1000"},
      {"1E5", "100000"},
      {"1_0.2_5", "10.25"},
      {"1e20", "100000000000000000000"},
      {"1e21", "1e+21"},
      {"0.000001", "0.000001"},
      {"1e-7", "1e-7"},
      {"-0.0", "-0"},
      {"0.1", "0.1"},
      {"123456789.125", "123456789.125"},
      {"1e400", "\"1e400\""},
      {"1e-400", "0"},
      {"1e", "\"1e\""},
      {"1.2.3", "\"1.2.3\""},
      {".", "\".\""},
      {"+", "\"+\""},
      {"1:30", "\"1:30\""},
      {"2024-01-01", "\"2024-01-01\""},
      {"2001-12-14t21:59:43.10-05:00", "\"2001-12-14t21:59:43.10-05:00\""},
      {"12e03", "12000"},
      {"100m", "\"100m\""},
      {"30s", "\"30s\""},
      {"'5'", "\"5\""},
      {"\"yes\"", "\"yes\""},
      {"|-\n  5", "\"5\""},
      {">-\n  null", "\"null\""},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(read_all("a: " + std::string(row.yaml) + "\n"),
              "{\"a\":" + std::string(row.json) + "}")
        << row.yaml;
  }
}

TEST(YamlScalar, ExplicitTagsDecide) {
  const std::vector<Row> rows = {
      {"!!str 5", "\"5\""},
      {"!!str", "\"\""},
      {"!!str ~", "\"~\""},
      {"!!int \"7\"", "7"},
      {"!!int 0x10", "16"},
      {"!!float 3", "3"},
      {"!!float '1e3'", "1000"},
      {"!!bool yes", "true"},
      {"!!null ''", "null"},
      {"!!binary aGVsbG8=", "\"hello\""},
      {"!!binary |\n    aGVs\n    bG8=", "\"hello\""},
      {"!!timestamp 2024-01-01", "\"2024-01-01\""},
      {"!local 5", "\"5\""},
      {"!local {b: 5}", "{\"b\":5}"},
      {"! 5", "\"5\""},
      {"!!set {b, c}", "{\"b\":null,\"c\":null}"},
      {"!<tag:yaml.org,2002:int> 5", "5"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(read_all("a: " + std::string(row.yaml) + "\n"),
              "{\"a\":" + std::string(row.json) + "}")
        << row.yaml;
  }
}

TEST(YamlScalar, RefusesWhatHasNoJsonForm) {
  const std::string many_digits(309, '8');
  const std::vector<Row> rows = {
      {".nan", "f.yaml:1:4: .nan cannot be written as JSON; quote it if it is text"},
      {"-.Inf", "f.yaml:1:4: -.Inf cannot be written as JSON; quote it if it is text"},
      {many_digits,
       "f.yaml:1:4: an integer of so many digits fits no number; quote it if it is text"},
      {"!!float .inf", "f.yaml:1:4: .inf cannot be written as JSON; quote it if it is text"},
      {"!!int x", "f.yaml:1:4: \"x\" is no !!int"},
      {"!!int 1.5", "f.yaml:1:4: \"1.5\" is no !!int"},
      {"!!bool 1", "f.yaml:1:4: \"1\" is no !!bool"},
      {"!!float x", "f.yaml:1:4: \"x\" is no !!float"},
      {"!!null x", "f.yaml:1:4: \"x\" is no !!null"},
      {"!!binary a", "f.yaml:1:4: !!binary needs base64 text"},
      {"!!binary /w==",
       "f.yaml:1:4: !!binary holds bytes that are not UTF-8, which JSON cannot carry"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(read_all("a: " + std::string(row.yaml) + "\n"), row.json) << row.yaml;
  }
}

TEST(YamlScalar, KeysBecomeStrings) {
  const std::vector<Row> rows = {
      {"yes", "true"},
      {"off", "false"},
      {"1", "1"},
      {"0x10", "16"},
      {"1.5", "1.5"},
      {"1e6", "1e+06"},
      {"12345.0", "12345"},
      {"1234567.0", "1.234567e+06"},
      {"0.00001", "1e-05"},
      {"~", "null"},
      {"null", "null"},
      {".inf", ".inf"},
      {"-.inf", "-.inf"},
      {".nan", ".nan"},
      {"'yes'", "yes"},
      {"\"1\"", "1"},
      {"2024-01-01", "2024-01-01"},
      {"!!str 1", "1"},
      {"!!binary aGk=", "hi"},
      {"a b", "a b"},
      {"\"<<\"", "<<"},
      {"1e300", ".inf"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(read_all(std::string(row.yaml) + ": x\n"),
              "{\"" + std::string(row.json) + "\":\"x\"}")
        << row.yaml;
  }
}

TEST(YamlScalar, Base64IsStrict) {
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_EQ(decode_base64("aGk="), "hi");
  EXPECT_EQ(decode_base64("aG\nk="), "hi");
  EXPECT_EQ(decode_base64("+/+/"), "\xfb\xff\xbf");
  for (const char* bad : {"a", "aG", "aGk", "=aGk", "aGk==", "a===", "aGk=aGk=", "aG k", "aGk=="}) {
    EXPECT_EQ(decode_base64(bad), std::nullopt) << bad;
  }
}

TEST(YamlScalar, KnowsWhatOtherReadersWouldTakeForTyped) {
  for (const char* text : {"",      "=",          "<<",
                           "yes",   "yEs",        "Y",
                           "nULL",  "~",          "5",
                           "-5",    "1_000",      "1,000",
                           ".5_0",  "1e400",      "0xFFFFFFFFFFFFFFFFFFFF",
                           "0o9",   "1:30",       "12:30:45.5",
                           "-1:30", "2024-01-01", "2024-1-1T00:00:00Z",
                           ".inf",  "-.INF"}) {
    EXPECT_TRUE(may_be_typed(text)) << text;
  }
  for (const char* text :
       {"web",    "1.2.3",    "10.0.0.1", "100m",      "128Mi",    "50%",        "-c",
        "--port", "8080/TCP", "abc123",   "yesterday", "nullable", "1-2",        "a:b",
        "30s",    ".",        "-",        "0x",        "v1",       "20240101-1", "sha256:12"}) {
    EXPECT_FALSE(may_be_typed(text)) << text;
  }
}

}  // namespace
}  // namespace gracekeeper
