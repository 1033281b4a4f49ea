// The sentences that advice and reports share.
#pragma once

#include <string>
#include <vector>

#include "core/assessment.h"
#include "core/what_if.h"

namespace gracekeeper {

// "web, worker"
std::string joined_names(const std::vector<std::string>& names);

// What the need is made of, without where it comes from: "app 15 + wait 20 + grace 120". A native
// proxy has no wait, a pod without a proxy neither.
std::string budget_sum(const Assessment& assessment);

// "the pod is gone after 20 s at the latest, no new connection is refused and nothing is killed",
// or what still fails.
std::string consequence_of(const WhatIf& outcome);

}  // namespace gracekeeper
