#include "codec/yaml_writer.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "read_all.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

struct Row {
  std::string_view json;
  std::string_view yaml;
};

TEST(YamlWriter, WritesBlocksInOrder) {
  const std::vector<Row> rows = {
      {R"({"spec":{"containers":[{"name":"web","args":["-c","yes"]},{"name":"b"}],"x":{}}})",
       "spec:\n  containers:\n    - name: web\n      args:\n        - -c\n        - 'yes'\n    - "
       "name: b\n  x: "
       "{}\n"},
      {R"({"b":1,"a":2})", "b: 1\na: 2\n"},
      {R"({"a":null,"b":true,"c":[],"d":{},"e":""})", "a: null\nb: true\nc: []\nd: {}\ne: ''\n"},
      {R"([1,{"a":[{"b":1,"c":2}]}])", "- 1\n- a:\n    - b: 1\n      c: 2\n"},
      {R"({"a":1.5,"b":19.0,"c":1e21,"d":1e-7,"e":18446744073709551615,"f":-9223372036854775808})",
       "a: 1.5\nb: 19.0\nc: 1.0e+21\nd: 1.0e-07\ne: 18446744073709551615\nf: "
       "-9223372036854775808\n"},
      {"{}", "{}\n"},
      {"[]", "[]\n"},
      {"\"x\"", "x\n"},
      {"null", "null\n"},
      {"5", "5\n"},
  };
  for (const auto& row : rows) EXPECT_EQ(to_yaml(Json::parse(row.json)), row.yaml) << row.json;
}

TEST(YamlWriter, QuotesWhatAReaderWouldTakeForSomethingElse) {
  const std::vector<Row> rows = {
      {"web", "web"},
      {"a b", "a b"},
      {"-c", "-c"},
      {"--port=1", "--port=1"},
      {"a:b", "a:b"},
      {"a#b", "a#b"},
      {"1.2.3", "1.2.3"},
      {"100m", "100m"},
      {"http://x/?a=1&b=2", "'http://x/?a=1&b=2'"},
      {"http://x/?a=1", "http://x/?a=1"},
      {"it's", "it's"},
      {"x\"y", "x\"y"},
      {"\xC3\xBC", "\xC3\xBC"},
      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
      {"/bin/sh", "/bin/sh"},
      {"$(POD)", "$(POD)"},
      {"a\\b", "a\\b"},
      {"(x)", "(x)"},
      {"", "''"},
      {"yes", "'yes'"},
      {"no", "'no'"},
      {"on", "'on'"},
      {"Off", "'Off'"},
      {"y", "'y'"},
      {"N", "'N'"},
      {"~", "'~'"},
      {"null", "'null'"},
      {"true", "'true'"},
      {"5", "'5'"},
      {"-5", "'-5'"},
      {"1e3", "'1e3'"},
      {"0x1F", "'0x1F'"},
      {"010", "'010'"},
      {"1_0", "'1_0'"},
      {".5", "'.5'"},
      {"2024-01-01", "'2024-01-01'"},
      {"12:30", "'12:30'"},
      {".inf", "'.inf'"},
      {"=", "'='"},
      {"<<", "'<<'"},
      {"1e400", "'1e400'"},
      {" a", "' a'"},
      {"a ", "'a '"},
      {"a: b", "'a: b'"},
      {"a:", "'a:'"},
      {"a #b", "'a #b'"},
      {"- a", "'- a'"},
      {"-", "'-'"},
      {"---", "'---'"},
      {"...", "'...'"},
      {"? a", "'? a'"},
      {":a", "':a'"},
      {"'a'", "'''a'''"},
      {"\"a\"", "'\"a\"'"},
      {"#a", "'#a'"},
      {"&a", "'&a'"},
      {"*a", "'*a'"},
      {"!a", "'!a'"},
      {"|", "'|'"},
      {">a", "'>a'"},
      {"%a", "'%a'"},
      {"@a", "'@a'"},
      {"`a", "'`a'"},
      {"[a]", "'[a]'"},
      {"{a}", "'{a}'"},
      {",a", "',a'"},
      {"a\tb", "\"a\\tb\""},
      {"a\rb", "\"a\\rb\""},
      {"\x01", "\"\\x01\""},
      {"\x7F", "\"\\x7f\""},
      {"\xC2\x85", "\"\\x85\""},
      {"\xE2\x80\xA8", "\"\\u2028\""},
      {"\xEF\xBB\xBF", "\"\\ufeff\""},
      {"\t\"\\", "\"\\t\\\"\\\\\""},
  };
  for (const auto& row : rows) {
    const std::string text(row.json);
    EXPECT_EQ(to_yaml(Json{{"k", text}}), "k: " + std::string(row.yaml) + "\n");
    EXPECT_EQ(to_yaml(Json{{text, "v"}}), std::string(row.yaml) + ": v\n");
    EXPECT_EQ(to_yaml(Json::array({text})), "- " + std::string(row.yaml) + "\n");
  }
}

