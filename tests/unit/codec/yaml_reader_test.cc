#include "codec/yaml_reader.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "read_all.h"

namespace gracekeeper {
namespace {

struct Row {
  std::string_view yaml;
  std::string_view result;
};

TEST(YamlReader, ReadsTheStylesOfYaml) {
  const std::vector<Row> rows = {
      {"a: 1\nb: [x, {k: z}]\n", R"({"a":1,"b":["x",{"k":"z"}]})"},
      {"a:\n- b\n-\n  - c\n  - d: e\n    f: g\n", R"({"a":["b",["c",{"d":"e","f":"g"}]]})"},
      {"- - a\n  - b\n- c\n", R"([["a","b"],"c"])"},
      {"a: |\n  x\n   y\n\n  z\nb: >-\n  x\n  y\n\n  z\n", R"({"a":"x\n y\n\nz\n","b":"x y\nz"})"},
      {"a: |+\n  x\n\nb: |2\n   x\n", R"({"a":"x\n\n","b":" x\n"})"},
      {"a: 'it''s'\nb: \"q\\\"\\t\\u00e9\\x41\\\n  z\"\n",
       "{\"a\":\"it's\",\"b\":\"q\\\"\\t\u00e9Az\"}"},
      {"a: x\n  y\n", R"({"a":"x y"})"},
      {"? a\n: b\n? c\n", R"({"a":"b","c":null})"},
      {"{a: 1, b: , c}", R"({"a":1,"b":null,"c":null})"},
      {"a: {}\nb: []\nc:\n", R"({"a":{},"b":[],"c":null})"},
      {"just text", R"("just text")"},
      {"a: http://x/#y # comment\n", R"({"a":"http://x/#y"})"},
      {"a: \"\\u0001\\\\\"\n", R"({"a":"\u0001\\"})"},
      {"a:\tb\n", R"({"a":"b"})"},
      {"\xEF\xBB\xBF"
       "a: \xE6\x97\xA5\n",
       "{\"a\":\"\xE6\x97\xA5\"}"},
      {"a: |\r\n  x\r\n  y\r\nb: c\r\n", R"({"a":"x\ny\n","b":"c"})"},
      {"%YAML 1.1\n# directive\n---\na: 1\n", R"({"a":1})"},
      {"%TAG !e! tag:yaml.org,2002:\n---\na: !e!str 1\n", R"({"a":"1"})"},
      {"<<<: 1\n", R"({"<<<":1})"},
  };
  for (const auto& row : rows) EXPECT_EQ(read_all(row.yaml), row.result) << row.yaml;
}

TEST(YamlReader, ExpandsAliases) {
  const std::vector<Row> rows = {
      {"a: &x {k: [1]}\nb: *x\nc: [*x]\n", R"({"a":{"k":[1]},"b":{"k":[1]},"c":[{"k":[1]}]})"},
      {"a: &x 5\nb: *x\n*x : c\n", R"({"a":5,"b":5,"5":"c"})"},
      {"a: &x 1\nb: &x 2\nc: *x\n", R"({"a":1,"b":2,"c":2})"},
      {"a: &x yes\nb: *x\n", R"({"a":true,"b":true})"},
  };
  for (const auto& row : rows) EXPECT_EQ(read_all(row.yaml), row.result) << row.yaml;
}

// As sigs.k8s.io/yaml 1.6 does, seen by running it; also that a `<<` after an own key wins.
TEST(YamlReader, ExpandsMergesAsKubectlDoes) {
  const std::vector<Row> rows = {
      {"x: &x {a: 1, b: 2}\nm:\n  <<: *x\n  b: 3\n", R"({"x":{"a":1,"b":2},"m":{"a":1,"b":3}})"},
      {"x: &x {k: 1}\nm: {k: 2, <<: *x}\n", R"({"x":{"k":1},"m":{"k":1}})"},
      {"m:\n  <<: [{a: 1}, {a: 2, b: 2}]\n", R"({"m":{"a":1,"b":2}})"},
      {"m: {<<: {<<: {a: 1}, b: 2}, c: 3}\n", R"({"m":{"a":1,"b":2,"c":3}})"},
      {"m: {\"<<\": {a: 1}}\n", R"({"m":{"<<":{"a":1}}})"},
      {"m: {<<: {}}\n", R"({"m":{}})"},
      {"m: {!!merge <<: {a: 1}}\n", R"({"m":{"a":1}})"},
      {"<<: 5\n", "f.yaml:1:5: a merge '<<' needs a mapping or a list of mappings"},
      {"a: 1\n<<: [{b: 1}, 2]\n",
       "f.yaml:2:14: a merge '<<' needs a mapping or a list of mappings"},
      {"x: &x [1]\n<<: *x\n", "f.yaml:2:5: a merge '<<' needs a mapping or a list of mappings"},
      {"<<: {a: 1}\nb: 1\nb: 2\n", "f.yaml:3:1: duplicate key \"b\" (first at line 2)"},
      {"<<: {a: 1, a: 2}\n", "f.yaml:1:12: duplicate key \"a\" (first at line 1)"},
  };
  for (const auto& row : rows) EXPECT_EQ(read_all(row.yaml), row.result) << row.yaml;
}

TEST(YamlReader, NamesATemplateThatIsNotRendered) {
  const std::string_view is_template =
      "'{{' begins an expression of a template: render it first, as helm template does; quote it "
      "if it is text";
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"a: {{ .Values.x }}\n", "f.yaml:1:5: "},
      {"a: 1\nname: {{ .Release.Name }}-web\n", "f.yaml:2:8: "},
      {"a: 1\n---\nb: 1\nc:\n  {{- if .Values.x }}\n  d: 1\n  {{- end }}\n", "f.yaml:5:4: "},
      {"{{ include \"web\" . }}\na: 1\n", "f.yaml:1:2: "},
      {"a: 1\n{{- end }}\n", "f.yaml:3:1: "},
  };
  for (const auto& [yaml, place] : rows) {
    const auto all = read_all(yaml);
    EXPECT_EQ(all.substr(all.rfind('\n') + 1), std::string(place) + std::string(is_template))
        << yaml;
  }
  // Text that a template's braces are in is no template.
  EXPECT_EQ(read_all("a: \"{{ $labels.x }}\" y\n"),
            "f.yaml:1:22: did not find expected key while parsing a block mapping; check the "
            "indentation");
  EXPECT_EQ(read_all("a: |\n  {{ x }}\nb: 1\nb: 2\n"),
            "f.yaml:4:1: duplicate key \"b\" (first at line 3)");
}

TEST(YamlReader, RefusesWithFileLineAndColumn) {
  const std::vector<Row> rows = {
      {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: duplicate key \"a\" (first at line 1)"},
      {"1: x\n'1': y\n", "f.yaml:2:1: duplicate key \"1\" (first at line 1)"},
      {"m:\n  - {a: 1, b: 2, a: 3}\n", "f.yaml:2:18: duplicate key \"a\" (first at line 2)"},
      {"a: *x\n", "f.yaml:1:4: alias \"*x\" stands for nothing: no anchor \"&x\" comes before it"},
      {"a: &a [1, *a]\n", "f.yaml:1:11: alias \"*a\" stands inside its own anchor \"&a\""},
      {"b: 1\n? [a]\n: 1\n",
       "f.yaml:2:3: a mapping key must be a scalar, not a list or a mapping; quote it if it is "
       "text"},
      {"a: &x [1]\n*x : 2\n",
       "f.yaml:2:1: a mapping key must be a scalar, not a list or a mapping; quote it if it is "
       "text"},
      {"a: b: c\n",
       "f.yaml:1:5: mapping values are not allowed in this context; quote a value that contains ': "
       "', "
       "and check the indentation"},
      {"a:\n  b: 1\n c: 2\n",
       "f.yaml:3:2: did not find expected key while parsing a block mapping that begins at line 1; "
       "check the indentation"},
      {"a: @x\n",
       "f.yaml:1:4: found character that cannot start any token; quote a value that begins with "
       "'@'"},
      {"a:\n\tb: 1\n",
       "f.yaml:2:1: found character that cannot start any token; indent with spaces, not with a "
       "tab"},
      {"a: \"x\n",
       "f.yaml:2:1: found unexpected end of stream while scanning a quoted scalar that begins at "
       "line "
       "1; check that the quote is closed"},
      {"a: [1,\nb: 3\n",
       "f.yaml:3:1: did not find expected ',' or ']' while parsing a flow sequence that begins at "
       "line 1; check that the '[' is closed"},
      {"a: - b\n",
       "f.yaml:1:4: block sequence entries are not allowed in this context; begin the list on the "
       "line after its key"},
      {"a: \"\\q\"\n",
       "f.yaml:1:5: found unknown escape character while parsing a quoted scalar; write a "
       "backslash "
       "as '\\\\', or use single quotes"},
      {"\xC3\xBC: \"\xC3\xBC\" x\n",
       "f.yaml:1:8: did not find expected key while parsing a block mapping; check the "
       "indentation"},
      {"a: 1\nb: \x01\n",
       "f.yaml:2:4: character U+0001 is not allowed in YAML; write it as an escape in double "
       "quotes"},
      {"{a: 1} b\n",
       "f.yaml:1:8: expected the document to end here; begin another one with a line '---'"},
      {"%YAML 1.1\na: 1\n", "f.yaml:2:1: did not find expected <document start>"},
  };
  for (const auto& row : rows) EXPECT_EQ(read_all(row.yaml), row.result) << row.yaml;
}

std::string repeat(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

TEST(YamlReader, TakesTwoHundredLevelsAndNoMore) {
  const std::string deep = repeat("[", 200) + repeat("]", 200);
  EXPECT_EQ(read_all("- " + deep), "f.yaml:1:202: nested more than 200 levels deep");
  EXPECT_EQ(read_all("# yaml\n" + deep), deep);
  // The levels of an alias count where it stands.
  const std::string half = repeat("[", 150) + repeat("]", 150);
  EXPECT_EQ(read_all("- &x " + half + "\n- " + repeat("[", 50) + "*x" + repeat("]", 50) + "\n"),
            "f.yaml:2:53: nested more than 200 levels deep");
}

TEST(YamlReader, SurvivesAnyNesting) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {repeat("[", 1'000'000), "f.yaml:1:201: nested more than 200 levels deep"},
      {repeat("- ", 100'000), "f.yaml:1:401: nested more than 200 levels deep"},
      {repeat("{a: ", 100'000), "f.yaml:1:801: nested more than 200 levels deep"},
      {repeat("{\"a\":", 100'000), "f.yaml:1:1001: nested more than 200 levels deep"},
  };
  for (const auto& [yaml, result] : rows) EXPECT_EQ(read_all(yaml), result) << yaml.substr(0, 20);
  std::string stairs;
  for (std::size_t i = 0; i < 2000; ++i) stairs += std::string(i, ' ') + "a:\n";
  EXPECT_EQ(read_all(stairs), "f.yaml:201:201: nested more than 200 levels deep");
}

TEST(YamlReader, TakesThreeMillionValuesAndNoMore) {
  // The list itself is a value too; keys are none.
  const std::string fits = repeat("- a\n", 2'999'997) + "- k: b\n";
  EXPECT_EQ(read_one(fits).json.size(), 2'999'997U * 4 + std::string_view("[{'k':'b'}]").size());
  EXPECT_EQ(read_all(fits + "- a\n"),
            "f.yaml:2999999:3: the document has more than 3000000 values; spread its objects over "
            "several files");
}

TEST(YamlReader, CountsWhatAliasesAddBesideWhatIsWritten) {
  // Ten times as much as aliases may add is written, and an alias adds a little.
  const std::string written = "a: &a [p, q]\nb: [" + repeat("1, ", 1'000'000) + "1]\n";
  EXPECT_TRUE(read_one(written + "c: *a\n").json.ends_with(R"(,1],"c":["p","q"]})"));
  // A list of a thousand adds all its values but the one that stands for it.
  const std::string thousand = "a: &a [" + repeat("1, ", 999) + "1]\nb: [";
  EXPECT_EQ(read_all(thousand + repeat("*a, ", 100) + "]\n").substr(0, 5), "{\"a\":");
  EXPECT_EQ(read_all(thousand + repeat("*a, ", 101) + "]\n"),
            "f.yaml:2:405: aliases and merges add more than 100000 values to the document; spread "
            "its objects over several documents");
}

TEST(YamlReader, RefusesAliasBombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string from = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + repeat(from + ", ", 9) +
            from + "]\n";
  }
  EXPECT_EQ(read_all(bomb),
            "f.yaml:5:45: aliases and merges add more than 100000 values to the document; spread "
            "its objects over several documents");
  // Doubling merges of mappings that add nothing.
  std::string merges = "a0: &a0 {}\n";
  for (int i = 1; i < 64; ++i) {
    const std::string from = "*a" + std::to_string(i - 1);
    merges += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {<<: [" + from + ", " +
              from + "]}\n";
  }
  EXPECT_EQ(read_all(merges).substr(read_all(merges).find(": ") + 2),
            "aliases and merges add more than 100000 values to the document; spread its objects "
            "over several documents");
  // Few values, but much text.
  const std::string text =
      "a: &x " + std::string(1'000'000, 'x') + "\nb: [" + repeat("*x, ", 1000) + "]\n";
  EXPECT_EQ(read_all(text), "f.yaml:1:4: aliases and merges repeat more than 16 MiB of text");
  const std::string list =
      "a: &x [" + std::string(1'000'000, 'x') + "]\nb: [" + repeat("*x, ", 1000) + "]\n";
  EXPECT_EQ(read_all(list).substr(0, 9), "f.yaml:2:");
}

TEST(YamlReader, LongMergeChainsDoNotExhaustTheStack) {
  std::string chain = "a0: &a0 {k: 1}\n";
  for (int i = 1; i < 5000; ++i) {
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {<<: *a" +
             std::to_string(i - 1) + "}\n";
  }
  EXPECT_EQ(read_all(chain), "f.yaml:2:14: nested more than 200 levels deep");
}

TEST(YamlReader, ManyKeysAreCheckedForDuplicatesInOrder) {
  std::string yaml;
  for (int i = 0; i < 1000; ++i) yaml += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(read_all(yaml + "k900: 2\nk7: 2\n"),
            "f.yaml:1001:1: duplicate key \"k900\" (first at line 901)");
}

}  // namespace
}  // namespace gracekeeper
