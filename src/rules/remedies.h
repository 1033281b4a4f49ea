// What a remedy asks for besides: a remedy that is followed to the letter must not leave a pod
// whose time is too short.
#pragma once

#include <string>

#include "core/assessment.h"
#include "core/what_if.h"

namespace gracekeeper {

// " and terminationGracePeriodSeconds to 55 or more", where the pod with the change needs more than
// it has and the webhook does not see to that; else "".
std::string longer_grace_words(const Assessment& assessment, const Change& change);

}  // namespace gracekeeper
