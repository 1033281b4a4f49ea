#include "codec/json_reader.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "read_all.h"

namespace gracekeeper {
namespace {

struct Row {
  std::string_view text;
  std::string_view result;
};

TEST(JsonReader, LeavesTheTextAsItStands) {
  for (const char* text : {R"({"a": 5.0, "b":1e3, "c" : -0.0})", "[1.7e308, 1e-999]", "{}", "[]",
                           "[1, 2]", R"({"yes": "010"})", R"({"a":123456789012345678901234567890})",
                           R"({"a":"\u00e9\ud83d\ude00\/"})", "{\"a\":\n\t[true, false, null]}"}) {
    EXPECT_EQ(read_all(text), text);
    EXPECT_EQ(read_all("  " + std::string(text) + "\r\n"), text);
  }
}

TEST(JsonReader, SeveralValuesAreSeveralDocuments) {
  const std::string text = "{\"a\": 1}\n{\"b\": 2} {\"c\":\n3}[4]\n---\n{\"d\": 5}\n";
  EXPECT_EQ(read_all(text), "{\"a\": 1}\n{\"b\": 2}\n{\"c\":\n3}\n[4]\n{\"d\": 5}");
  const auto stream = read_documents(text, "f.json");
  const auto& third = std::get<Document>(stream.items.at(2));
  EXPECT_EQ(text.substr(third.begin, third.end - third.begin), "{\"c\":\n3}");
  EXPECT_EQ(third.first_line, 2);
  EXPECT_EQ(place(third.positions.locate(FieldPath{} / "c")), "2:11");
  EXPECT_EQ(place(third.positions.locate_value(FieldPath{} / "c")), "3:1");
  EXPECT_EQ(place(std::get<Document>(stream.items.at(3)).positions.locate({})), "3:3");
  EXPECT_EQ(place(std::get<Document>(stream.items.at(4)).positions.locate(FieldPath{} / "d")),
            "5:2");
}

TEST(JsonReader, LocatesMembersAndItems) {
  const auto document = read_one(
      "--- {\n  \"kind\": \"Pod\", \"\xC3\xBC\": 1,\n  \"sp\\u0065c\": {\"containers\": [\n    "
      "{\"name\": \"a\"}, "
      "{\"name\": \"b\"}]}}\n");
  const auto& tree = document.positions;
  const FieldPath containers = FieldPath{} / "spec" / "containers";
  EXPECT_EQ(place(tree.locate({})), "1:5");
  EXPECT_EQ(place(tree.locate(FieldPath{} / "\xC3\xBC")), "2:18");
  EXPECT_EQ(place(tree.locate_value(FieldPath{} / "\xC3\xBC")), "2:23");
  EXPECT_EQ(place(tree.locate(containers)), "3:17");
  EXPECT_EQ(place(tree.locate(containers / 1)), "4:20");
  EXPECT_EQ(place(tree.locate(containers / 1 / "name")), "4:21");
  EXPECT_EQ(place(tree.locate(containers / 1 / "image")), "4:20");
}

TEST(JsonReader, WhatIsNoJsonIsTriedAsYaml) {
  EXPECT_EQ(read_all("{a: 1, 'b': [yes,],}"), R"({"a":1,"b":[true]})");
  EXPECT_EQ(read_all("{\"a\": 1} # comment\n"), R"({"a":1})");
  EXPECT_EQ(read_all("{\"a\": 1,\n# comment\n\"b\": 5.0}\n"), R"({"a":1,"b":5})");
}

TEST(JsonReader, FilesNamedJsonGetTheErrorOfJson) {
  const std::vector<Row> rows = {
      {"{\"a\": 1,, \"b\": 2}",
       "f.json:1:9: JSON syntax: expected a key in double quotes, got ','"},
      {"{\"a\": [1, 2}", "f.json:1:12: JSON syntax: expected ',' or ']' after an item, got '}'"},
      {"{\"a\": {\n  \"b\": 1\n",
       "f.json:3:1: JSON syntax: expected ',' or '}' after a member, got the end of the document"},
      {"{\"a\" 1", "f.json:1:6: JSON syntax: expected ':' after a key, got '1'"},
      {"{\"a\": tru]", "f.json:1:7: JSON syntax: expected a value, got 't'"},
      {"{\"a\": [", "f.json:1:8: JSON syntax: expected a value, got the end of the document"},
      {"{\"a\": [-", "f.json:1:9: JSON syntax: expected a digit, got the end of the document"},
      {"{\"a\": [01", "f.json:1:9: JSON syntax: expected a number without a leading 0, got '1'"},
      {"{\"a\": [1.", "f.json:1:10: JSON syntax: expected a digit, got the end of the document"},
      {"{\"a\": [1e", "f.json:1:10: JSON syntax: expected a digit, got the end of the document"},
      {"{\"a\": [\"x\ny\"",
       "f.json:1:10: JSON syntax: expected the string to be closed with '\"' on its line, got byte "
       "0x0A"},
      {"{\"\xC3\xBC\": [\"\\q\"",
       "f.json:1:10: JSON syntax: expected one of \"\\/bfnrtu after a backslash, got 'q'"},
      {"{\"a\": [\"\\u12x4\"",
       "f.json:1:13: JSON syntax: expected four hexadecimal digits after \\u, got 'x'"},
      {"{\"a\": [\"\\udc00\"",
       "f.json:1:15: JSON syntax: expected the first half of a surrogate pair before the second, "
       "got '\"'"},
      {"{\"a\": [\"\\ud800\"",
       "f.json:1:15: JSON syntax: expected the second half of a surrogate pair, got '\"'"},
      {"{\"a\": [\"\\ud800\\u0041\"",
       "f.json:1:21: JSON syntax: expected the second half of a surrogate pair before this, got "
       "'\"'"},
  };
  for (const auto& row : rows) EXPECT_EQ(read_all(row.text, "f.json"), row.result) << row.text;
  EXPECT_EQ(
      read_all("{\"a\": [1, 2}", "f.yaml"),
      "f.yaml:1:12: did not find expected ',' or ']' while parsing a flow sequence; check that the "
      "'[' is closed");
  // After a first value the text is JSON, whatever the file's name.
  EXPECT_EQ(read_all("{\"a\": 1}\n{\"b\" 2}", "f.yaml"),
            "{\"a\": 1}\nf.yaml:2:6: JSON syntax: expected ':' after a key, got '2'");
}

TEST(JsonReader, RefusesWhatTheYamlReaderRefuses) {
  std::string deep(201, '[');
  deep += std::string(201, ']');
  std::string many = "[1";
  for (std::size_t i = 1; i < kMaxValues; ++i) many += ",1";
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"{\"a\": 1,\n \"b\": 2,\n \"\\u0061\": 3}",
       "f.yaml:3:2: duplicate key \"a\" (first at line 1)"},
      {"{\"a\": [1, 5e3036]}",
       "f.yaml:1:11: a number this large is none to readers of JSON; quote it if it is text"},
      {"{\"a\": -" + std::string(400, '9') + "}",
       "f.yaml:1:7: a number this large is none to readers of JSON; quote it if it is text"},
      {deep, "f.yaml:1:201: nested more than 200 levels deep"},
      {many + "]",
       "f.yaml:1:6000000: the document has more than 3000000 values; spread its objects over "
       "several files"},
  };
  for (const auto& [text, result] : rows) EXPECT_EQ(read_all(text), result) << text.substr(0, 20);
  EXPECT_EQ(read_all(deep.substr(1, 400)), deep.substr(1, 400));
  EXPECT_EQ(read_all(many.substr(0, many.size() - 2) + "]").size(), many.size() - 1);
}

