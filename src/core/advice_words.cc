#include "core/advice_words.h"

#include <fmt/format.h>

namespace gracekeeper {

std::string joined_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string_view source_words(Source source, std::string_view built_in, std::string_view own) {
  switch (source) {
    case Source::BuiltIn:
      return built_in;
    case Source::Configuration:
      return "configuration";
    case Source::LinkerdValues:
      return "Linkerd values";
    case Source::Namespace:
      return "annotation of the Namespace";
    case Source::Pod:
      return "annotation";
    case Source::Container:
      return own;
  }
  return built_in;
}

std::string_view so_long(const Assessment& assessment) {
  return assessment.app_time_is_known() ? "so long" : "at least so long";
}

std::string budget_sum(const Assessment& assessment) {
  const auto& budget = assessment.budget;
  if (assessment.proxy.runs_beside_app()) {
    auto text = fmt::format(
        "the longer of app {} and {}drain {}", format_seconds(budget.app),
        budget.wait.count() > 0 ? fmt::format("preStop {} + ", format_seconds(budget.wait)) : "",
        format_seconds(budget.grace));
    if (budget.margin.count() > 0) text += ", + margin " + format_seconds(budget.margin);
    return text;
  }
  auto text = "app " + format_seconds(budget.app);
  if (assessment.proxy.is_classic()) text += " + wait " + format_seconds(budget.wait);
  if (assessment.proxy.exists()) text += " + grace " + format_seconds(budget.grace);
  if (budget.margin.count() > 0) text += " + margin " + format_seconds(budget.margin);
  if (budget.exact_need > budget.need)
    text += fmt::format("; the containers one after the other take {}", budget.exact_need);
  return text;
}

std::string consequence_of(const WhatIf& outcome) {
  std::string failures;
  for (const auto& hazard : outcome.hazards()) {
    if (!is_failure(hazard.kind)) continue;
    failures += failures.empty() ? ", but " : ", ";
    const auto names = joined_names(hazard.containers);
    if (hazard.kind == Hazard::Kind::NewConnectionsRefused) {
      failures +=
          fmt::format("new connections of {} are refused from {} to {} s", names,
                      format_seconds(hazard.from), format_seconds(hazard.to.value_or(hazard.from)));
    } else if (hazard.kind == Hazard::Kind::HookCutShort) {
      failures += fmt::format("the preStop hook of {} is cut short at {} s", names,
                              format_seconds(hazard.from));
    } else if (hazard.kind == Hazard::Kind::Killed) {
      failures +=
          fmt::format("{} {} killed at {} s", names, hazard.containers.size() == 1 ? "is" : "are",
                      format_seconds(hazard.from));
    } else {
      failures += "the Job never completes";
    }
  }
  if (failures.empty()) {
    failures = outcome.assessment().proxy.exists()
                   ? ", no new connection is refused and nothing is killed"
                   : " and nothing is killed";
  }
  return fmt::format("the pod is gone after {} s at the latest{}", format_seconds(outcome.gone()),
                     failures);
}

}  // namespace gracekeeper
