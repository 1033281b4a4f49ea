// SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), and what GitHub's code scanning wants of it
// beyond the schema: a region with a start line for every result, rules with help and tags.
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

#include "report/check_place.h"
#include "report/check_report.h"
#include "report/text_encoding.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

Json text_object(std::string_view text) { return Json{{"text", valid_utf8(text)}}; }

std::string_view level_of(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return "error";
    case Severity::Warning:
      return "warning";
    case Severity::Info:
      return "note";
  }
  return "none";
}

// GitHub's word for the same (property problem.severity).
std::string_view problem_severity(Severity severity) {
  return severity == Severity::Info ? "recommendation" : to_string(severity);
}

// "grace-too-short" -> "GraceTooShort"
std::string pascal_case(std::string_view name) {
  std::string out;
  bool upper = true;
  for (const char c : name) {
    if (c == '-') {
      upper = true;
      continue;
    }
    out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

// In a message, [text](target) is a link (3.11.6), which no value of a manifest shall make.
std::string message_text(std::string_view message, std::string_view remedy) {
  std::string text = valid_utf8(message);
  if (!remedy.empty()) text += "\nRemedy: " + valid_utf8(remedy);
  for (auto at = text.find("]("); at != std::string::npos; at = text.find("](", at)) {
    text.insert(at + 1, " ");
  }
  return text;
}

// RFC 3986: everything but unreserved characters and the slash, byte by byte.
std::string percent_encoded(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Json artifact_location(std::string_view file) {
  if (file == kStandardInput) {
    return {{"uri", percent_encoded(file)}, {"description", text_object("standard input")}};
  }
  const std::string name = normal_file(file);
  if (name.starts_with('/')) return {{"uri", "file://" + percent_encoded(name)}};
  Json location{{"uri", percent_encoded(name)}};
  // Outside of the folder that the run began in, a base would be a lie.
  if (!name.starts_with("../")) location["uriBaseId"] = "%SRCROOT%";
  return location;
}

Json physical_location(std::string_view file, Position position) {
  return {{"artifactLocation", artifact_location(file)},
          {"region", {{"startLine", std::max(1, position.line)}}}};
}

Json rule_object(const RuleInfo& rule) {
  const std::string cause = valid_utf8(rule.cause);
  const std::string remedy = valid_utf8(rule.remedy);
  return {{"id", valid_utf8(rule.id)},
          {"name", pascal_case(valid_utf8(rule.name))},
          {"shortDescription", text_object(rule.summary)},
          {"fullDescription", text_object(rule.cause)},
          {"help",
           {{"text", cause + "\n\nRemedy: " + remedy},
            {"markdown", cause + "\n\n**Remedy:** " + remedy}}},
          {"defaultConfiguration", {{"level", level_of(rule.severity)}}},
          {"properties",
           {{"tags", Json::array({"kubernetes", "linkerd", "graceful-shutdown"})},
            {"problem.severity", problem_severity(rule.severity)}}}};
}

Json logical_location(const LocatedFinding& located) {
  const std::string object = valid_utf8(located.object);
  const std::string space = valid_utf8(located.namespace_name);
  return {{"name", object},
          {"fullyQualifiedName", space.empty() ? object : space + '/' + object},
          {"kind", "object"}};
}

Json result_properties(const Finding& finding) {
  Json properties{{"path", valid_utf8(to_string(finding.path))}};
  if (finding.container) properties["container"] = valid_utf8(*finding.container);
  return properties;
}

Json notification_object(const Error& error) {
  Json notification{{"level", "error"},
                    {"message", {{"text", message_text(to_string(error), "")}}}};
  if (!error.file.empty()) {
    Json location{{"physicalLocation", physical_location(error.file, error.position)}};
    notification["locations"] = Json::array({std::move(location)});
  }
  return notification;
}

Json notification_object(const UnreadTemplate& unread) {
  return {
      {"level", "warning"},
      {"message", {{"text", message_text(object_label(unread) + ": " + why_not_read(unread), "")}}},
      {"locations",
       Json::array({{{"physicalLocation", physical_location(unread.file, unread.position)}}})}};
}

}  // namespace

std::string render_check_sarif(const CheckReport& report, std::span<const RuleInfo> rules,
                               std::string_view version) {
  Json rule_objects = Json::array();
  std::map<std::string_view, std::size_t> rule_indexes;
  for (const RuleInfo& rule : rules) {
    rule_indexes.emplace(rule.id, rule_objects.size());
    rule_objects.push_back(rule_object(rule));
  }

  Json results = Json::array();
  std::map<Fingerprint, int> alike;
  for (const LocatedFinding& located : report.findings) {
    const Finding& finding = located.finding;
    Json result{{"ruleId", valid_utf8(finding.rule)}};
    if (const auto index = rule_indexes.find(finding.rule); index != rule_indexes.end()) {
      result["ruleIndex"] = index->second;
    }
    result["level"] = level_of(finding.severity);
    result["message"] = {{"text", message_text(finding.message, finding.remedy)}};
    Json location{{"physicalLocation", physical_location(located.file, located.position)},
                  {"logicalLocations", Json::array({logical_location(located)})}};
    result["locations"] = Json::array({std::move(location)});
    const Fingerprint found = fingerprint(located);
    result["partialFingerprints"] = {
        {"gracekeeper/v1", fmt::format("{}:{}", digest(found), ++alike[found])}};
    result["properties"] = result_properties(finding);
    results.push_back(std::move(result));
  }

  Json notifications = Json::array();
  for (const Error& error : report.input_errors)
    notifications.push_back(notification_object(error));
  for (const UnreadTemplate& unread : report.not_read)
    notifications.push_back(notification_object(unread));
  Json invocation{{"executionSuccessful", report.input_errors.empty()},
                  {"toolExecutionNotifications", std::move(notifications)}};

  Json driver{{"name", "gracekeeper"},
              {"version", valid_utf8(version)},
              {"rules", std::move(rule_objects)}};
  Json run{{"tool", {{"driver", std::move(driver)}}},
           {"invocations", Json::array({std::move(invocation)})},
           {"results", std::move(results)}};
  const Json log{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                 {"version", "2.1.0"},
                 {"runs", Json::array({std::move(run)})}};
  return log.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace gracekeeper
