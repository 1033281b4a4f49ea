// The rules as the reports need them.
#pragma once

#include <vector>

#include "report/check_report.h"

namespace gracekeeper::cli {

std::vector<RuleInfo> rule_infos();

}  // namespace gracekeeper::cli
