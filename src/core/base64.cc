#include "core/base64.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace gracekeeper {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The two characters of each group of twelve bits.
constexpr auto kPairs = [] {
  std::array<std::array<char, 2>, 4096> pairs{};
  for (std::size_t i = 0; i < pairs.size(); ++i)
    pairs[i] = {kAlphabet[i >> 6U], kAlphabet[i & 63U]};
  return pairs;
}();

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const auto start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + start;
  const auto at = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
  };
  std::size_t i = 0;
  // Six bytes at a time, read as eight: their order in memory is made that of a number.
  for (; i + sizeof(std::uint64_t) <= bytes.size(); i += 6, to += 8) {
    std::uint64_t group = 0;
    std::memcpy(&group, bytes.data() + i, sizeof(group));
    if constexpr (std::endian::native == std::endian::little) group = __builtin_bswap64(group);
    std::memcpy(to, kPairs[group >> 52U].data(), 2);
    std::memcpy(to + 2, kPairs[group >> 40U & 4095U].data(), 2);
    std::memcpy(to + 4, kPairs[group >> 28U & 4095U].data(), 2);
    std::memcpy(to + 6, kPairs[group >> 16U & 4095U].data(), 2);
  }
  for (; i + 2 < bytes.size(); i += 3, to += 4) {
    const auto group = at(i) << 16U | at(i + 1) << 8U | at(i + 2);
    std::memcpy(to, kPairs[group >> 12U].data(), 2);
    std::memcpy(to + 2, kPairs[group & 4095U].data(), 2);
  }
  const auto rest = bytes.size() - i;
  if (rest == 0) return;
  const auto group = at(i) << 16U | (rest == 2 ? at(i + 1) << 8U : 0U);
  std::memcpy(to, kPairs[group >> 12U].data(), 2);
  to[2] = rest == 2 ? kAlphabet[group >> 6U & 63U] : '=';
  to[3] = '=';
}

std::string base64(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

}  // namespace gracekeeper
