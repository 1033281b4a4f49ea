#include "cli/ignore_comments.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "../codec/read_all.h"

namespace gracekeeper::cli {
namespace {

using Ids = std::vector<std::string>;

TEST(IgnoredBy, ReadsIdsUpToTheReason) {
  EXPECT_EQ(ignored_by("gracekeeper:ignore GK010"), (Ids{"GK010"}));
  EXPECT_EQ(ignored_by("gracekeeper:ignore GK010 the mesh drains for us"), (Ids{"GK010"}));
  EXPECT_EQ(ignored_by("gracekeeper:ignore GK010, GK014: because"), (Ids{"GK010", "GK014"}));
  EXPECT_EQ(ignored_by("gracekeeper:ignore GK010,GK014\tGK001"), (Ids{"GK010", "GK014", "GK001"}));
  EXPECT_EQ(ignored_by("gracekeeper:ignore: GK010"), (Ids{"GK010"}));
  EXPECT_EQ(ignored_by("gracekeeper:ignore gk010"), (Ids{"GK010"}));
  EXPECT_EQ(ignored_by("see below; gracekeeper:ignore GK010"), (Ids{"GK010"}));
}

TEST(IgnoredBy, IsNothingWithoutAnId) {
  EXPECT_EQ(ignored_by(""), Ids{});
  EXPECT_EQ(ignored_by("GK010"), Ids{});
  EXPECT_EQ(ignored_by("gracekeeper:ignore"), Ids{}) << "never everything";
  EXPECT_EQ(ignored_by("gracekeeper:ignore all of it, GK010 too"), Ids{});
  EXPECT_EQ(ignored_by("gracekeeper:ignore GK10"), Ids{});
  EXPECT_EQ(ignored_by("gracekeeper:ignored GK010"), Ids{}) << "another word";
}

TEST(IgnoredBy, GoesOnAfterAnIdThatIsNone) {
  EXPECT_EQ(ignored_by("gracekeeper:ignore GK14, GK010 because"), Ids{"GK010"});
  EXPECT_EQ(ignored_by("gracekeeper:ignore grace-too-short GK010"), Ids{"GK010"});
  EXPECT_EQ(ignored_by("gracekeeper:ignore GK010 because GK001 is fixed"), Ids{"GK010"});
}

// What is said of a comment, a line each.
std::string notes_on(std::string_view comment) {
  std::string out;
  for (const auto& note :
       find_unknown_rules(read_one("a: 1\nb: 2  # " + std::string(comment) + "\n"), "f.yaml"))
    out += to_string(note) + '\n';
  return out;
}

TEST(FindUnknownRules, NamesTheNearestOne) {
  const std::pair<std::string, std::string> rows[] = {
      {"GK01", "\"GK01\"; did you mean GK001?"},
      {"GK14", "\"GK14\"; did you mean GK014?"},
      {"GKO10", "\"GKO10\"; did you mean GK010?"},
      {"gk-010", "\"gk-010\"; did you mean GK010?"},
      {"prestop-missing", "\"prestop-missing\"; did you mean GK010?"},
      {"GK999", "\"GK999\": the rules are GK001 to GK016"},
      {"GK010, GK01 because", "\"GK01\"; did you mean GK001?"},
  };
  for (const auto& [ids, result] : rows)
    EXPECT_EQ(notes_on("gracekeeper:ignore " + ids),
              "f.yaml:2: gracekeeper:ignore: there is no rule " + result + "\n");
}

TEST(FindUnknownRules, SaysNothingOfReasons) {
  for (const auto* comment :
       {"gracekeeper:ignore GK010", "gracekeeper:ignore gk010,GK014: because",
        "gracekeeper:ignore GK010 as GK01 said", "gracekeeper:ignore GKE does that",
        "gracekeeper:ignore", "gracekeeper:ignore the missing hook", "GK01", "nothing"})
    EXPECT_EQ(notes_on(comment), "");
}

// The lines of a text at which GK010 is ignored.
std::vector<int> ignored_lines(std::string_view text) {
  const auto document = read_one(text);
  std::vector<int> lines;
  const auto last = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
  for (int line = 1; line <= last; ++line) {
    if (is_ignored(document, "GK010", line)) lines.push_back(line);
  }
  return lines;
}

using Lines = std::vector<int>;

TEST(IsIgnored, AtTheEndOfTheLine) {
  EXPECT_EQ(ignored_lines("a: 1\nb: 2  # gracekeeper:ignore GK010\nc: 3\n"), Lines{2});
}

TEST(IsIgnored, OnTheLineAbove) {
  EXPECT_EQ(ignored_lines("a: 1\n# gracekeeper:ignore GK010\nb: 2\nc: 3\n"), Lines{3})
      << "not at the comment's own line";
}

TEST(IsIgnored, AboveOtherSuchComments) {
  EXPECT_EQ(ignored_lines("a: 1\n"
                          "# gracekeeper:ignore GK010\n"
                          "# gracekeeper:ignore GK014\n"
                          "b: 2\n"
                          "c: 3\n"),
            (Lines{3, 4}));
}

TEST(IsIgnored, NotAcrossOtherLines) {
  EXPECT_EQ(ignored_lines("a: 1\n# gracekeeper:ignore GK010\n\nb: 2\n"), Lines{3})
      << "only the line directly below, which here is empty";
}

TEST(IsIgnored, BeforeTheFirstKeyForTheWholeDocument) {
  EXPECT_EQ(ignored_lines("# gracekeeper:ignore GK010 a reason\n\na: 1\nb:\n  c: 2\n"),
            (Lines{1, 2, 3, 4, 5, 6}));
}

TEST(IsIgnored, OnlyForTheRulesThatAreNamed) {
  EXPECT_EQ(ignored_lines("a: 1 # gracekeeper:ignore GK014\n"), Lines{});
}

TEST(IsIgnored, NotByTextThatIsNoComment) {
  EXPECT_EQ(ignored_lines("a: \"# gracekeeper:ignore GK010\"\nb: |\n  # gracekeeper:ignore GK010\n"
                          "  text\nc: 1\n"),
            Lines{});
}

TEST(IsIgnored, OnlyInItsOwnDocument) {
  const auto stream = read_documents("# gracekeeper:ignore GK010\na: 1\n---\nb: 2\n", "f.yaml");
  ASSERT_EQ(stream.items.size(), 2U);
  EXPECT_TRUE(is_ignored(std::get<Document>(stream.items[0]), "GK010", 2));
  EXPECT_FALSE(is_ignored(std::get<Document>(stream.items[1]), "GK010", 4));
}

}  // namespace
}  // namespace gracekeeper::cli
