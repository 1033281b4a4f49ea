// The refusals that the YAML and the JSON reader share, so that both say them with the same words.
#pragma once

#include <string>

#include "codec/position_tree.h"
#include "core/result.h"

namespace gracekeeper {

[[nodiscard]] Error too_many_values(const std::string& file, Position position);
[[nodiscard]] Error too_deep(const std::string& file, Position position);
[[nodiscard]] Error key_is_no_scalar(const std::string& file, Position position);
[[nodiscard]] Error duplicate_key(const std::string& file,
                                  const PositionTree::Builder::Duplicate& duplicate);

}  // namespace gracekeeper
