// The sentences that advice and reports share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/assessment.h"
#include "core/what_if.h"

namespace gracekeeper {

// "web, worker"
std::string joined_names(const std::vector<std::string>& names);

// Where a setting comes from, in words: `built_in` where nobody wrote it, `own` where the container
// itself has it.
std::string_view source_words(Source source, std::string_view built_in, std::string_view own);

// "so long", or "at least so long" where a preStop hook of the app is of unknown length.
std::string_view so_long(const Assessment& assessment);

// What the need is made of, without where it comes from: "app 15 + wait 20 + grace 120". A native
// proxy has no wait, a pod without a proxy neither.
std::string budget_sum(const Assessment& assessment);

// "the pod is gone after 20 s at the latest, no new connection is refused and nothing is killed",
// or what still fails.
std::string consequence_of(const WhatIf& outcome);

}  // namespace gracekeeper
