#include "report/terminal.h"

#include "report/text_encoding.h"

namespace gracekeeper {
namespace {

constexpr int kNarrowest = 20;

std::string_view code_of(Ink ink) {
  switch (ink) {
    case Ink::Plain:
      return "";
    case Ink::Bold:
      return "1";
    case Ink::Dim:
      return "2";
    case Ink::Red:
      return "1;31";
    case Ink::Yellow:
      return "1;33";
    case Ink::Cyan:
      return "1;36";
    case Ink::Green:
      return "1;32";
  }
  return "";
}

}  // namespace

std::string painted(std::string_view text, Ink ink, TextStyle style) {
  const std::string_view code = code_of(ink);
  if (!style.color || code.empty() || text.empty()) return std::string(text);
  std::string out = "\x1b[";
  out += code;
  out += 'm';
  out += text;
  return out += "\x1b[0m";
}

std::string wrapped(std::string_view text, std::string_view first, std::string_view rest,
                    int width) {
  const bool breaks = width - display_width(rest) >= kNarrowest;
  std::string out(first);
  int column = display_width(first);
  bool at_start = true;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    const int length = display_width(word);
    if (!at_start && breaks && column + 1 + length > width) {
      out += '\n';
      out += rest;
      column = display_width(rest);
      at_start = true;
    }
    if (!at_start) {
      out += ' ';
      ++column;
    }
    out += word;
    column += length;
    at_start = false;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out += '\n';
}

}  // namespace gracekeeper
