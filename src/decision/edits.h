// The edits that a decision makes to a pod. For this folder only.
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

// Their parts that do not depend on who injects: the sleeps that the settings give app containers,
// and the preStop handler of a classic proxy that waits (null: it does not).
void add_app_sleeps(const Assessment& assessment, std::vector<Edit>& edits);
Value proxy_wait_handler(const Assessment& assessment);
// What gives the proxy's container the program of a wait that ends with the application, where the
// settings ask for one; after the edits that add that container.
void add_wait_helper(const Assessment& assessment, std::vector<Edit>& edits);

// The subject with the mend written into it: T raised, or the proxy's grace set as an annotation.
Subject mended(const Assessment& assessment, const Mend& mend);
// The edits that do the same to the pod.
std::vector<Edit> mend_edits(const Assessment& assessment, const Mend& mend);

}  // namespace gracekeeper
