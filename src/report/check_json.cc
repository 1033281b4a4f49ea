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

}  // namespace

std::string render_check_json(const CheckReport& report) {
  std::string out = "{\"findings\":[";
  std::string_view separator;
  for (const LocatedFinding& located : report.findings) {
    out += separator;
    append_finding(out, located);
    separator = ",";
  }
  const CheckSummary& summary = report.summary;
  out += fmt::format(
      "],\"summary\":{{\"files\":{},\"objects\":{},\"pods\":{},\"errors\":{},\"warnings\":{},"
      "\"infos\":{},\"ignored\":{},\"skipped\":{}}},\"inputErrors\":[",
      summary.files, summary.objects, summary.pods, summary.errors, summary.warnings, summary.infos,
      summary.ignored, summary.skipped);
  separator = "";
  for (const Error& error : report.input_errors) {
    out += separator;
    append_input_error(out, error);
    separator = ",";
  }
  out += "]}\n";
  return out;
}

}  // namespace gracekeeper
