#include <nlohmann/json.hpp>

#include "report/explain_report.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

// Whole seconds as integers, else the shortest decimal: 15, 0.7, 1.005.
Json seconds(Millis time) {
  if (time.count() % 1000 == 0) return time.count() / 1000;
  return static_cast<double>(time.count()) / 1000.0;
}

Json seconds_or_null(const std::optional<Millis>& time) { return time ? seconds(*time) : Json(); }

std::string_view role_word(Role role) {
  switch (role) {
    case Role::App:
      return "app";
    case Role::Proxy:
      return "proxy";
    case Role::Sidecar:
      break;
  }
  return "sidecar";
}

Json container_json(const ContainerTimes& times) {
  return {{"name", times.name},
          {"role", role_word(times.role)},
          {"preStopEnd", seconds_or_null(times.pre_stop_end)},
          {"sigterm", seconds(times.sigterm)},
          {"exit", seconds(times.exit)},
          {"sigkill", seconds(times.sigkill)},
          {"killed", times.killed}};
}

Json hazard_json(const Hazard& hazard) {
  return {{"kind", to_string(hazard.kind)},
          {"from", seconds(hazard.from)},
          {"to", seconds_or_null(hazard.to)},
          {"containers", hazard.containers},
          {"cause", hazard.cause}};
}

Json advice_json(const Advice& advice) {
  Json annotations = Json::object();
  for (const auto& [key, value] : advice.annotations) annotations[key] = value;
  Json json{
      {"option", advice.option}, {"text", advice.text}, {"annotations", std::move(annotations)}};
  if (advice.termination_grace_period_seconds)
    json["terminationGracePeriodSeconds"] = *advice.termination_grace_period_seconds;
  return json;
}

Json pod_json(const ExplainedPod& pod) {
  Json json{{"object", pod.object},
            {"namespace", pod.namespace_name},
            {"terminationGracePeriodSeconds", pod.termination_grace_period_seconds},
            {"effectiveGracePeriodSeconds", seconds(pod.effective_grace_period)},
            {"sidecar", to_string(pod.sidecar)},
            {"budget",
             {{"app", seconds(pod.budget.app)},
              {"wait", seconds(pod.budget.wait)},
              {"grace", seconds(pod.budget.grace)},
              {"need", pod.budget.need},
              {"exactNeed", pod.budget.exact_need},
              {"fits", pod.budget.fits},
              {"complete", pod.budget.complete}}},
            {"containers", Json::array()},
            {"hazards", Json::array()},
            {"advice", Json::array()}};
  for (const auto& container : pod.containers)
    json["containers"].push_back(container_json(container.times));
  for (const auto& hazard : pod.hazards) json["hazards"].push_back(hazard_json(hazard));
  for (const auto& advice : pod.advice) json["advice"].push_back(advice_json(advice));
  return json;
}

}  // namespace

std::string render_explain_json(std::span<const ExplainedPod> pods) {
  Json json{{"pods", Json::array()}};
  for (const auto& pod : pods) json["pods"].push_back(pod_json(pod));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gracekeeper
