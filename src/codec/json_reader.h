// JSON text, checked strictly (RFC 8259) and left as it stands, with the positions of its parts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "codec/document.h"
#include "core/result.h"

namespace gracekeeper {

struct JsonFailure {
  Error error;
  bool is_syntax =
      false;  // the text is no JSON (but may be YAML); else it is refused for what it says
};

struct JsonValue {
  Document document;  // begin and end are bytes of the text that was given
  Position end;       // the place of the byte after the value
};

// Reads one JSON value; blanks may come before it. `start` is the place of the text's first byte in
// the whole input. Refused beside bad syntax: duplicate keys, more than kMaxValues values, more
// than kMaxDepth levels, \u escapes that are half of a surrogate pair.
[[nodiscard]] tl::expected<JsonValue, JsonFailure> read_json_value(std::string_view text,
                                                                   Position start,
                                                                   const std::string& file);

}  // namespace gracekeeper