// Random damage to a valid text: this reader and nlohmann's must agree on what is JSON.
TEST(JsonReader, AgreesWithNlohmannOnWhatIsJson) {
  const std::string base =
      R"({"a":[1,-2.5e+3,0,0.1,"x\n\u00e9\ud83d\ude00",true,false,null],"b":{"c":{},)"
      R"("d":[[],[{}]]},"é":""})";
  const std::string_view alphabet = "{}[],:\"\\0123456789.eE+-truefalsn \t\nu\x01";
  std::mt19937 random(7);
  int valid = 0;
  for (int i = 0; i < 5'000; ++i) {
    std::string text = base;
    for (auto edits = random() % 3 + 1; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text.erase(at, 1);
      } else {
        text.insert(at, 1, alphabet[random() % alphabet.size()]);
      }
    }
    const auto read = read_json_value(text, {.line = 1, .column = 1}, "f");
    const bool whole =
        read && text.find_first_not_of(" \t\n\r", read->document.end) == std::string::npos;
    const bool duplicate = !read && !read.error().is_syntax;
    const bool expected = nlohmann::json::accept(text);
    // Bytes that are not UTF-8 are refused before this reader sees them.
    const bool cut = nlohmann::json(text)
                         .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                         .find("\xEF\xBF\xBD") != std::string::npos;
    if (duplicate || cut) continue;
    ASSERT_EQ(whole, expected) << text;
    valid += whole ? 1 : 0;
  }
  EXPECT_GT(valid, 250);
}

}  // namespace
}  // namespace gracekeeper