TEST(YamlWriter, WritesLinesAsALiteralBlockWhereThatKeepsThem) {
  const std::vector<Row> rows = {
      {"a\nb\n", "k: |\n  a\n  b\n"},
      {"a\nb", "k: \"a\\nb\"\n"},
      {"a\n\n\n", "k: \"a\\n\\n\\n\"\n"},
      {"a\n\n  b\n", "k: |\n  a\n\n    b\n"},
      {" a\nb\n", "k: \" a\\nb\\n\"\n"},
      {"\na", "k: \"\\na\"\n"},
      {"# a\n---\n", "k: |\n  # a\n  ---\n"},
      {"a \nb", "k: \"a \\nb\"\n"},
      {"a\nb ", "k: \"a\\nb \"\n"},
      {"a\n\tb", "k: \"a\\n\\tb\"\n"},
      {"\n", "k: \"\\n\"\n"},
      {"\n\n", "k: \"\\n\\n\"\n"},
      {"a\r\nb", "k: \"a\\r\\nb\"\n"},
  };
  for (const auto& row : rows) {
    const Json value{{"k", std::string(row.json)}};
    EXPECT_EQ(to_yaml(value), row.yaml);
    EXPECT_EQ(Json::parse(read_all(to_yaml(value))), value);
  }
  // yaml-cpp would replace the character: the document is written as JSON.
  EXPECT_EQ(to_yaml(Json{{"a", "\xEF\xBF\xBE"}}), "{\"a\":\"\\ufffe\"}\n");
  EXPECT_EQ(to_yaml(Json{{"a\nb", 1}}), "\"a\\nb\": 1\n");
}

TEST(YamlWriter, LongKeysStayReadable) {
  const std::string key(2000, 'k');
  const Json value{{"a", Json::array({Json{{key, Json{{"x", Json::array({1, 2})}}}, {"z", "y"}}})}};
  const std::string yaml = to_yaml(value);
  EXPECT_NE(yaml.find("? " + key), std::string::npos);
  EXPECT_EQ(Json::parse(read_all(yaml)), value);
}

// It is the key as written that readers look ahead for.
TEST(YamlWriter, KeysThatAreLongWithTheirEscapesStayReadable) {
  const auto many = [](std::string_view part, int times) {
    std::string text;
    while (times-- > 0) text += part;
    return text;
  };
  for (const auto& key :
       {many("'", 600), many("\x01", 300), many("\xC2\x85", 200), many("\xF3\xA0\x80\x81", 150),
        many("\n\"", 300), many("\xEF\xBF\xBE", 200), "\xEF\xBF\xBF" + std::string(1500, 'k')}) {
    const Json value{{"a", {{key, Json::array({1, Json{{key, "x"}, {"z", key}}})}, {"b", 2}}}};
    EXPECT_EQ(Json::parse(read_all(to_yaml(value))), value) << to_yaml(value);
  }
}

class RandomJson {
 public:
  explicit RandomJson(std::uint32_t seed) : random_(seed) {}

  Json value(int depth) {
    const auto kind = below(depth > 0 ? 10 : 6);
    switch (kind) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(random_()) * (below(2) == 0 ? 1 : -2'000'000'000);
      case 3:
        return below(2) == 0 ? number() : static_cast<double>(below(1000)) / 8;
      case 4:
      case 5:
        return text();
      case 6:
      case 7: {
        Json array = Json::array();
        for (auto left = below(4); left > 0; --left) array.push_back(value(depth - 1));
        return array;
      }
      default: {
        Json object = Json::object();
        for (auto left = below(5); left > 0; --left) object[text()] = value(depth - 1);
        return object;
      }
    }
  }

