#include "codec/document.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "read_all.h"

namespace gracekeeper {
namespace {

using namespace std::string_literals;

constexpr std::string_view kHelm = R"(---
# Source: web/templates/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: web
---
# Source: web/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    config.linkerd.io/shutdown-grace-period: "30s"
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 60
      containers:
      - name: web
        command: ["sh", "-c", "sleep 5"]
      -
        name: worker
        args:
          - |
            line
)";

TEST(Document, LocatesKeysAndItems) {
  const auto stream = read_documents(kHelm, "f.yaml");
  ASSERT_EQ(stream.items.size(), 2U);
  const auto& tree = std::get<Document>(stream.items[1]).positions;
  const FieldPath pod = FieldPath{} / "spec" / "template" / "spec";
  const FieldPath containers = pod / "containers";
  const std::vector<std::pair<FieldPath, std::string>> rows = {
      {{}, "9:1"},
      {FieldPath{} / "kind", "10:1"},
      {FieldPath{} / "metadata" / "annotations" / "config.linkerd.io/shutdown-grace-period",
       "14:5"},
      {pod / "terminationGracePeriodSeconds", "18:7"},
      {containers, "19:7"},
      {containers / kFirst, "20:9"},
      {containers / kFirst / "name", "20:9"},
      {containers / kFirst / "command" / 2, "21:31"},
      {containers / 1, "23:9"},
      {containers / 1 / "args" / kFirst, "25:13"},
      // What is not there has the place of its nearest parent.
      {containers / 1 / "lifecycle" / "preStop", "23:9"},
      {containers / 7, "19:7"},
      {pod / "containers" / "name", "19:7"},
      {pod / "terminationGracePeriodSeconds" / kFirst, "18:7"},
      {FieldPath{} / "status", "9:1"},
  };
  for (const auto& [path, expected] : rows) {
    EXPECT_EQ(place(tree.locate(path)), expected) << to_string(path);
  }
  EXPECT_EQ(place(tree.locate_value(pod / "terminationGracePeriodSeconds")), "18:38");
  EXPECT_EQ(place(tree.locate_value(pod / "absent")), "17:5");
  EXPECT_TRUE(tree.contains(containers / 1 / "args" / kFirst));
  EXPECT_FALSE(tree.contains(containers / 2));
}

TEST(Document, LocatesWhatAliasesAndMergesBringInWhereItWasWritten) {
  const auto document = read_one(
      "base: &base\n  image: x\n  env: &env\n  - name: A\nweb:\n  <<: *base\n  image: y\nworker:\n"
      "  env: *env\n");
  const auto& tree = document.positions;
  const FieldPath web = FieldPath{} / "web";
  EXPECT_EQ(place(tree.locate(web / "image")), "7:3");
  EXPECT_EQ(place(tree.locate(web / "env")), "3:3");
  EXPECT_EQ(place(tree.locate(web / "env" / kFirst / "name")), "4:5");
  EXPECT_EQ(place(tree.locate(FieldPath{} / "worker" / "env")), "9:3");
  EXPECT_EQ(place(tree.locate_value(FieldPath{} / "worker" / "env")), "9:8");
  EXPECT_EQ(place(tree.locate(FieldPath{} / "worker" / "env" / kFirst / "name")), "4:5");
}

TEST(Document, ColumnsCountCharactersAndLinesCountCrlfOnce) {
  const auto document = read_one("a: {\xC3\xBC: 1, b: 2}\r\nc: |\r\n  x\r\nd:\t{e: f}\r\n");
  const auto& tree = document.positions;
  EXPECT_EQ(place(tree.locate(FieldPath{} / "a" / "b")), "1:11");
  EXPECT_EQ(place(tree.locate(FieldPath{} / "d")), "4:1");
  EXPECT_EQ(place(tree.locate(FieldPath{} / "d" / "e")), "4:5");
}

TEST(Document, LocatesItemsOfLists) {
  const auto document = read_one(
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n- apiVersion: v1\n  "
      "kind: "
      "Pod\n  spec: {}\n");
  EXPECT_EQ(place(document.positions.locate(FieldPath{} / "items" / 1 / "spec")), "8:3");
  EXPECT_TRUE(document.is_mapping);
}

TEST(Document, OneThatDoesNotParseLeavesTheOthers) {
  EXPECT_EQ(
      read_all("a: 1\n---\nb: [\n---\nc: \"x\n--- # fine\nd: 4\n...\ne: 5\n"),
      "{\"a\":1}\n"
      "f.yaml:4:1: did not find expected node content while parsing a flow node\n"
      "f.yaml:6:1: found unexpected end of stream while scanning a quoted scalar that begins at "
      "line 5; check that the quote is closed\n"
      "{\"d\":4}\n"
      "{\"e\":5}");
}

TEST(Document, OnlyMarkersAtTheBeginOfALineSeparate) {
  EXPECT_EQ(read_all("a: |\n  ---\n  x\nb: x---\n----: 1\n---x: 2\n"),
            R"({"a":"---\nx\n","b":"x---","----":1,"---x":2})");
  EXPECT_EQ(read_all("--- {a: 1}\n--- |\n  text\n---\t# c\nb: 1\n---\r\nc: 1\r\n"),
            "{\"a\":1}\n\"text\\n\"\n{\"b\":1}\n{\"c\":1}");
  EXPECT_EQ(
      read_all("a: 1\n... # end\nb: 1\n... x\n"),
      "{\"a\":1}\n{\"b\":1}\nf.yaml:4:5: expected nothing but a comment after '...' in its line");
}

TEST(Document, RangesHoldEachDocumentVerbatim) {
  const std::string text =
      "# head\n\n---\n# of a\na: 1\n--- {b: 2} # tail\n---\n---\n%YAML 1.1\n...\n%YAML "
      "1.1\n---\nc: 3\n...\n\n";
  std::string ranges;
  for (const auto& item : read_documents(text, "f.yaml").items) {
    if (const auto* error = std::get_if<Error>(&item)) {
      ranges += "<" + to_string(*error) + ">";
      continue;
    }
    const auto& document = std::get<Document>(item);
    ranges += "<" + std::to_string(document.first_line) + (document.is_empty ? " empty " : " ") +
              text.substr(document.begin, document.end - document.begin) + ">";
  }
  EXPECT_EQ(ranges,
            "<1 empty # head\n\n>"
            "<4 # of a\na: 1\n>"
            "<6 {b: 2} # tail\n>"
            "<8 empty >"
            "<f.yaml:10:1: did not find expected <document start>>"
            "<13 c: 3\n>");
}

TEST(Document, BlankInputHasNoDocuments) {
  for (const char* text : {"", "\n", " \r\n\t\n", "\xEF\xBB\xBF"}) {
    EXPECT_EQ(read_documents(text, "f.yaml").items.size(), 0U);
  }
  EXPECT_EQ(read_all("# only a comment"), "(empty)");
  EXPECT_EQ(read_all("---\n"), "(empty)");
}

// A byte order mark that does not begin the text, and line ends that only Unicode and YAML know:
// next line and line separator.
TEST(Document, WhatIsBlankToTheParserAloneIsEmpty) {
  EXPECT_EQ(read_all("a: 1\n...\n\xEF\xBB\xBF\n---\nb: 2\n"), "{\"a\":1}\n(empty)\n{\"b\":2}");
  for (const char* text : {"\xC2\x85", "\xE2\x80\xA8"}) {
    EXPECT_EQ(read_all(text), "(empty)") << text;
    EXPECT_EQ(read_all("---\n" + std::string(text)), "(empty)") << text;
  }
  // A second mark is one more blank at the text's beginning, and a character within a document.
  const std::string marks = "\xEF\xBB\xBF\xEF\xBB\xBF";
  EXPECT_EQ(read_all(marks), "(empty)");
  EXPECT_EQ(read_all("---\n" + marks), "\"\xEF\xBB\xBF\"");
}

TEST(Document, KnowsMappings) {
  EXPECT_TRUE(read_one("a: 1").is_mapping);
  EXPECT_TRUE(read_one("{\"a\": 1}").is_mapping);
  for (const char* text : {"- a", "text", "~", "[1]", "[\"a\"", "# c", "[{\"a\": 1}]"}) {
    const auto stream = read_documents(text, "f.yaml");
    const auto* document = std::get_if<Document>(&stream.items.at(0));
    EXPECT_FALSE(document != nullptr && document->is_mapping) << text;
  }
}

TEST(Document, BadBytesAreRefusedInTheirDocumentOnly) {
  EXPECT_EQ(read_all("a: 1\n---\nb: \xC3\xBC \xFFz\n---\nc: x\0y\n---\nd: 4\n"s),
            "{\"a\":1}\n"
            "f.yaml:3:6: byte 0xFF is not valid UTF-8\n"
            "f.yaml:5:5: NUL byte; text has none\n"
            "{\"d\":4}");
  // Overlong, surrogate, above U+10FFFF, cut short.
  for (const auto& [bytes, byte] :
       std::vector<std::pair<std::string, std::string>>{{"\xC0\xAF", "C0"},
                                                        {"\xED\xA0\x80", "ED"},
                                                        {"\xF4\x90\x80\x80", "F4"},
                                                        {"\xE2\x82", "E2"},
                                                        {"\x80", "80"},
                                                        {"\xE0\x80\x80", "E0"},
                                                        {"\xF0\x80\x80\x80", "F0"}}) {
    EXPECT_EQ(read_all("ab: " + bytes), "f.yaml:1:5: byte 0x" + byte + " is not valid UTF-8");
    EXPECT_EQ(read_all("{\"a\": \"" + bytes + "\"}"),
              "f.yaml:1:8: byte 0x" + byte + " is not valid UTF-8");
  }
}

TEST(Document, Utf16IsNamed) {
  for (const auto& text : {"\xFF\xFE"
                           "a\0:\0"s,
                           "\xFE\xFF\0a"s, "a\0:\0"s, "\0a\0:"s}) {
    EXPECT_EQ(read_all(text), "f.yaml:1:1: the text is UTF-16; save it as UTF-8");
  }
}

TEST(Document, FindsCommentsThatSpeakToGracekeeper) {
  const std::string text =
      "# gracekeeper:ignore GK001\n"
      "a: x # gracekeeper:ignore GK002  \n"
      "b: \"# gracekeeper:ignore no\" #gracekeeper:ignore \xC3\xBC\n"
      "c: |\n"
      "  # gracekeeper:ignore no\n"
      "  x\n"
      "# gracekeeper:ignore GK003\r\n"
      "d: x#gracekeeper:ignore\n"
      "e: \"\n"
      "  # gracekeeper:ignore no\"\n"
      "f: # see: gracekeeper:ignore GK004\n"
      "  - 1 # other\n";
  const std::vector<Comment> expected = {
      {.line = 1, .text = "gracekeeper:ignore GK001", .own_line = true},
      {.line = 2, .text = "gracekeeper:ignore GK002", .own_line = false},
      {.line = 3, .text = "gracekeeper:ignore \xC3\xBC", .own_line = false},
      {.line = 7, .text = "gracekeeper:ignore GK003", .own_line = true},
      {.line = 11, .text = "see: gracekeeper:ignore GK004", .own_line = false},
  };
  EXPECT_EQ(read_one(text).comments, expected);
  // Lines are those of the input, also for a document of comments only.
  const auto stream = read_documents(
      "a: 1\n--- # gracekeeper:ignore x\n# c\n---\nb: 1 # gracekeeper:ignore y\n", "f");
  ASSERT_EQ(stream.items.size(), 3U);
  EXPECT_EQ(std::get<Document>(stream.items[1]).comments.at(0).line, 2);
  EXPECT_EQ(std::get<Document>(stream.items[2]).comments.at(0).line, 5);
}

}  // namespace
}  // namespace gracekeeper
