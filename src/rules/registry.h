// The functions that make the rules: one for each file. To add one, see rule.h.
#pragma once

#include "rules/rule.h"

namespace gracekeeper {

Rule gk001_grace_too_short();
Rule gk002_wait_exceeds_grace_period();
Rule gk003_proxy_stops_before_app();
Rule gk004_invalid_annotation_value();
Rule gk005_unknown_annotation();
Rule gk006_annotation_misplaced();
Rule gk007_wait_has_no_effect();
Rule gk008_native_sidecar_prestop();
Rule gk009_prestop_binary_unknown();
Rule gk010_prestop_missing();
Rule gk011_job_never_completes();
Rule gk012_grace_exceeds_cap();
Rule gk013_prestop_exceeds_grace_period();
Rule gk014_wait_wastes_time();
Rule gk015_zero_grace();
Rule gk016_probe_grace_too_short();

}  // namespace gracekeeper
