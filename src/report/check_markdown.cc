#include <cctype>
#include <fmt/format.h>

#include "report/check_place.h"
#include "report/check_report.h"
#include "report/text_encoding.h"

namespace gracekeeper {
namespace {

// GitHub takes comments of 65,536 characters. The table leaves room for the input errors.
constexpr std::size_t kTableEnd = 50'000;
constexpr std::size_t kListEnd = 65'000;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// Text that no Markdown renderer takes for markup: no emphasis, link, HTML, table border; and no
// @name, which would send mail to a stranger.
std::string markdown_text(std::string_view raw) {
  const std::string text = escape_for_terminal(raw);
  std::string out;
  char previous = ' ';
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '@' && !is_word(previous)) {
      out += "@\u200B";
    } else {
      if (std::string_view("\\`*_[]|~$#").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
    previous = c;
  }
  return out;
}

// As code where that can be said: a backtick would end the code.
std::string markdown_code(std::string_view raw) {
  if (raw.empty() || raw.find_first_of("`|\\") != std::string_view::npos) {
    return markdown_text(raw);
  }
  return '`' + escape_for_terminal(raw) + '`';
}

std::string row_of(const LocatedFinding& located) {
  const Finding& finding = located.finding;
  std::string place = located.file;
  if (located.position.line > 0) place += fmt::format(":{}", located.position.line);
  std::string what = markdown_text(finding.message);
  if (!finding.remedy.empty()) what += "<br>→ " + markdown_text(finding.remedy);
  const std::string_view severity = to_string(finding.severity);
  return fmt::format(
      "| {} | {} {} | {}<br>{} | {} |\n",
      finding.severity == Severity::Error ? fmt::format("**{}**", severity) : severity,
      markdown_text(finding.rule), markdown_text(finding.name),
      markdown_code(object_label(located)), markdown_code(place), what);
}

std::string item_of_unread(const UnreadTemplate& unread) {
  std::string place = unread.file;
  if (unread.position.line > 0) place += fmt::format(":{}", unread.position.line);
  return "- " + markdown_code(place) + ": " + markdown_code(object_label(unread)) + ": " +
         markdown_text(why_not_read(unread)) + '\n';
}

std::string item_of(const Error& error) {
  const std::string place = place_of(error);
  const std::string what = error.path.empty() ? error.message : error.path + ": " + error.message;
  return "- " + (place.empty() ? "" : markdown_code(place) + ": ") + markdown_text(what) + '\n';
}

// Adds what fits before `end` bytes, and says how much was left out.
template <typename Items, typename Render>
void append_until(std::string& out, std::size_t end, const Items& items, std::string_view noun,
                  Render render) {
  std::size_t shown = 0;
  for (const auto& item : items) {
    const std::string text = render(item);
    if (out.size() + text.size() > end) break;
    out += text;
    ++shown;
  }
  if (const std::size_t more = items.size() - shown; more != 0) {
    out += fmt::format("\n… and {} more {}{}\n", more, noun, more == 1 ? "" : "s");
  }
}

}  // namespace

std::string render_check_markdown(const CheckReport& report) {
  std::string out = "### Gracekeeper\n\n" + summary_sentence(report) + '\n';
  if (!report.findings.empty()) {
    out += "\n| Severity | Finding | Where | What is wrong, and what to do |\n|---|---|---|---|\n";
    append_until(out, kTableEnd, report.findings, "finding", row_of);
  }
  if (!report.input_errors.empty()) {
    out += "\n**Could not be read**\n\n";
    append_until(out, kListEnd, report.input_errors, "input error", item_of);
  }
  if (!report.not_read.empty()) {
    out += "\n**Not read**\n\n";
    append_until(out, kListEnd, report.not_read, "pod template", item_of_unread);
  }
  return out;
}

}  // namespace gracekeeper
