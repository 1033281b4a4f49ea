#include "report/text_encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>

namespace gracekeeper {
namespace {

constexpr std::string_view kReplacementBytes = "\xEF\xBF\xBD";

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t size>
bool is_in(const std::array<Range, size>& ranges, char32_t value) {
  return std::any_of(ranges.begin(), ranges.end(), [value](const Range& range) {
    return range.first <= value && value <= range.last;
  });
}

// Marks that change the order or the presence of what is shown (Unicode bidirectional controls,
// line and paragraph separators, the byte order mark).
constexpr std::array<Range, 7> kDeceptive{{{0x061C, 0x061C},
                                           {0x200B, 0x200B},
                                           {0x200E, 0x200F},
                                           {0x2028, 0x202E},
                                           {0x2060, 0x2069},
                                           {0xFEFF, 0xFEFF},
                                           {0xFFF9, 0xFFFB}}};

constexpr std::array<Range, 7> kZeroWidth{{{0x0300, 0x036F},
                                           {0x200C, 0x200D},
                                           {0x0483, 0x0489},
                                           {0x1AB0, 0x1AFF},
                                           {0x1DC0, 0x1DFF},
                                           {0x20D0, 0x20FF},
                                           {0xFE00, 0xFE0F}}};

constexpr std::array<Range, 12> kWide{{{0x1100, 0x115F},
                                       {0x2E80, 0x303E},
                                       {0x3041, 0x33FF},
                                       {0x3400, 0x4DBF},
                                       {0x4E00, 0x9FFF},
                                       {0xA000, 0xA4CF},
                                       {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},
                                       {0x1F300, 0x1FAFF},
                                       {0x20000, 0x3FFFD}}};

unsigned byte_at(std::string_view text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

std::string_view bytes_of(std::string_view text, const CodePoint& point) {
  return point.value == kReplacement ? kReplacementBytes : text.substr(0, point.length);
}

// `text` with every code point replaced by what `encode` gives for it, or kept where that is empty.
template <typename Encode>
std::string encoded(std::string_view text, Encode encode) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const std::string replaced = encode(point.value);
    if (replaced.empty()) {
      out += bytes_of(text, point);
    } else {
      out += replaced;
    }
    text.remove_prefix(point.length);
  }
  return out;
}

// XML 1.0, production 2 (Char).
bool is_xml_character(char32_t value) {
  if (value < 0x20) return value == '\t' || value == '\n' || value == '\r';
  return value != 0xFFFE && value != 0xFFFF;
}

std::string xml_markup(char32_t value) {
  switch (value) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\r':
      return "&#13;";
    default:
      return is_xml_character(value) ? std::string() : std::string(kReplacementBytes);
  }
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
  const CodePoint invalid{.value = kReplacement, .length = 1};
  const unsigned lead = byte_at(text, 0);
  if (lead < 0x80) return {.value = lead, .length = 1};
  // 0xC0 and 0xC1 could only start an overlong form.
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return invalid;
  char32_t value = lead & (0xFFU >> (length + 1));
  for (std::size_t index = 1; index < length; ++index) {
    const unsigned byte = byte_at(text, index);
    if ((byte & 0xC0U) != 0x80U) return invalid;
    value = (value << 6U) | (byte & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[length] || value > 0x10FFFF || surrogate) return invalid;
  return {.value = value, .length = length};
}

std::string valid_utf8(std::string_view text) {
  return encoded(text, [](char32_t) { return std::string(); });
}

std::string escape_for_terminal(std::string_view text) {
  return encoded(text, [](char32_t value) -> std::string {
    if (value == '\n') return "\\n";
    if (value == '\r') return "\\r";
    if (value == '\t') return "\\t";
    const auto number = static_cast<std::uint32_t>(value);
    if (value < 0x20 || value == 0x7F) return fmt::format("\\x{:02x}", number);
    if ((value >= 0x80 && value <= 0x9F) || is_in(kDeceptive, value)) {
      return fmt::format("\\u{:04x}", number);
    }
    return {};
  });
}

std::string escape_xml_text(std::string_view text) { return encoded(text, xml_markup); }

std::string escape_xml_attribute(std::string_view text) {
  return encoded(text, [](char32_t value) -> std::string {
    if (value == '\n') return "&#10;";
    if (value == '\t') return "&#9;";
    return xml_markup(value);
  });
}

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    if (text.front() >= ' ' && text.front() <= '~') {  // what nearly all of it is
      ++width;
      text.remove_prefix(1);
      continue;
    }
    const CodePoint point = first_code_point(text);
    if (!is_in(kZeroWidth, point.value)) width += is_in(kWide, point.value) ? 2 : 1;
    text.remove_prefix(point.length);
  }
  return width;
}

}  // namespace gracekeeper
