#include "sidecar/additional_env.h"

#include <gtest/gtest.h>
#include <string>

#include "injected.h"
#include "sidecar/inline_json.h"

namespace gracekeeper {
namespace {

using testing::dump;

std::string parsed(std::string_view text) {
  const auto value = parse_inline_json(text);
  return value ? dump(*value) : "refused";
}

TEST(InlineJson, ReadsWhatRfc8259Allows) {
  EXPECT_EQ(parsed(R"( {"a": [1, -2.5, true, false, null], "b": {}} )"),
            "{a: [1, -2.5, true, false, null], b: {}}");
  EXPECT_EQ(parsed("1e3"), "1000");
  EXPECT_EQ(parsed("[]"), "[]");
  EXPECT_EQ(parsed(R"({"a":1,"a":2})"), "{a: 2}");
}

TEST(InlineJson, DecodesEscapes) {
  EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t")"), "'\"\\/\b\f\n\r\t'");
  EXPECT_EQ(parsed(R"("\u0041\u00e9\u20ac\ud83d\ude00")"), "'A\u00e9\u20ac\U0001F600'");
  EXPECT_EQ(parsed(R"("\ud83dx")"), "'\uFFFDx'");
  EXPECT_EQ(parsed(R"("\ud83d\u0041")"), "'\uFFFDA'");
  EXPECT_EQ(parsed(R"("\udc00")"), "'\uFFFD'");
}

TEST(InlineJson, RefusesEverythingElse) {
  for (const auto* text : {"",         " ",        "{",         "[1,]",        "[1 2]",
                           "{\"a\"}",  "{\"a\":}", "{a:1}",     "{\"a\":1,}",  "'a'",
                           "\"a",      "\"\\x\"",  "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\\u12\"",
                           "\"a\nb\"", "01",       "+1",        "1.",          ".5",
                           "1e",       "-",        "nul",       "true false",  "1e999",
                           "NaN"}) {
    EXPECT_EQ(parsed(text), "refused") << text;
  }
}

TEST(InlineJson, RefusesDeepNesting) {
  EXPECT_NE(parsed(std::string(60, '[') + std::string(60, ']')), "refused");
  EXPECT_EQ(parsed(std::string(100'000, '[')), "refused");
}

std::string variables(std::string_view text) {
  const auto list = parse_additional_env(text);
  return list ? dump(Value(Value::Array(list->begin(), list->end()))) : "refused";
}

TEST(AdditionalEnv, KeepsTheFieldsOfAVariable) {
  EXPECT_EQ(variables(R"([{"name":"A","value":"say \"hi\"\n","extra":1}])"),
            "[{name: 'A', value: 'say \"hi\"\n'}]");
  EXPECT_EQ(variables(R"([{"valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}},"name":"B"}])"),
            "[{name: 'B', valueFrom: {fieldRef: {fieldPath: 'spec.nodeName'}}}]");
  EXPECT_EQ(variables(R"([{"name":"C","value":null}])"), "[{name: 'C'}]");
  EXPECT_EQ(variables("[]"), "[]");
}

TEST(AdditionalEnv, RefusesTheWholeListForOneBadVariable) {
  for (const auto* text : {"not-json", "{bad", "{}", "null", R"({"name":"A"})", R"([{"name":1}])",
                           R"([{"value":"x"}])", R"([{"name":""}])", R"([{"name":"A"},"B"])",
                           R"([{"name":"A","value":1}])", R"([{"name":"A","valueFrom":"x"}])"}) {
    EXPECT_EQ(variables(text), "refused") << text;
  }
}

TEST(AdditionalEnv, StrongerVariablesTakeThePlaceOfTheSameName) {
  auto merged = *parse_additional_env(R"([{"name":"A","value":"1"},{"name":"B","value":"1"}])");
  merge_additional_env(
      merged, *parse_additional_env(R"([{"name":"C","value":"2"},{"name":"A","value":"2"}])"));
  EXPECT_EQ(dump(Value(Value::Array(merged.begin(), merged.end()))),
            "[{name: 'A', value: '2'}, {name: 'B', value: '1'}, {name: 'C', value: '2'}]");
}

}  // namespace
}  // namespace gracekeeper
