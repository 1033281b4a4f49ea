#include <fmt/format.h>

#include "report/check_place.h"
#include "report/check_report.h"
#include "report/text_encoding.h"

namespace gracekeeper {
namespace {

constexpr std::string_view kIndent = "    ";

Ink ink_of(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return Ink::Red;
    case Severity::Warning:
      return Ink::Yellow;
    case Severity::Info:
      return Ink::Cyan;
  }
  return Ink::Plain;
}

// Never wrapped: it is the line that people search for and click on.
std::string heading(const LocatedFinding& located, TextStyle style) {
  const Finding& finding = located.finding;
  std::string place = escape_for_terminal(located.file);
  if (located.position.line > 0) place += ':' + std::to_string(located.position.line);
  return fmt::format("{}: {} {} {}  {}\n", painted(place, Ink::Bold, style),
                     painted(to_string(finding.severity), ink_of(finding.severity), style),
                     escape_for_terminal(finding.rule), escape_for_terminal(finding.name),
                     painted(escape_for_terminal(object_label(located)), Ink::Bold, style));
}

void append_finding(std::string& out, const LocatedFinding& located, TextStyle style) {
  out += heading(located, style);
  // A line number says where better than a path; without one the path is all there is.
  if (located.position.line <= 0 && !located.finding.path.empty()) {
    out += wrapped("at " + escape_for_terminal(to_string(located.finding.path)), kIndent, kIndent,
                   style.width);
  }
  out += wrapped(escape_for_terminal(located.finding.message), kIndent, kIndent, style.width);
  if (located.finding.remedy.empty()) return;
  // Laid out without colour, because escape sequences take no columns.
  const std::string plain =
      wrapped(escape_for_terminal(located.finding.remedy), "  → ", kIndent, style.width);
  out += "  " + painted("→", Ink::Green, style) + plain.substr(std::string_view("  →").size());
}

void append_input_error(std::string& out, const Error& error, TextStyle style) {
  const std::string place = escape_for_terminal(place_of(error));
  if (!place.empty()) out += painted(place, Ink::Bold, style) + ": ";
  out += painted("input error", Ink::Red, style) + '\n';
  const std::string what = error.path.empty() ? error.message : error.path + ": " + error.message;
  out += wrapped(escape_for_terminal(what), kIndent, kIndent, style.width);
}

void append_unread(std::string& out, const UnreadTemplate& unread, TextStyle style) {
  std::string place = escape_for_terminal(unread.file);
  if (unread.position.line > 0) place += ':' + std::to_string(unread.position.line);
  out += fmt::format("{}: {}  {}\n", painted(place, Ink::Bold, style),
                     painted("not read", Ink::Yellow, style),
                     painted(escape_for_terminal(object_label(unread)), Ink::Bold, style));
  out += wrapped(escape_for_terminal(why_not_read(unread)), kIndent, kIndent, style.width);
}

bool same_object(const LocatedFinding& left, const LocatedFinding& right) {
  return left.file == right.file && left.object == right.object &&
         left.namespace_name == right.namespace_name;
}

Ink ink_of(const CheckReport& report) {
  if (report.summary.errors != 0 || !report.input_errors.empty()) return Ink::Red;
  if (report.summary.warnings != 0) return Ink::Yellow;
  if (report.summary.infos != 0) return Ink::Cyan;
  if (!report.not_read.empty()) return Ink::Yellow;
  return Ink::Green;
}

}  // namespace

std::string render_check_text(const CheckReport& report, TextStyle style) {
  std::string out;
  const LocatedFinding* previous = nullptr;
  for (const LocatedFinding& located : report.findings) {
    // The findings of one object stand together.
    if (previous != nullptr && !same_object(*previous, located)) out += '\n';
    append_finding(out, located, style);
    previous = &located;
  }
  if (!out.empty() && !report.not_read.empty()) out += '\n';
  for (const UnreadTemplate& unread : report.not_read) append_unread(out, unread, style);
  if (!out.empty() && !report.input_errors.empty()) out += '\n';
  for (const Error& error : report.input_errors) append_input_error(out, error, style);
  if (!out.empty()) out += '\n';
  return out + painted(summary_sentence(report), ink_of(report), style) + '\n';
}

}  // namespace gracekeeper
