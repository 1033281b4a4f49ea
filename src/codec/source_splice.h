// Where a fix touches the text of a document: which bytes go and what comes in their place.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/source_tree.h"
#include "core/fix.h"
#include "core/result.h"

namespace gracekeeper {

struct Splice {
  std::size_t begin = 0;
  std::size_t end = 0;  // equal to begin: an insertion before that byte
  std::string text;
};

// `tree` is that of `text`, `json` what the document holds (paths that an alias or a merge brings
// in are there and not in the tree). Errors have a message only: a clause that says why not.
[[nodiscard]] Result<std::vector<Splice>> plan_splices(std::string_view text,
                                                       const SourceTree& tree,
                                                       const nlohmann::json& json, const Fix& fix);

// The text after the splices, or nothing when two of them touch the same bytes.
[[nodiscard]] std::optional<std::string> splice(std::string_view text, std::vector<Splice> splices);

}  // namespace gracekeeper
