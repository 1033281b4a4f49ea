#include "codec/document_split.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "codec/document.h"

namespace gracekeeper {
namespace {

// The text with a bar where it can be cut.
std::string cut(const std::string& text, std::size_t from = 0) {
  const auto at = last_cut(text, from);
  return at == 0 ? "-" : text.substr(0, at) + "|" + text.substr(at);
}

TEST(LastCut, IsTheLastMarkerLine) {
  EXPECT_EQ(cut("a: 1\n---\nb: 2\n---\nc: 3\n"), "a: 1\n---\nb: 2\n|---\nc: 3\n");
  EXPECT_EQ(cut("a: 1\n--- {b: 2}\n"), "a: 1\n|--- {b: 2}\n");
  EXPECT_EQ(cut("a: 1\r\n---\r\nb: 2\r\n"), "a: 1\r\n|---\r\nb: 2\r\n");
  EXPECT_EQ(cut("a: 1\n...\n---\nb: 2\n"), "a: 1\n...\n|---\nb: 2\n");
}

TEST(LastCut, IsNoneWhereNoMarkerIsWhole) {
  EXPECT_EQ(cut(""), "-");
  EXPECT_EQ(cut("---\na: 1\n"), "-") << "nothing stands before it";
  EXPECT_EQ(cut("a: 1\n---"), "-") << "it may go on: ----";
  EXPECT_EQ(cut("a: 1\n----\n"), "-");
  EXPECT_EQ(cut("a: |\n  b\n  ---\n"), "-") << "indented: part of a text";
  EXPECT_EQ(cut("a: 1\n---x\n"), "-");
}

TEST(LastCut, KeepsDirectivesWithTheirDocument) {
  EXPECT_EQ(cut("a: 1\n...\n%YAML 1.2\n---\nb: 2\n"), "-");
  EXPECT_EQ(cut("%YAML 1.2\n---\nb: 2\n"), "-");
  EXPECT_EQ(cut("\xEF\xBB\xBF%YAML 1.2\n---\nb: 2\n"), "-");
  EXPECT_EQ(cut("a: 1\n---\nb: 2\n...\n%YAML 1.2\n---\nc: 3\n"),
            "a: 1\n|---\nb: 2\n...\n%YAML 1.2\n---\nc: 3\n");
}

TEST(LastCut, LooksNoFurtherBackThanItIsAsked) {
  const std::string text = "a: 1\n---\nb: 2\nc: 3\n";
  // A marker that was whole has been seen.
  EXPECT_EQ(cut(text, 9), "-");
  for (std::size_t had = 5; had <= 8; ++had)
    EXPECT_EQ(cut(text, had), "a: 1\n|---\nb: 2\nc: 3\n")
        << "the marker came in two pieces, " << had << " bytes in the first";
}

// What has been looked at cannot be read here: a document of many pieces would take the square of
// its size.
TEST(LastCut, DoesNotReadAgainWhatHasBeenLookedAt) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* pages = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  auto* text = static_cast<char*>(pages);
  std::fill_n(text, 2 * page, 'x');
  ASSERT_EQ(mprotect(pages, page, PROT_NONE), 0);
  const std::size_t a_whole_marker = 4;
  EXPECT_EQ(last_cut(std::string_view(text, 2 * page), page + a_whole_marker), 0U);
  munmap(pages, 2 * page);
}

std::vector<std::string> documents_in(std::string_view text, int first_line,
                                      std::vector<std::string> before = {}) {
  for_each_document(
      text, "f.yaml",
      [&](Result<Document> document) {
        before.push_back(document ? std::to_string(document->first_line) + " " + document->json
                                  : to_string(document.error()));
      },
      first_line);
  return before;
}

// Wherever a text can be cut, both parts together hold what the whole holds.
TEST(LastCut, ChangesNothingAboutTheDocuments) {
  const std::string texts[] = {
      "a: 1\n---\nb: 2\n---\n\n---\n# only a comment\n---\nc: [\n---\nd: 4\n",
      "# first\n\n---\na: 1\n...\n# after\n---\n--- {b: 2}\n... stray\n---\nc: 3\n",
      "%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n---\nc: |\n  %\n%x\n---\nd: 4\n",
      "{\"a\": 1}\n---\n{\"b\": 2} {\"c\": 3}\n---\nd: \xff\n---\n"};
  for (const auto& text : texts) {
    const auto whole = documents_in(text, 1);
    for (std::size_t length = 1; length <= text.size(); ++length) {
      const auto at = last_cut(std::string_view(text).substr(0, length));
      const auto first = text.substr(0, at);
      const auto lines = static_cast<int>(std::count(first.begin(), first.end(), '\n'));
      EXPECT_EQ(documents_in(text.substr(at), 1 + lines, documents_in(first, 1)), whole)
          << text << "\ncut at " << at;
    }
  }
}

}  // namespace
}  // namespace gracekeeper
