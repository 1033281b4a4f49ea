#include "cli/ignore_comments.h"

#include <algorithm>

#include "core/settings.h"

namespace gracekeeper::cli {
namespace {

constexpr std::string_view kMarker = "gracekeeper:ignore";

// "GK001", or "gk001".
bool is_rule_id(std::string_view word) {
  return word.size() == 5 && (word.starts_with("GK") || word.starts_with("gk")) &&
         std::all_of(word.begin() + 2, word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool names(const Comment& comment, std::string_view rule) {
  const auto ids = ignored_by(comment.text);
  return std::find(ids.begin(), ids.end(), rule) != ids.end();
}

}  // namespace

std::vector<std::string> ignored_by(std::string_view comment) {
  std::vector<std::string> ids;
  const auto marker = comment.find(kMarker);
  if (marker == std::string_view::npos) return ids;
  auto rest = comment.substr(marker + kMarker.size());
  // Ids, separated by commas or blanks, up to the first word that is none: there the reason begins.
  while (true) {
    const auto begin = rest.find_first_not_of(" \t,:");
    if (begin == std::string_view::npos) return ids;
    rest.remove_prefix(begin);
    const auto word = rest.substr(0, rest.find_first_of(" \t,:"));
    if (!is_rule_id(word)) return ids;
    ids.push_back("GK" + std::string(word.substr(2)));
    rest.remove_prefix(word.size());
  }
}

bool is_ignored(const Document& document, std::string_view rule, int line) {
  const int first_key = document.positions.locate(FieldPath{}).line;
  int above = line - 1;
  for (auto comment = document.comments.rbegin(); comment != document.comments.rend(); ++comment) {
    if (!comment->own_line) {
      if (comment->line == line && names(*comment, rule)) return true;
      continue;
    }
    const bool of_document = comment->line < first_key;
    const bool directly_above = comment->line == above;
    if (directly_above) --above;
    if ((of_document || directly_above) && names(*comment, rule)) return true;
  }
  return false;
}

}  // namespace gracekeeper::cli
