#include <gtest/gtest.h>

#include "report/terminal.h"
#include "report/text_encoding.h"

namespace gracekeeper {
namespace {

TEST(TextEncoding, ReplacesWhatIsNotUtf8) {
  const struct {
    std::string bytes;
    std::string text;
  } rows[] = {
      {"plain", "plain"},
      {"\xC3\xA9", "é"},
      {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},          // U+10FFFF, the last one
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},  // past it
      {"\xC0\xAF", "\uFFFD\uFFFD"},                      // overlong
      {"\xE0\x80\xAF", "\uFFFD\uFFFD\uFFFD"},            // overlong
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},            // surrogate
      {"\x80", "\uFFFD"},                                // continuation alone
      {"a\xE2\x82", "a\uFFFD\uFFFD"},                    // cut
      {"\xE2(", "\uFFFD("},
  };
  for (const auto& row : rows) EXPECT_EQ(valid_utf8(row.bytes), row.text);
}

TEST(TextEncoding, ShowsWhatWouldSteerATerminal) {
  const struct {
    std::string bytes;
    std::string shown;
  } rows[] = {
      {"süß → 日本 😀", "süß → 日本 😀"},
      {"\x1b]0;title\x07", R"(\x1b]0;title\x07)"},
      {"\xC2\x9B"
       "31m",
       R"(\u009b31m)"},  // C1's CSI
      {"a\r\nb\t\x7F", R"(a\r\nb\t\x7f)"},
      {std::string("\0", 1), R"(\x00)"},
      {"\u202Egnp", R"(\u202egnp)"},
      {"\u2066x\u2069", R"(\u2066x\u2069)"},
      {"\u200B\uFEFF", R"(\u200b\ufeff)"},
      {"\u0061\u200Db", "a\u200Db"},  // joins letters of some scripts
      {"\x9B", "\uFFFD"},
  };
  for (const auto& row : rows) EXPECT_EQ(escape_for_terminal(row.bytes), row.shown);
}

TEST(TextEncoding, CountsColumns) {
  const struct {
    std::string text;
    int columns;
  } rows[] = {{"", 0}, {"abc", 3}, {"é", 1}, {"e\u0301", 1}, {"日本", 4}, {"😀", 2}, {"→", 1}};
  for (const auto& row : rows) EXPECT_EQ(display_width(row.text), row.columns) << row.text;
}

TEST(Terminal, WrapsAtSpaces) {
  const struct {
    std::string text;
    int width;
    std::string lines;
  } rows[] = {
      {"", 40, "> \n"},
      {"one two", 0, "> one two\n"},
      {"one two three four five six", 24, "> one two three four\n  five six\n"},
      {"exactly twenty-two col", 24, "> exactly twenty-two col\n"},
      {"a-word-longer-than-the-line-stays whole", 24,
       "> a-word-longer-than-the-line-stays\n  whole\n"},
      {"日本 日本 日本 日本 日本", 24, "> 日本 日本 日本 日本\n  日本\n"},
      {"too narrow to break anything", 10, "> too narrow to break anything\n"},
  };
  for (const auto& row : rows) EXPECT_EQ(wrapped(row.text, "> ", "  ", row.width), row.lines);
}

}  // namespace
}  // namespace gracekeeper
