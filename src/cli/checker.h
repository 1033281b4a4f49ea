// All findings of a set of manifests.
#pragma once

#include <string>
#include <vector>

#include "cli/inputs.h"
#include "decision/policy.h"
#include "report/check_report.h"

namespace gracekeeper::cli {

CheckReport check_inputs(const std::vector<std::string>& paths, const Policy& policy);
CheckReport check_inputs(Inputs& inputs, const Policy& policy);

// One finding more of this severity.
void count(CheckSummary& summary, Severity severity);

}  // namespace gracekeeper::cli
