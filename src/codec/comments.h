// Finds the comments that speak to Gracekeeper (`# gracekeeper:ignore GK003`) in a YAML text.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "codec/document.h"
#include "core/result.h"

namespace gracekeeper {

// Whether looking for comments can find any; a plain search, so that other texts pay next to
// nothing.
[[nodiscard]] bool may_hold_comments(std::string_view text);

// `first_line` is the line of the text's first byte; `scalar_extents` says where scalars begin and
// end, in the text's order: a '#' inside one (quoted, or a block scalar) begins no comment.
[[nodiscard]] std::vector<Comment> find_comments(
    std::string_view text, int first_line,
    const std::vector<std::pair<Position, Position>>& scalar_extents);

}  // namespace gracekeeper
