// All findings of a set of manifests.
#pragma once

#include <string>
#include <vector>

#include "decision/policy.h"
#include "report/check_report.h"

namespace gracekeeper::cli {

CheckReport check_inputs(const std::vector<std::string>& paths, const Policy& policy);

}  // namespace gracekeeper::cli
