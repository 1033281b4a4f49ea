// Whether bytes are text that can be read: strict UTF-8 without NUL.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gracekeeper {

struct BadByte {
  std::size_t offset = 0;
  std::string message;
};

// The first byte that is NUL or no UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF), and what is wrong with it.
[[nodiscard]] std::optional<BadByte> find_bad_byte(std::string_view text);

// Whether the text begins as UTF-16 does: with its byte order mark, or with two characters that
// have one NUL each.
[[nodiscard]] bool looks_like_utf16(std::string_view text);

}  // namespace gracekeeper