 private:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  // Any finite double, made of random bits.
  double number() {
    while (true) {
      const std::uint64_t bits = static_cast<std::uint64_t>(random_()) << 32U | random_();
      double out = 0;
      static_assert(sizeof out == sizeof bits);
      std::memcpy(&out, &bits, sizeof out);
      if (std::isfinite(out)) return out;
    }
  }

  std::string text() {
    static const std::vector<std::string> kPieces = {"a",
                                                     "b",
                                                     "x1",
                                                     "0",
                                                     "1",
                                                     "7",
                                                     "e",
                                                     "E",
                                                     "_",
                                                     ".",
                                                     ":",
                                                     ": ",
                                                     " ",
                                                     "  ",
                                                     "#",
                                                     " #",
                                                     "-",
                                                     "- ",
                                                     "+",
                                                     "?",
                                                     "\n",
                                                     "\n\n",
                                                     "\n ",
                                                     "\t",
                                                     "\r",
                                                     "'",
                                                     "\"",
                                                     "\\",
                                                     "\\n",
                                                     ",",
                                                     "[",
                                                     "]",
                                                     "{",
                                                     "}",
                                                     "&",
                                                     "*",
                                                     "!",
                                                     "!!str ",
                                                     "|",
                                                     ">",
                                                     "%",
                                                     "@",
                                                     "`",
                                                     "~",
                                                     "=",
                                                     "<<",
                                                     "yes",
                                                     "null",
                                                     "true",
                                                     "0x",
                                                     "inf",
                                                     "---",
                                                     "...",
                                                     "\n---\n",
                                                     "\n...\n",
                                                     "\xC3\xBC",
                                                     "\xE2\x80\xA8",
                                                     "\xC2\x85",
                                                     "\xEF\xBB\xBF",
                                                     "\xF0\x9F\x98\x80",
                                                     "\x01",
                                                     "\x7F",
                                                     "\xEF\xBF\xBE",
                                                     "2024-01-01",
                                                     "{{ x }}"};
    std::string out;
    for (auto left = below(6); left > 0; --left) out += kPieces[random_() % kPieces.size()];
    return out;
  }
  std::mt19937 random_;
};

TEST(YamlWriter, ReadsBackAsTheSameValue) {
  RandomJson random(20240601);
  for (int i = 0; i < 4'000; ++i) {
    const Json value = random.value(4);
    const std::string yaml = to_yaml(value);
    const auto stream = read_documents(yaml, "f.yaml");
    ASSERT_EQ(stream.items.size(), 1U) << yaml;
    const auto* document = std::get_if<Document>(&stream.items[0]);
    ASSERT_NE(document, nullptr) << to_string(std::get<Error>(stream.items[0])) << "\n" << yaml;
    ASSERT_EQ(Json::parse(document->json), value) << yaml;
  }
}

// A reader of YAML 1.1 that shares no code with libyaml: PyYAML's own scanner and its full type
// rules.
TEST(YamlWriter, PyYamlReadsTheSameValue) {
  RandomJson random(7);
  const std::string base = testing::TempDir() + "gracekeeper_yaml_writer_test";
  std::ofstream yaml(base + ".yaml");
  std::ofstream json(base + ".json");
  for (int i = 0; i < 500; ++i) {
    const Json value = random.value(3);
    yaml << "---\n" << to_yaml(value);
    json << value.dump() << "\n";
  }
  yaml.close();
  json.close();
  const std::string script =
      "import json,sys,yaml\n"
      "got=list(yaml.load_all(open(sys.argv[1]+'.yaml',encoding='utf8',newline=''),Loader=yaml."
      "SafeLoader))\n"
      "want=[json.loads(l) for l in open(sys.argv[1]+'.json',encoding='utf8',newline='\\n')]\n"
      "bad=[(w,g) for w,g in zip(want,got) if w!=g]\n"
      "print(len(want),len(got),ascii(bad[:1]))\n";
  std::ofstream(base + ".py") << script;
  const std::string command = "python3 " + base + ".py " + base + " 2>&1";
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) output += static_cast<char>(c);
  pclose(pipe);
  EXPECT_EQ(output, "500 500 []\n");
}

}  // namespace
}  // namespace gracekeeper
