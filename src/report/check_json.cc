#include <fmt/format.h>

#include "report/check_report.h"
#include "report/json_text.h"

namespace gracekeeper {
namespace {

// Written member by member: the order of the keys is part of the contract, and a time may have more
// digits than a double holds.
void append_finding(std::string& out, const LocatedFinding& located) {
  const Finding& finding = located.finding;
  out += "{\"rule\":" + json_string(finding.rule);
  out += ",\"name\":" + json_string(finding.name);
  out += ",\"severity\":" + json_string(to_string(finding.severity));
  out += ",\"file\":" + json_string(located.file);
  out += ",\"line\":" + std::to_string(located.position.line);
  out += ",\"object\":" + json_string(located.object);
  out += ",\"namespace\":" + json_string(located.namespace_name);
  out += ",\"container\":" + (finding.container ? json_string(*finding.container) : "null");
  out += ",\"path\":" + json_string(to_string(finding.path));
  out += ",\"message\":" + json_string(finding.message);
  out += ",\"remedy\":" + json_string(finding.remedy);
  out += ",\"numbers\":{";
  std::string_view separator;
  for (const auto& [name, number] : finding.numbers) {
    out += separator;
    out += json_string(name) + ':' + json_number(number);
    separator = ",";
  }
  out += "}}";
}

void append_input_error(std::string& out, const Error& error) {
  out += "{\"file\":" + json_string(error.file);
  out += ",\"line\":" + std::to_string(error.position.line);
  out += ",\"column\":" + std::to_string(error.position.column);
  out += ",\"path\":" + json_string(error.path);
  out += ",\"message\":" + json_string(error.message) + '}';
}

void append_unread(std::string& out, const UnreadTemplate& unread) {
  out += "{\"file\":" + json_string(unread.file);
  out += ",\"line\":" + std::to_string(unread.position.line);
  out += ",\"object\":" + json_string(unread.object);
  out += ",\"namespace\":" + json_string(unread.namespace_name);
  out += ",\"apiVersion\":" + json_string(unread.api_version) + '}';
}

template <typename Items>
void append_list(std::string& out, const Items& items,
                 void (*append)(std::string&, const typename Items::value_type&)) {
  std::string_view separator;
  for (const auto& item : items) {
    out += separator;
    append(out, item);
    separator = ",";
  }
  out += ']';
}

}  // namespace

std::string render_check_json(const CheckReport& report) {
  std::string out = "{\"findings\":[";
  append_list(out, report.findings, append_finding);
  const CheckSummary& summary = report.summary;
  out += fmt::format(
      ",\"summary\":{{\"files\":{},\"objects\":{},\"pods\":{},\"errors\":{},\"warnings\":{},"
      "\"infos\":{},\"ignored\":{},\"skipped\":{}}}",
      summary.files, summary.objects, summary.pods, summary.errors, summary.warnings, summary.infos,
      summary.ignored, summary.skipped);
  if (!report.input_errors.empty())
    append_list(out += ",\"inputErrors\":[", report.input_errors, append_input_error);
  if (!report.not_read.empty())
    append_list(out += ",\"notRead\":[", report.not_read, append_unread);
  out += "}\n";
  return out;
}

}  // namespace gracekeeper
