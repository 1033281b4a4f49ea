#include "codec/text_encoding.h"

#include <cstdint>
#include <fmt/format.h>
#include <simdjson.h>

namespace gracekeeper {
namespace {

// Bytes of the well-formed sequence at the begin of the text, or 0 (table 3-7 of the Unicode
// Standard).
std::size_t sequence_size(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto trails = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return trails(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) > 0x9F;
    return trails(1) && trails(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool too_large = lead == 0xF4 && byte(1) > 0x8F;
    return trails(1) && trails(2) && trails(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

std::size_t find_invalid(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::string_view::npos;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = sequence_size(text.substr(at));
    if (size == 0) return at;
    at += size;
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<BadByte> find_bad_byte(std::string_view text) {
  const std::size_t nul = text.find('\0');
  const std::size_t invalid = find_invalid(text);
  if (nul == std::string_view::npos && invalid == std::string_view::npos) return std::nullopt;
  if (nul < invalid) return BadByte{.offset = nul, .message = "NUL byte; text has none"};
  return BadByte{.offset = invalid,
                 .message = fmt::format("byte 0x{:02X} is not valid UTF-8",
                                        static_cast<unsigned char>(text[invalid]))};
}

bool looks_like_utf16(std::string_view text) {
  if (text.size() < 2) return false;
  const auto head = text.substr(0, 2);
  if (head == "\xFF\xFE" || head == "\xFE\xFF") return true;
  const auto nul = [&](std::size_t i) { return text[i] == '\0'; };
  return text.size() >= 4 && nul(0) == nul(2) && nul(1) == nul(3) && nul(0) != nul(1);
}

}  // namespace gracekeeper
