// What the texts for people about one pod after another have in common: a part for each pod,
// titles, wrapped paragraphs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gracekeeper {

class TextPage {
 public:
  // At least 60 columns.
  TextPage(bool color, int width);

  std::string take() { return std::move(out_); }

 protected:
  // A line between this pod and the one before.
  void begin_part();
  void title(std::string_view text);
  // Wrapped, the first line after `first`, the others after as many blanks. Safe for a terminal.
  void paragraph(std::string_view first, std::string_view text);
  [[nodiscard]] std::string bold(std::string_view text) const;

  bool color_;
  std::size_t width_;
  std::string out_;
};

}  // namespace gracekeeper
