// The edits that the decision makes to a pod. For decision.cc only.
#pragma once

#include <string>
#include <vector>

#include "core/assessment.h"
#include "core/edit.h"
#include "core/mend.h"
#include "decision/policy.h"

namespace gracekeeper {

// `assessment` is of the pod with the mend already written into it (see mended()).
std::vector<Edit> make_edits(const Assessment& assessment, const Namespace* where,
                             const Policy& policy);

// The subject with the mend written into it: T raised, or the proxy's grace set as an annotation.
Subject mended(const Subject& subject, const Mend& mend);
// The edits that do the same to the pod.
std::vector<Edit> mend_edits(const Mend& mend);

}  // namespace gracekeeper
