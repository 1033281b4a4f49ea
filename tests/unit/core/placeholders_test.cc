#include "core/placeholders.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gracekeeper {
namespace {

// What the variables hold in these tests.
std::optional<std::string> lookup(std::string_view name) {
  if (name == "wait") return "20";
  if (name == "grace") return "5s";
  if (name == "namespace") return "shop";
  if (name == "annotation:a.example/port") return "15001";
  if (name == "annotation:a.example/text") return "x\", \"y: ${wait}";
  if (name == "label:app") return "web";
  return std::nullopt;
}

std::string show(const Value& value) {
  if (const auto* text = value.as_string()) return "'" + *text + "'";
  if (const auto* number = value.as_int()) return std::to_string(*number);
  if (const auto* flag = value.as_bool()) return *flag ? "true" : "false";
  std::string out;
  if (const auto* items = value.as_array()) {
    for (const auto& item : *items) out += (out.empty() ? "" : ", ") + show(item);
    return "[" + out + "]";
  }
  if (const auto* members = value.as_object()) {
    for (const auto& [key, member] : *members)
      out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", key, show(member));
    return "{" + out + "}";
  }
  return "null";
}

std::string filled(const Value& value) {
  const auto out = fill(value, lookup);
  return out ? show(*out) : "error: " + out.error().message;
}

TEST(Placeholders, AreReplacedInValues) {
  struct Row {
    std::string text;
    std::string filled;
  };
  const std::vector<Row> rows{
      {"", "''"},
      {"plain $wait {wait} $$", "'plain $wait {wait} $$'"},
      {"${wait}", "'20'"},
      {"sleep ${wait}; drain ${grace}", "'sleep 20; drain 5s'"},
      {"${int:wait}", "20"},
      {"${int:annotation:a.example/port}", "15001"},
      {"${int:annotation:a.example/other:-80}", "80"},
      {"${annotation:a.example/port:-1}", "'15001'"},
      {"${annotation:a.example/other:-}", "''"},
      {"${annotation:a.example/other:-a:-b}", "'a:-b'"},
      {"${label:app}.${namespace}", "'web.shop'"},
      // Quotes and ${…} in what a pod says stay text.
      {"<${annotation:a.example/text}>", "'<x\", \"y: ${wait}>'"},
      {"$${HOME} and $${wait}${wait}", "'${HOME} and ${wait}20'"},
      {"${annotation:a.example/other}",
       "error: neither the pod nor its Namespace has the annotation a.example/other"},
      {"${label:other}", "error: the pod has no label other"},
      {"${int:grace}", "error: ${int:grace} needs an integer, got \"5s\""},
  };
  for (const auto& row : rows) EXPECT_EQ(filled(Value(row.text)), row.filled) << row.text;
}

TEST(Placeholders, AreReplacedAtAnyDepthAndOthersStay) {
  const Value value = Value::Object{
      {"args", Value::Array{"--drain", "${grace}", 5}},
      {"port", "${int:annotation:a.example/port}"},
      {"flags", Value::Object{{"tty", true}, {"none", nullptr}, {"name", "${namespace}"}}}};
  EXPECT_EQ(filled(value),
            "{args: ['--drain', '5s', 5], port: 15001, flags: {tty: true, none: null, name: "
            "'shop'}}");
}

TEST(Placeholders, SayWhatIsWrong) {
  struct Row {
    std::string text;
    std::string message;
  };
  const std::vector<Row> rows{
      {"${waitt}", "unknown ${waitt}; did you mean ${wait}?"},
      {"${HOME}",
       "unknown ${HOME}: there are ${wait}, ${grace}, ${namespace}, ${annotation:KEY} and "
       "${label:KEY}; write $${ for the characters ${"},
      {"${}",
       "unknown ${}: there are ${wait}, ${grace}, ${namespace}, ${annotation:KEY} and "
       "${label:KEY}; write $${ for the characters ${"},
      {"${wait", "${ is not closed: write ${NAME}, or $${ for the characters ${"},
      {"${annotation:}", "${annotation:} names no key: write ${annotation:KEY}"},
      {"${wait:-5}", "${wait:-5}: wait always has a value and takes no default"},
      {"a ${int:wait}", "${int:wait} must be the whole value"},
      {"${int:wait}s", "${int:wait} must be the whole value"},
  };
  for (const auto& row : rows) {
    const auto pieces = parse_placeholders(row.text);
    ASSERT_FALSE(pieces) << row.text;
    EXPECT_EQ(pieces.error().message, row.message);
  }
}

TEST(Placeholders, AreFoundWithTheirPlace) {
  const Value value = Value::Object{{"a", Value::Array{"${wait}", Value::Object{{"b", "${x}"}}}}};
  const auto problem = check_template(value, FieldPath{} / "containers" / 0);
  ASSERT_TRUE(problem);
  EXPECT_EQ(to_string(problem->path), "containers[0].a[1].b");
  EXPECT_FALSE(check_template(Value("${wait}"), FieldPath{}));
  const auto key = check_template(Value(Value::Object{{"${wait}", 1}}), FieldPath{});
  ASSERT_TRUE(key);
  EXPECT_EQ(key->message, "only values can hold ${…}, keys cannot");
  EXPECT_TRUE(mentions(value, "wait"));
  EXPECT_FALSE(mentions(value, "grace"));
  EXPECT_FALSE(mentions(Value("$${wait}"), "wait"));
}

std::string read(std::string_view pattern, std::string_view text) {
  const auto times = read_back(pattern, text, lookup);
  if (!times) return "no";
  std::string out;
  for (const auto& [name, value] : *times) out += fmt::format("{}={} ", name, value);
  return out;
}

TEST(Placeholders, AreReadBackFromWhatTheyGave) {
  EXPECT_EQ(read("sleep ${wait}", "sleep 20"), "wait=20 ");
  EXPECT_EQ(read("sleep ${wait}; x; sleep ${grace}", "sleep 7; x; sleep 10"), "grace=10 wait=7 ");
  EXPECT_EQ(read("${wait} ${wait}", "7 7"), "wait=7 ");
  EXPECT_EQ(read("${wait} ${wait}", "7 8"), "no");
  EXPECT_EQ(read("${namespace} ${wait}", "shop 8"), "wait=8 ");
  EXPECT_EQ(read("${namespace} ${wait}", "other 8"), "no");
  EXPECT_EQ(read("${annotation:a.example/other} ${wait}", "x 8"), "no");
  EXPECT_EQ(read("sleep ${wait}", "sleep "), "no");
  EXPECT_EQ(read("sleep ${wait}", "sleep 20 "), "wait=20  ") << "who reads the time refuses it";
  EXPECT_EQ(read("plain", "plain"), "");
  // Whatever a pod brings is looked at in bounded time.
  EXPECT_EQ(read("${wait}${grace}x", std::string(1'000'000, '1')), "no");
}

}  // namespace
}  // namespace gracekeeper
