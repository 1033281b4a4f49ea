// JSON that stands as text inside an annotation (`config.linkerd.io/proxy-additional-env`).
//
// Strict RFC 8259, at most 64 levels deep. This folder may not use the program's JSON libraries,
// and what it reads is one short list of variables.
#pragma once

#include <optional>
#include <string_view>

#include "core/value.h"

namespace gracekeeper {

// Nothing when the text is not exactly one JSON value. A key that is written twice: the last
// counts.
std::optional<Value> parse_inline_json(std::string_view text);

}  // namespace gracekeeper
