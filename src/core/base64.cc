#include "core/base64.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

#if defined(__x86_64__)
// Twice twelve bytes at a time (W. Mula and D. Lemire, "Faster Base64 Encoding and Decoding Using
// AVX2 Instructions", 2018, 3.1). Takes all but the last bytes, since it reads 28, and says how
// many.
__attribute__((target("avx2"))) std::size_t encode_by_24(std::string_view bytes, char* to) {
  // Of each group b0 b1 b2: b1 b0 b2 b1, so that each of the four values lies within 16 bits.
  const __m256i spread =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  // What is added to a value for its letter: by its range, of which 52 to 61 are ten.
  const __m256i offsets = _mm256_broadcastsi128_si256(
      _mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                    '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0));
  std::size_t i = 0;
  for (; i + 28 <= bytes.size(); i += 24, to += sizeof(__m256i)) {
    const auto* from = reinterpret_cast<const __m128i*>(bytes.data() + i);
    const auto* next = reinterpret_cast<const __m128i*>(bytes.data() + i + 12);
    const __m256i in =
        _mm256_shuffle_epi8(_mm256_set_m128i(_mm_loadu_si128(next), _mm_loadu_si128(from)), spread);
    const __m256i first_and_third = _mm256_mulhi_epu16(
        _mm256_and_si256(in, _mm256_set1_epi32(0x0fc0fc00)), _mm256_set1_epi32(0x04000040));
    const __m256i second_and_fourth = _mm256_mullo_epi16(
        _mm256_and_si256(in, _mm256_set1_epi32(0x003f03f0)), _mm256_set1_epi32(0x01000010));
    const __m256i values = _mm256_or_si256(first_and_third, second_and_fourth);
    // 0 for 26 to 51, 1 to 12 for those above, 13 for those below.
    const __m256i below_26 = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), values);
    const __m256i range = _mm256_or_si256(_mm256_subs_epu8(values, _mm256_set1_epi8(51)),
                                          _mm256_and_si256(below_26, _mm256_set1_epi8(13)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm256_add_epi8(values, _mm256_shuffle_epi8(offsets, range)));
  }
  return i;
}

const bool kHasAvx2 = __builtin_cpu_supports("avx2") > 0;
#endif

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const auto start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + start;
  const auto at = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
  };
  std::size_t i = 0;
#if defined(__x86_64__)
  if (kHasAvx2) i = encode_by_24(bytes, to);
  to += i / 3 * 4;
#endif
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
