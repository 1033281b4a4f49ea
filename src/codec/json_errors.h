// What is wrong with a text that is no JSON, in words that do not change with the parser's version:
// they reach logs, answers and the audit's output.
#pragma once

#include <simdjson.h>
#include <string_view>

namespace gracekeeper {

// Half a sentence that stands after "not JSON: "; simdjson's own words for what has no words here.
[[nodiscard]] std::string_view json_error_text(simdjson::error_code error) noexcept;

}  // namespace gracekeeper
