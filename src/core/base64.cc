#include "core/base64.h"

namespace gracekeeper {

std::string base64(std::string_view bytes) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  const auto at = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(bytes[i]));
  };
  std::size_t i = 0;
  for (; i + 2 < bytes.size(); i += 3) {
    const unsigned group = at(i) << 16U | at(i + 1) << 8U | at(i + 2);
    for (unsigned shift : {18U, 12U, 6U, 0U}) out += alphabet[group >> shift & 63U];
  }
  const auto rest = bytes.size() - i;
  if (rest == 0) return out;
  const unsigned group = at(i) << 16U | (rest == 2 ? at(i + 1) << 8U : 0U);
  out += alphabet[group >> 18U & 63U];
  out += alphabet[group >> 12U & 63U];
  out += rest == 2 ? alphabet[group >> 6U & 63U] : '=';
  return out + '=';
}

std::optional<std::string> from_base64(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
  };
  std::string out;
  unsigned group = 0;
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = digit(c);
    if (value < 0 || padding > 0) return std::nullopt;
    group = group << 6U | static_cast<unsigned>(value);
    if (++digits % 4 != 0) continue;
    for (const unsigned shift : {16U, 8U, 0U}) out += static_cast<char>(group >> shift & 255U);
    group = 0;
  }
  const std::size_t rest = digits % 4;
  if (rest == 1 || padding != (4 - rest) % 4) return std::nullopt;
  if (rest == 2) out += static_cast<char>(group >> 4U & 255U);
  if (rest == 3) {
    out += static_cast<char>(group >> 10U & 255U);
    out += static_cast<char>(group >> 2U & 255U);
  }
  return out;
}

}  // namespace gracekeeper
