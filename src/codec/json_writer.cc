#include "codec/json_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "codec/json_text.h"

namespace gracekeeper {
namespace {

// Bytes that are looked at together.
constexpr std::size_t kBlock = 16;

// The most that one byte becomes: \u001f.
constexpr std::size_t kLongestEscape = 6;

// No function: as an argument of find_if() it would be called for each byte.
constexpr auto is_escaped = [](char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
};

// Whether one of eight bytes may have to be escaped. A byte of x is zero where (x - 0x01…) & ~x has
// its highest bit set, as long as no byte below it is (Hacker's Delight, 6-1); one that is taken
// for it only costs a closer look.
bool may_need_escape(const char* eight) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, eight, sizeof(bytes));
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  const auto zeros = [](std::uint64_t x) { return (x - kOnes) & ~x; };
  const auto below_space = (bytes - kOnes * 0x20) & ~bytes;
  return ((below_space | zeros(bytes ^ (kOnes * '"')) | zeros(bytes ^ (kOnes * '\\'))) & kHighs) !=
         0;
}

#if defined(__SSE2__)
// Which of sixteen bytes have to be escaped, a bit each.
unsigned escaped_of(const char* sixteen) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(sixteen));
  const __m128i controls =
      _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);  // at most 0x1f
  const __m128i signs = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(controls, signs)));
}
#endif

// The first byte that has to be escaped, or the end. The last block may be one that has been looked
// at in part: that is quicker than its bytes one by one.
const char* end_of_plain(const char* const begin, const char* const end) {
  const char* at = begin;
#if defined(__SSE2__)
  constexpr auto kBlockStep = static_cast<std::ptrdiff_t>(kBlock);
  const auto found_in = [&](const char* block) {
    const unsigned found = escaped_of(block);
    return found == 0 ? nullptr : block + std::countr_zero(found);
  };
  for (; end - at >= kBlockStep; at += kBlockStep) {
    if (const char* found = found_in(at)) return found;
  }
  if (at != end && end - begin >= kBlockStep) {
    const char* found = found_in(end - kBlockStep);
    return found == nullptr ? end : found;
  }
#endif
  constexpr std::ptrdiff_t kEight = sizeof(std::uint64_t);
  for (; end - at >= kEight; at += kEight) {
    if (may_need_escape(at)) return std::find_if(at, end, is_escaped);
  }
  if (at != end && end - begin >= kEight && !may_need_escape(end - kEight)) return end;
  return std::find_if(at, end, is_escaped);
}

// Most texts are short: keys, names, numbers.
char* copy(const char* from, std::size_t size, char* to) {
  const auto both_ends = [&](auto part) {
    std::memcpy(&part, from, sizeof(part));
    auto last = part;
    std::memcpy(&last, from + size - sizeof(part), sizeof(part));
    std::memcpy(to, &part, sizeof(part));
    std::memcpy(to + size - sizeof(part), &last, sizeof(part));
  };
  if (size > 16) {
    std::memcpy(to, from, size);
  } else if (size >= sizeof(std::uint64_t)) {
    both_ends(std::uint64_t{});
  } else if (size >= sizeof(std::uint32_t)) {
    both_ends(std::uint32_t{});
  } else {
    for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
  }
  return to + size;
}

// Of a text that is too long for six times as much memory.
constexpr std::size_t kShort = 4096;
std::size_t escaped_size(std::string_view text) {
  std::size_t size = text.size();
  for (const char c : text) {
    if (is_escaped(c)) size += kLongestEscape - 1;
  }
  return size;
}

char* escape(unsigned char c, char* to) {
  constexpr std::string_view kHex = "0123456789abcdef";
  *to++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *to++ = static_cast<char>(c);
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    default:
      for (const char of_code : {'u', '0', '0', kHex[c >> 4U], kHex[c & 0xFU]}) *to++ = of_code;
      return to;
  }
}

}  // namespace

void JsonWriter::grow(std::size_t bytes) {
  text_.resize(text_.size() + std::max(text_.size(), bytes));
}

void JsonWriter::part_of_string(std::string_view text) {
  make_room(kBlock + (text.size() <= kShort ? kLongestEscape * text.size() : escaped_size(text)));
  char* to = text_.data() + used_;
#if defined(__SSE2__)
  if (text.size() <= kBlock) {
    // Looked at where it is copied to: a whole block can be read there, whatever else is in it.
    copy(text.data(), text.size(), to);
    if ((escaped_of(to) & ((1U << text.size()) - 1U)) == 0) {
      used_ += text.size();
      return;
    }
  }
#endif
  const char* from = text.data();
  const char* const end = from + text.size();
  while (from != end) {
    const auto plain = static_cast<std::size_t>(end_of_plain(from, end) - from);
    to = copy(from, plain, to);
    from += plain;
    if (from != end) to = escape(static_cast<unsigned char>(*from++), to);
  }
  used_ = static_cast<std::size_t>(to - text_.data());
}

void JsonWriter::write(const Value& value) {
  value.visit([this](const auto& is) { write(is); });
}

void JsonWriter::write(std::nullptr_t) { put("null"); }

void JsonWriter::write(bool is_true) { put(is_true ? "true" : "false"); }

void JsonWriter::write(std::int64_t integer) {
  std::array<char, 24> digits{};
  const auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), integer).ptr;
  put(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

void JsonWriter::write(double number) {
  if (!std::isfinite(number)) return write(nullptr);
  std::string digits;
  append_json_number(digits, number);
  put(digits);
}

void JsonWriter::write(const std::string& text) { string(text); }

void JsonWriter::write(const Value::Array& items) {
  put('[');
  for (const auto& item : items) {
    if (&item != items.data()) put(',');
    value(item);
  }
  put(']');
}

void JsonWriter::write(const Value::Object& members) {
  put('{');
  for (const auto& member : members) {
    if (&member != members.data()) put(',');
    string(member.first);
    put(':');
    value(member.second);
  }
  put('}');
}

std::string json_text(const Value& value) {
  JsonWriter out(256);
  out.value(value);
  return out.take();
}

}  // namespace gracekeeper
