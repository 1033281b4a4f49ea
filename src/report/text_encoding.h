// Text of unknown origin made safe for where it is shown: a terminal, XML, or a column count.
// None of these functions fails: bytes that are not UTF-8 become U+FFFD.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gracekeeper {

inline constexpr char32_t kReplacement = U'\uFFFD';

struct CodePoint {
  char32_t value = 0;      // kReplacement when the bytes are not UTF-8
  std::size_t length = 0;  // bytes taken, at least 1
};

// The code point at the front of `text`, which must not be empty. Overlong forms, surrogates and
// values above U+10FFFF are not UTF-8 (RFC 3629).
CodePoint first_code_point(std::string_view text);

// The same text, valid UTF-8.
std::string valid_utf8(std::string_view text);

// One line that cannot steer a terminal: control characters (ESC, C1, newlines too) and the marks
// that reorder text become visible escapes such as \x1b, \n, \u202e.
std::string escape_for_terminal(std::string_view text);

// For XML 1.0 text and double-quoted attributes: markup and white space that a parser would change
// are escaped, characters that XML cannot hold become U+FFFD. In text, newlines are kept.
std::string escape_xml_text(std::string_view text);
std::string escape_xml_attribute(std::string_view text);

// Columns in a terminal: combining marks take none, East Asian wide characters and emoji two.
int display_width(std::string_view text);

}  // namespace gracekeeper
