#include "report/text_page.h"

#include <algorithm>
#include <fmt/format.h>

#include "report/explain_chart.h"
#include "report/text_encoding.h"

namespace gracekeeper {

TextPage::TextPage(bool color, int width)
    : color_(color), width_(static_cast<std::size_t>(std::max(width, 60))) {}

void TextPage::begin_part() {
  if (!out_.empty()) out_ += "\n" + std::string(width_, '=') + "\n\n";
}

void TextPage::title(std::string_view text) { out_ += "\n" + bold(text) + "\n"; }

void TextPage::paragraph(std::string_view first, std::string_view text) {
  const auto indent_width = static_cast<std::size_t>(display_width(first));
  const std::string indent(indent_width, ' ');
  bool at_first = true;
  for (const auto& line : explain_chart::lines_of(escape_for_terminal(text),
                                                  static_cast<int>(width_ - indent_width))) {
    out_ += (at_first ? std::string(first) : indent) + line + "\n";
    at_first = false;
  }
}

std::string TextPage::bold(std::string_view text) const {
  return color_ ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}

}  // namespace gracekeeper
