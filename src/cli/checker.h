// All findings of a set of manifests.
#pragma once

#include <string>
#include <vector>

#include "cli/inputs.h"
#include "cli/progress.h"
#include "decision/policy.h"
#include "report/check_report.h"

namespace gracekeeper::cli {

// On all cores, file by file; the report has the order of the inputs all the same. Beside the
// report, memory holds one document for each core. `progress` is told how far it is.
CheckReport check_inputs(const std::vector<std::string>& paths, const Policy& policy);
CheckReport check_inputs(const Inputs& inputs, const Policy& policy, Progress* progress = nullptr);

// One finding more of this severity.
void count(CheckSummary& summary, Severity severity);

}  // namespace gracekeeper::cli
