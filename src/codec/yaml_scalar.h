// What a plain (unquoted) YAML scalar means to kubectl: the rules of go-yaml v2, which are
// YAML 1.1's with exceptions (resolve.go).
//
//   yes, On, y, TRUE        true              ~, null, (nothing)       null
//   no, Off, n, FALSE       false             .nan, .inf, -.Inf        not finite: not JSON
//   5, +5, 1_000            integer           0x1F, 0b101, 017, 089    integer
//   1.5, 1e3, 5., .5        float             2024-01-01, 1:30, 1.2.3  string
//
// Integers keep every digit: where go-yaml turns one beyond 64 bits into a float, it stays as
// written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gracekeeper {

struct YamlScalar {
  enum class Kind { kString, kNull, kBool, kInteger, kFloat, kNotFinite };
  Kind kind = Kind::kString;
  bool truth = false;   // kBool
  double number = 0;    // kFloat, kNotFinite
  std::string integer;  // kInteger: decimal digits, with '-' when negative
};

// Resolves the text of a plain scalar. For kString the text itself is the value.
[[nodiscard]] YamlScalar resolve_plain_scalar(std::string_view text);

// Whether any YAML reader in use, of 1.1 or 1.2, might take the plain text for something other than
// a string: what resolve_plain_scalar types, and also times (1:30), dates, numbers too large for a
// double or with digits grouped, and the words of YAML 1.1 in any case.
[[nodiscard]] bool may_be_typed(std::string_view text);

// The bytes of a !!binary scalar (base64 of RFC 4648 with padding; line breaks are skipped), or
// nothing when it is not valid.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace gracekeeper
