#include "report/check_report.h"

#include <fmt/format.h>

#include "report/text_encoding.h"

namespace gracekeeper {
namespace {

// "1 error", "2 errors".
std::string counted(std::int64_t count, std::string_view singular) {
  return fmt::format("{} {}{}", count, singular, count == 1 ? "" : "s");
}

void append_part(std::string& list, std::string part) {
  if (!list.empty()) list += ", ";
  list += part;
}

std::string label(const std::string& object, const std::string& namespace_name) {
  return namespace_name.empty() ? object : object + " (" + namespace_name + ")";
}

}  // namespace

std::string summary_sentence(const CheckReport& report) {
  const CheckSummary& summary = report.summary;
  std::string found;
  if (summary.errors != 0) append_part(found, counted(summary.errors, "error"));
  if (summary.warnings != 0) append_part(found, counted(summary.warnings, "warning"));
  if (summary.infos != 0) append_part(found, counted(summary.infos, "info"));
  if (found.empty()) found = "No findings";

  std::string looked_at = counted(summary.objects, "object");
  if (summary.skipped != 0) append_part(looked_at, fmt::format("{} skipped", summary.skipped));
  // What a cluster answered stands in no file.
  if (summary.files != 0 || summary.objects == 0)
    append_part(looked_at, counted(summary.files, "file"));

  std::string aside;
  if (summary.ignored != 0) append_part(aside, fmt::format("{} ignored", summary.ignored));
  if (summary.known != 0) append_part(aside, fmt::format("{} in the baseline", summary.known));
  if (!report.not_read.empty()) {
    append_part(aside, counted(static_cast<std::int64_t>(report.not_read.size()), "pod template") +
                           " not read");
  }
  if (!report.input_errors.empty()) {
    append_part(aside,
                counted(static_cast<std::int64_t>(report.input_errors.size()), "input error"));
  }
  return fmt::format("{} in {} ({}){}{}", found, counted(summary.pods, "pod"), looked_at,
                     aside.empty() ? "" : "; ", aside);
}

std::string object_label(const LocatedFinding& located) {
  return label(located.object, located.namespace_name);
}

std::string object_label(const UnreadTemplate& unread) {
  return label(unread.object.empty() ? "(no name)" : unread.object, unread.namespace_name);
}

std::string why_not_read(const UnreadTemplate& unread) {
  const auto of = (unread.api_version.empty() ? "" : ", of ") + unread.api_version;
  switch (unread.why) {
    case UnreadTemplate::Why::UnknownKind:
      break;
    case UnreadTemplate::Why::NoKind:
      return fmt::format(
          "an object without a kind{}: its pods were not judged; write its kind, with a small k",
          of);
    case UnreadTemplate::Why::ListAtTop:
      return "a list at the top level: its pods were not judged; write a List of kind List, or "
             "documents separated by ---";
  }
  return fmt::format("a pod template in a kind that is not known{}: its pods were not judged", of);
}

std::string render_notes(const CheckReport& report) {
  std::string out;
  for (Error note : report.notes) {
    note.message = "note: " + note.message;
    out += escape_for_terminal(to_string(note)) + '\n';
  }
  return out;
}

std::string render_input_errors(const CheckReport& report) {
  std::string out;
  for (const Error& error : report.input_errors) {
    out += escape_for_terminal(to_string(error)) + '\n';
  }
  return out;
}

}  // namespace gracekeeper
