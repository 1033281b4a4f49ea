// What the mutating webhook does about a pod that is short of time, for a person who reads how the
// pod would terminate as it is written.
#pragma once

#include <optional>
#include <string>

#include "core/assessment.h"
#include "decision/decision.h"

namespace gracekeeper {

// One sentence. Nothing for a pod that is neither short of time nor refused.
//
// assessment: of the pod that was decided about.
std::optional<std::string> webhook_words(const Decision& decision, const Assessment& assessment);

}  // namespace gracekeeper
