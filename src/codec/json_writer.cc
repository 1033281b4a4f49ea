#include "codec/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "codec/json_text.h"

namespace gracekeeper {
namespace {

// The most that one byte becomes: \u001f.
constexpr std::size_t kLongestEscape = 6;

// Whether one of eight bytes may have to be escaped: below 0x20, '"' or '\'. A byte of x is zero
// where (x - 0x01…) & ~x has its highest bit set, as long as no byte below it is (Hacker's Delight,
// 6-1); one that is taken for it only costs a closer look.
bool may_need_escape(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  const auto zeros = [](std::uint64_t x) { return (x - kOnes) & ~x; };
  const auto below_space = (bytes - kOnes * 0x20) & ~bytes;
  return ((below_space | zeros(bytes ^ (kOnes * '"')) | zeros(bytes ^ (kOnes * '\\'))) & kHighs) !=
         0;
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

void JsonWriter::grow(std::size_t bytes) { text_.resize(2 * text_.size() + bytes); }

void JsonWriter::string(std::string_view text) {
  make_room(kLongestEscape * text.size() + 2);
  char* to = text_.data() + used_;
  const char* from = text.data();
  const char* const end = from + text.size();
  *to++ = '"';
  while (from != end) {
    std::uint64_t eight = 0;
    if (end - from >= static_cast<std::ptrdiff_t>(sizeof(eight))) {
      std::memcpy(&eight, from, sizeof(eight));
      std::memcpy(to, &eight, sizeof(eight));
      if (!may_need_escape(eight)) {
        from += sizeof(eight);
        to += sizeof(eight);
        continue;
      }
    }
    const char* const stop =
        end - from > static_cast<std::ptrdiff_t>(sizeof(eight)) ? from + sizeof(eight) : end;
    for (; from != stop; ++from) {
      const auto c = static_cast<unsigned char>(*from);
      if (c < 0x20 || c == '"' || c == '\\') {
        to = escape(c, to);
      } else {
        *to++ = *from;
      }
    }
  }
  *to++ = '"';
  used_ = static_cast<std::size_t>(to - text_.data());
}

void JsonWriter::value(const Value& value) {
  if (const auto* text = value.text()) return put(*text);
  if (const auto* text = value.as_string()) return string(*text);
  if (const auto* members = value.as_object()) {
    put('{');
    for (const auto& member : *members) {
      if (&member != members->data()) put(',');
      string(member.first);
      put(':');
      this->value(member.second);
    }
    return put('}');
  }
  if (const auto* items = value.as_array()) {
    put('[');
    for (const auto& item : *items) {
      if (&item != items->data()) put(',');
      this->value(item);
    }
    return put(']');
  }
  if (const auto* integer = value.as_int()) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), *integer).ptr;
    return put(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
  }
  if (const auto* boolean = value.as_bool()) return put(*boolean ? "true" : "false");
  if (const auto* number = value.as_double(); number != nullptr && std::isfinite(*number)) {
    std::string digits;
    append_json_number(digits, *number);
    return put(digits);
  }
  put("null");
}

std::string json_text(const Value& value) {
  JsonWriter out(256);
  out.value(value);
  return out.take();
}

}  // namespace gracekeeper
