#include "cli/rule_infos.h"

#include "rules/rule.h"

namespace gracekeeper::cli {

std::vector<RuleInfo> rule_infos() {
  std::vector<RuleInfo> infos;
  for (const auto& rule : all_rules()) {
    infos.push_back({.id = rule.id,
                     .name = rule.name,
                     .severity = rule.severity,
                     .summary = rule.summary,
                     .cause = rule.cause,
                     .remedy = rule.remedy,
                     .example = rule.example});
  }
  return infos;
}

}  // namespace gracekeeper::cli
