#include <nlohmann/json.hpp>

#include "report/why_report.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;
using namespace postmortem;

// Whole seconds as integers, else the shortest decimal: 15, 0.7, 1.005.
Json seconds(Millis time) {
  if (time.count() % 1000 == 0) return time.count() / 1000;
  return static_cast<double>(time.count()) / 1000.0;
}

Json seconds_or_null(const std::optional<Millis>& time) { return time ? seconds(*time) : Json(); }
Json instant_or_null(const std::optional<Instant>& time) {
  return time ? Json(format_instant(*time)) : Json();
}

Json stop_json(const Stop& stop) {
  return {{"kind", to_string(stop.kind)},
          {"asked", instant_or_null(stop.asked)},
          {"graceSeconds", seconds(stop.grace)},
          {"graceIsKnown", stop.grace_is_known},
          {"overridden", stop.is_overridden},
          {"by", stop.by},
          {"evidence", stop.evidence}};
}

Json row_json(const PlannedRow& row) {
  const auto& times = row.times;
  return {{"name", times.name},
          {"preStopEnd", seconds_or_null(times.pre_stop_end)},
          {"sigterm", seconds(times.sigterm)},
          {"exit", seconds(times.exit)},
          {"sigkill", seconds(times.sigkill)},
          {"killed", times.killed},
          {"seen", row.seen}};
}

Json option_json(const Option& option) {
  Json annotations = Json::object();
  for (const auto& [key, value] : option.annotations) annotations[key] = value;
  Json fields = Json::object();
  for (const auto& [path, value] : option.fields) fields[path] = value;
  return {{"option", option.id},
          {"text", option.text},
          {"annotations", std::move(annotations)},
          {"fields", std::move(fields)},
          {"verified", option.is_verified}};
}

Json diagnosis_json(const Diagnosis& d) {
  Json json{{"pod", d.pod},
            {"namespace", d.namespace_name},
            {"owner", d.owner},
            {"gone", d.is_gone},
            {"budgetRanOut", d.is_hard()},
            {"stop", stop_json(d.stop)},
            {"happened", Json::array()},
            {"planned", nullptr},
            {"conclusions", Json::array()},
            {"options", Json::array()},
            {"missing", Json::array()}};
  for (const auto& fact : d.facts) {
    json["happened"].push_back({{"at", instant_or_null(fact.at)},
                                {"after", seconds_or_null(fact.after)},
                                {"text", fact.text},
                                {"source", fact.source}});
  }
  if (d.is_planned) {
    Json rows = Json::array();
    for (const auto& row : d.planned) rows.push_back(row_json(row));
    json["planned"] = {{"terminationGracePeriodSeconds", d.termination_grace_period_seconds},
                       {"required", d.required},
                       {"fromTemplate", d.is_from_template},
                       {"containers", std::move(rows)}};
  }
  for (const auto& c : d.conclusions) {
    json["conclusions"].push_back({{"cause", to_string(c.cause)},
                                   {"budget", is_budget(c.cause)},
                                   {"sureness", to_string(c.sureness)},
                                   {"container", c.container},
                                   {"text", c.text},
                                   {"evidence", c.evidence}});
  }
  for (const auto& option : d.options) json["options"].push_back(option_json(option));
  for (const auto& m : d.missing)
    json["missing"].push_back({{"what", m.what}, {"command", m.command}});
  return json;
}

}  // namespace

std::string render_why_json(std::span<const Diagnosis> diagnoses) {
  Json json{{"pods", Json::array()}};
  for (const auto& diagnosis : diagnoses) json["pods"].push_back(diagnosis_json(diagnosis));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gracekeeper
