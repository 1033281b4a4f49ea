// The catalogue of rules in its printed forms.
#pragma once

#include <span>
#include <string>

#include "report/check_report.h"

namespace gracekeeper {

std::string render_rules_list(std::span<const RuleInfo> rules);      // a line each
std::string render_rule_text(const RuleInfo& rule);                  // one, whole
std::string render_rules_json(std::span<const RuleInfo> rules);      // {"rules":[…]}
std::string render_rules_markdown(std::span<const RuleInfo> rules);  // docs/rules.md

}  // namespace gracekeeper
