#include "codec/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace gracekeeper {
namespace {

// The shortest decimal form of a number: 0.00123 is digits "123", exponent -3 (1.23e-3).
struct Decimal {
  bool negative = false;
  std::string digits;
  int exponent = 0;
};

template <typename Float>
Decimal to_decimal(Float value) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific)
                       .ptr;
  Decimal decimal;
  const char* p = buffer.data();
  if (*p == '-') {
    decimal.negative = true;
    ++p;
  }
  for (; p != end && *p != 'e'; ++p) {
    if (*p != '.') decimal.digits += *p;
  }
  if (p != end) ++p;
  if (p != end && *p == '+') ++p;
  std::from_chars(p, end, decimal.exponent);
  return decimal;
}

void append_fixed(std::string& out, const Decimal& decimal) {
  const int count = static_cast<int>(decimal.digits.size());
  if (decimal.exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-decimal.exponent - 1), '0');
    out += decimal.digits;
  } else if (decimal.exponent + 1 >= count) {
    out += decimal.digits;
    out.append(static_cast<std::size_t>(decimal.exponent + 1 - count), '0');
  } else {
    const auto whole = static_cast<std::size_t>(decimal.exponent + 1);
    out.append(decimal.digits, 0, whole);
    out += '.';
    out.append(decimal.digits, whole, std::string::npos);
  }
}

void append_scientific(std::string& out, const Decimal& decimal, int exponent_digits) {
  out += decimal.digits[0];
  if (decimal.digits.size() > 1) {
    out += '.';
    out.append(decimal.digits, 1, std::string::npos);
  }
  out += decimal.exponent < 0 ? "e-" : "e+";
  const std::string exponent = std::to_string(std::abs(decimal.exponent));
  if (static_cast<int>(exponent.size()) < exponent_digits) out += '0';
  out += exponent;
}

// Whether one of eight bytes has to be escaped: below 0x20, '"' or '\\'. A byte of x is zero where
// (x - 0x01…) & ~x has its highest bit set, as long as no byte below it is (Hacker's Delight, 6-1);
// one that is too many only costs a closer look.
bool may_have_escaped(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  const auto has_zero = [](std::uint64_t x) { return (x - kOnes) & ~x & kHighs; };
  const auto below_space = (bytes - kOnes * 0x20) & ~bytes & kHighs;
  return (below_space | has_zero(bytes ^ (kOnes * '"')) | has_zero(bytes ^ (kOnes * '\\'))) != 0;
}

// The place of the first character from `from` on that has to be escaped; the size when none has.
std::size_t first_escaped(std::string_view text, std::size_t from) {
  std::uint64_t eight = 0;
  for (std::size_t i = from; i < text.size();) {
    if (text.size() - i >= sizeof(eight)) {
      std::memcpy(&eight, text.data() + i, sizeof(eight));
      if (!may_have_escaped(eight)) {
        i += sizeof(eight);
        continue;
      }
    }
    for (const auto end = std::min(text.size(), i + sizeof(eight)); i < end; ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c < 0x20 || c == '"' || c == '\\') return i;
    }
  }
  return text.size();
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = first_escaped(text, 0); i < text.size(); i = first_escaped(text, i + 1)) {
    const auto c = static_cast<unsigned char>(text[i]);
    out.append(text, copied, i - copied);
    copied = i + 1;
    out += '\\';
    switch (c) {
      case '"':
        out += '"';
        break;
      case '\\':
        out += '\\';
        break;
      case '\n':
        out += 'n';
        break;
      case '\r':
        out += 'r';
        break;
      case '\t':
        out += 't';
        break;
      default:
        out += "u00";
        out += kHex[c >> 4U];
        out += kHex[c & 0xFU];
    }
  }
  out.append(text, copied, std::string_view::npos);
  out += '"';
}

void append_json(std::string& out, const Value& value) {
  if (const auto* text = value.as_string()) return append_json_string(out, *text);
  if (const auto* members = value.as_object()) {
    out += '{';
    for (const auto& member : *members) {
      if (&member != members->data()) out += ',';
      append_json_string(out, member.first);
      out += ':';
      append_json(out, member.second);
    }
    out += '}';
  } else if (const auto* items = value.as_array()) {
    out += '[';
    for (const auto& item : *items) {
      if (&item != items->data()) out += ',';
      append_json(out, item);
    }
    out += ']';
  } else if (const auto* integer = value.as_int()) {
    std::array<char, 24> digits{};
    out.append(digits.data(),
               std::to_chars(digits.data(), digits.data() + digits.size(), *integer).ptr);
  } else if (const auto* boolean = value.as_bool()) {
    out += *boolean ? "true" : "false";
  } else if (const auto* number = value.as_double(); number != nullptr && std::isfinite(*number)) {
    append_json_number(out, *number);
  } else {
    out += "null";
  }
}

void append_json_number(std::string& out, double value) {
  const Decimal decimal = to_decimal(value);
  if (decimal.negative) out += '-';
  const double magnitude = std::fabs(value);
  if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
    append_scientific(out, decimal, 1);
  } else {
    append_fixed(out, decimal);
  }
}

std::string float_key_text(double value) {
  const auto single = static_cast<float>(value);
  if (std::isnan(single)) return ".nan";
  if (std::isinf(single)) return single > 0 ? ".inf" : "-.inf";
  const Decimal decimal = to_decimal(single);
  std::string out = decimal.negative ? "-" : "";
  // Go's %g with the shortest digits takes the exponent below 1e-4 and from 1e6.
  if (decimal.exponent < -4 || decimal.exponent >= 6) {
    append_scientific(out, decimal, 2);
  } else {
    append_fixed(out, decimal);
  }
  return out;
}

}  // namespace gracekeeper
