#include "cli/ignore_comments.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/edit_distance.h"
#include "rules/rule.h"

namespace gracekeeper::cli {
namespace {

constexpr std::string_view kMarker = "gracekeeper:ignore";

std::string in_capitals(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

// "GK001", and what somebody may write for it: "gk01", "GKO10" (with the letter), "GK-010".
bool is_meant_as_id(std::string_view word) {
  const auto capitals = in_capitals(word);
  return capitals.starts_with("GK") && capitals.find_first_of("0123456789") != std::string::npos &&
         capitals.find_first_not_of("0123456789O-_", 2) == std::string::npos;
}

const Rule* rule_called(std::string_view name) {
  const auto rules = all_rules();
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return rule.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

// The words that stand for rules, separated by commas or blanks, up to the first that does not:
// there the reason begins.
std::vector<std::string_view> words_for_rules(std::string_view comment) {
  std::vector<std::string_view> words;
  const auto marker = comment.find(kMarker);
  if (marker == std::string_view::npos) return words;
  auto rest = comment.substr(marker + kMarker.size());
  while (true) {
    const auto begin = rest.find_first_not_of(" \t,:");
    if (begin == std::string_view::npos) return words;
    rest.remove_prefix(begin);
    const auto word = rest.substr(0, rest.find_first_of(" \t,:"));
    if (!is_meant_as_id(word) && rule_called(word) == nullptr) return words;
    words.push_back(word);
    rest.remove_prefix(word.size());
  }
}

bool names(const Comment& comment, std::string_view rule) {
  const auto ids = ignored_by(comment.text);
  return std::find(ids.begin(), ids.end(), rule) != ids.end();
}

// The id that was meant; "" where that is a guess.
std::string_view meant_by(std::string_view word) {
  if (const auto* rule = rule_called(word)) return rule->id;
  std::vector<std::string_view> ids;
  for (const auto& rule : all_rules()) ids.push_back(rule.id);
  return nearest(in_capitals(word), ids);
}

std::string what_is_wrong(std::string_view word) {
  const auto meant = meant_by(word);
  return fmt::format("{}: there is no rule \"{}\"{}", kMarker, word,
                     meant.empty() ? fmt::format(": the rules are {} to {}", all_rules().front().id,
                                                 all_rules().back().id)
                                   : fmt::format("; did you mean {}?", meant));
}

}  // namespace

std::vector<std::string> ignored_by(std::string_view comment) {
  std::vector<std::string> ids;
  for (const auto word : words_for_rules(comment)) {
    if (auto id = in_capitals(word); find_rule(id) != nullptr) ids.push_back(std::move(id));
  }
  return ids;
}

std::vector<Error> find_unknown_rules(const Document& document, const std::string& file) {
  std::vector<Error> notes;
  for (const auto& comment : document.comments) {
    for (const auto word : words_for_rules(comment.text)) {
      if (find_rule(in_capitals(word)) != nullptr) continue;
      notes.push_back({.message = what_is_wrong(word),
                       .file = file,
                       .position = {.line = comment.line, .column = 0},
                       .path = {}});
    }
  }
  return notes;
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
