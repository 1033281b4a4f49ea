#include "rules/remedies.h"

#include <fmt/format.h>
#include <optional>

#include "core/mend.h"

namespace gracekeeper {

std::string longer_grace_words(const Assessment& assessment, const Change& change) {
  const WhatIf outcome(assessment, change, std::nullopt);
  const Assessment& changed = outcome.assessment();
  const auto required = changed.budget.required();
  if (from_seconds(required) <= changed.grace_period()) return "";
  const auto mend = find_mend(changed).kind;
  if (mend == Mend::Kind::Raise || mend == Mend::Kind::Fit) return "";
  return fmt::format(" and terminationGracePeriodSeconds to {} or more", required);
}

}  // namespace gracekeeper
