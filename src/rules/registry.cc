#include "rules/registry.h"

#include <algorithm>
#include <vector>

namespace gracekeeper {

std::span<const Rule> all_rules() {
  static const std::vector<Rule> rules{
      gk001_grace_too_short(),
      gk002_wait_exceeds_grace_period(),
      gk003_proxy_stops_before_app(),
      gk004_invalid_annotation_value(),
      gk005_unknown_annotation(),
      gk006_annotation_misplaced(),
      gk007_wait_has_no_effect(),
      gk008_native_sidecar_prestop(),
      gk009_prestop_binary_unknown(),
      gk010_prestop_missing(),
      gk011_job_never_completes(),
      gk012_grace_exceeds_cap(),
      gk013_prestop_exceeds_grace_period(),
      gk014_wait_wastes_time(),
      gk015_zero_grace(),
      gk016_probe_grace_too_short(),
  };
  return rules;
}

const Rule* find_rule(std::string_view id) {
  const auto rules = all_rules();
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return rule.id == id; });
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace gracekeeper
