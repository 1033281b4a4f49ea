// How text is laid out for a person's terminal.
#pragma once

#include <string>
#include <string_view>

namespace gracekeeper {

struct TextStyle {
  bool color = false;
  int width = 80;  // columns; 0 or less: never wrapped
};

enum class Ink { Plain, Bold, Dim, Red, Yellow, Cyan, Green };

// `text` in that ink (ANSI SGR), or unchanged without colour. `text` must be safe for a terminal.
std::string painted(std::string_view text, Ink ink, TextStyle style);

// `text` broken at spaces into lines of at most `width` columns, a newline after each. The first
// starts with `first`, the others with `rest` (both of them counted). A word longer than a line
// stays whole, so that paths and values can be copied; below 20 columns of text nothing is broken.
std::string wrapped(std::string_view text, std::string_view first, std::string_view rest,
                    int width);

}  // namespace gracekeeper
