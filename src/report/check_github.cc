// Workflow commands: github.com/actions/toolkit, packages/core/src/command.ts has the escaping.
#include <fmt/format.h>

#include "report/check_place.h"
#include "report/check_report.h"
#include "report/text_encoding.h"

namespace gracekeeper {
namespace {

std::string escape_data(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '%':
        out += "%25";
        break;
      case '\r':
        out += "%0D";
        break;
      case '\n':
        out += "%0A";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string escape_property(std::string_view text) {
  std::string out;
  for (const char c : escape_data(text)) {
    switch (c) {
      case ':':
        out += "%3A";
        break;
      case ',':
        out += "%2C";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string_view command_of(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return "error";
    case Severity::Warning:
      return "warning";
    case Severity::Info:
      return "notice";
  }
  return "";
}

// "file=web.yaml,line=14,": what is unknown, and standard input, has no place in a repository.
std::string place_properties(std::string_view file, Position position, bool with_column) {
  if (file.empty() || file == kStandardInput) return "";
  // Any name that a repository would have stays as it is, to be matched against its files.
  std::string out = "file=" + escape_property(escape_for_terminal(normal_file(file))) + ',';
  if (position.line > 0) {
    out += fmt::format("line={},", position.line);
    if (with_column && position.column > 0) out += fmt::format("col={},", position.column);
  }
  return out;
}

}  // namespace

std::string render_check_github(const CheckReport& report) {
  std::string out;
  for (const LocatedFinding& located : report.findings) {
    const Finding& finding = located.finding;
    std::string text =
        escape_for_terminal(object_label(located)) + ": " + escape_for_terminal(finding.message);
    if (!finding.remedy.empty()) text += "\n→ " + escape_for_terminal(finding.remedy);
    out += fmt::format("::{} {}title={}::{}\n", command_of(finding.severity),
                       place_properties(located.file, located.position, false),
                       escape_property(escape_for_terminal(finding.rule + ' ' + finding.name)),
                       escape_data(text));
  }
  for (const UnreadTemplate& unread : report.not_read) {
    out += fmt::format(
        "::notice {}title=not read::{}\n", place_properties(unread.file, unread.position, false),
        escape_data(escape_for_terminal(object_label(unread) + ": " + why_not_read(unread))));
  }
  for (const Error& error : report.input_errors) {
    // The file's name stands in the text too: an annotation without a place would not tell it.
    out += fmt::format("::error {}title=input error::{}\n",
                       place_properties(error.file, error.position, true),
                       escape_data(escape_for_terminal(to_string(error))));
  }
  return out + summary_sentence(report) + '\n';
}

}  // namespace gracekeeper
