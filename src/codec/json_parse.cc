#include "codec/json_parse.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

namespace gracekeeper::json {
namespace {

template <typename Integer>
bool fits(std::string_view digits) {
  Integer value = 0;
  return std::from_chars(digits.data(), digits.data() + digits.size(), value).ec == std::errc{};
}

// Each integer beyond 64 bits with an exponent of 0, which makes it a double; nothing: there is
// none. What is no JSON stays no JSON.
std::optional<std::string> with_doubles(std::string_view text) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\') ++at;
      }
      ++at;
      continue;
    }
    const auto end = std::min(text.find_first_not_of("+-.0123456789Ee", at), text.size());
    const auto number = text.substr(at, end - at);
    at = std::max(end, at + 1);
    if (number.empty() || number.find_first_of("+.Ee") != std::string_view::npos) continue;
    if (fits<std::int64_t>(number) || fits<std::uint64_t>(number)) continue;
    out.append(text, copied, end - copied);
    out += "e0";
    copied = end;
  }
  if (copied == 0) return std::nullopt;
  return out.append(text, copied);
}

}  // namespace

simdjson::error_code parse(simdjson::dom::parser& parser, std::string_view text,
                           simdjson::dom::element& root) {
  const auto error = parser.parse(text.data(), text.size()).get(root);
  // Newer versions of simdjson have an error of its own for it. Looked for after an error only:
  // hardly any document has one.
  if (error == simdjson::SUCCESS) return error;
  const auto readable = with_doubles(text);
  return readable ? parser.parse(*readable).get(root) : error;
}

}  // namespace gracekeeper::json
