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

}  // namespace gracekeeper
