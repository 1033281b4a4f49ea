#include "codec/json_text.h"

#include <array>
#include <charconv>
#include <cmath>

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

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
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
