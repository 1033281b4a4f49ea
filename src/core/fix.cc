#include "core/fix.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "core/annotation_text.h"
#include "core/annotations.h"
#include "core/duration.h"
#include "core/settings.h"

namespace gracekeeper {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string without_blanks(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  return out;
}

bool is_native_key(std::string_view key) {
  return key == annotation::kNative || key == annotation::kNativeBeta ||
         key == annotation::kNativeAlpha;
}

// "1 0" is not 10: digits must stand together.
bool joins_digits(std::string_view text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (!all_digits(text.substr(i, 1)) || (text[i + 1] != ' ' && text[i + 1] != '\t')) continue;
    const auto next = text.find_first_not_of(" \t", i + 1);
    if (next != std::string_view::npos && all_digits(text.substr(next, 1))) return true;
  }
  return false;
}

std::optional<std::string> right_wait(const std::string& bare) {
  if (parse_whole_seconds(bare)) return bare;
  const auto duration = parse_go_duration(bare);
  if (!duration || duration->count() < 0) return std::nullopt;
  const auto seconds = std::chrono::floor<Seconds>(*duration);
  if (seconds != *duration) return std::nullopt;
  return std::to_string(seconds.count());
}

std::optional<std::string> right_grace(const std::string& bare) {
  const auto text = all_digits(bare) ? bare + "s" : bare;
  const auto parsed = parse_go_duration(text);
  return parsed && parsed->count() >= 0 ? std::optional(text) : std::nullopt;
}

}  // namespace

Fix below(const FieldPath& object, Fix fix) {
  std::visit(Overloaded{[&](SetField& set) { set.path = object / set.path; },
                        [&](RenameKey& rename) { rename.path = object / rename.path; },
                        [&](MoveMember& move) {
                          move.path = object / move.path;
                          move.mapping = object / move.mapping;
                        },
                        [](auto&) {}},
             fix);
  return fix;
}

std::string describe(const Fix& fix) {
  return std::visit(
      Overloaded{[](const SetField& set) {
                   const auto* number = std::get_if<std::int64_t>(&set.value);
                   return fmt::format(
                       "set {} to {}", to_string(set.path),
                       number != nullptr ? std::to_string(*number)
                                         : fmt::format("\"{}\"", std::get<std::string>(set.value)));
                 },
                 [](const RenameKey& rename) {
                   return fmt::format("renamed {} to {}", to_string(rename.path), rename.key);
                 },
                 [](const MoveMember& move) {
                   return fmt::format("moved {} to {}", to_string(move.path),
                                      to_string(move.mapping));
                 },
                 [](const auto&) { return std::string(); }},
      fix);
}

std::optional<std::string> right_spelling(std::string_view key, std::string_view text,
                                          bool is_string) {
  if (is_native_key(key)) {
    const bool as_text = !is_string && parse_go_bool(text);
    return as_text ? std::optional(std::string(text)) : std::nullopt;
  }
  if (joins_digits(text)) return std::nullopt;
  auto bare = without_blanks(text);
  if (bare.starts_with('+')) bare.erase(0, 1);

  std::optional<std::string> right;
  if (key == annotation::kWait) right = right_wait(bare);
  if (key == annotation::kGrace) right = right_grace(bare);
  if (key == annotation::kAppShutdown && parse_duration(bare)) right = bare;
  if (key == annotation::kAppPrestopSleep && parse_duration_in_seconds(bare)) right = bare;
  const bool changes = !is_string || right != text;
  return changes ? right : std::nullopt;
}

}  // namespace gracekeeper
