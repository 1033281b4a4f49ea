#include "codec/comments.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace gracekeeper {
namespace {

constexpr std::string_view kMark = "gracekeeper:ignore";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool before(const Position& a, const Position& b) {
  return std::tie(a.line, a.column) < std::tie(b.line, b.column);
}

bool inside_scalar(const std::vector<std::pair<Position, Position>>& extents, Position place) {
  // The last scalar that begins at or before the place; extents do not overlap.
  const auto after = std::partition_point(extents.begin(), extents.end(), [&](const auto& extent) {
    return !before(place, extent.first);
  });
  return after != extents.begin() && before(place, std::prev(after)->second);
}

int characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

bool may_hold_comments(std::string_view text) { return text.find(kMark) != std::string_view::npos; }

std::vector<Comment> find_comments(
    std::string_view text, int first_line,
    const std::vector<std::pair<Position, Position>>& scalar_extents) {
  std::vector<Comment> comments;
  int line_number = first_line;
  for (std::size_t begin = 0; begin < text.size(); ++line_number) {
    const std::size_t newline = std::min(text.find('\n', begin), text.size());
    const auto line = text.substr(begin, newline - begin);
    begin = newline + 1;
    const std::size_t mark = line.find(kMark);
    if (mark == std::string_view::npos) continue;
    for (std::size_t hash = line.find('#'); hash < mark; hash = line.find('#', hash + 1)) {
      if (hash > 0 && !is_blank(line[hash - 1])) continue;
      const auto ahead = line.substr(0, hash);
      if (inside_scalar(scalar_extents, {.line = line_number, .column = characters(ahead) + 1})) {
        continue;
      }
      comments.push_back({.line = line_number,
                          .text = std::string(trim(line.substr(hash + 1))),
                          .own_line = trim(ahead).empty()});
      break;
    }
  }
  return comments;
}

}  // namespace gracekeeper
