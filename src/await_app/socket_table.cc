#include "await_app/socket_table.h"

#include <charconv>

namespace gracekeeper::await_app {
namespace {

// The next word of the text, which loses it; empty at the end.
std::string_view take_word(std::string_view& text) {
  const auto begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) {
    text = {};
    return {};
  }
  const auto end = text.find_first_of(" \t\n", begin);
  const auto word = text.substr(begin, end == std::string_view::npos ? end : end - begin);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  return word;
}

template <typename Number>
std::optional<Number> number(std::string_view word) {
  Number value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || word.empty() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

// The line that begins with `label` from `text` on, which is what follows it afterwards.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view label) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with(label)) return line.substr(label.size());
  }
  return std::nullopt;
}

}  // namespace

std::optional<Socket> parse_socket(std::string_view line) {
  const auto slot = take_word(line);
  if (slot.empty() || slot.back() != ':') return std::nullopt;
  for (int i = 0; i < 6; ++i) take_word(line);  // to `retrnsmt`
  const auto uid = number<std::uint32_t>(take_word(line));
  take_word(line);  // timeout
  const auto inode = number<std::uint64_t>(take_word(line));
  if (!uid || !inode) return std::nullopt;
  return Socket{.uid = *uid, .inode = *inode};
}

std::optional<ConnectCounts> parse_connect_counts(std::string_view snmp) {
  auto names = take_line(snmp, "Tcp:");
  auto values = take_line(snmp, "Tcp:");
  if (!names || !values) return std::nullopt;
  std::optional<std::uint64_t> begun;
  std::optional<std::uint64_t> accepted;
  while (!begun || !accepted) {
    const auto name = take_word(*names);
    const auto value = take_word(*values);
    if (name.empty() || value.empty()) return std::nullopt;
    if (name == "ActiveOpens") begun = number<std::uint64_t>(value);
    if (name == "PassiveOpens") accepted = number<std::uint64_t>(value);
  }
  return ConnectCounts{.begun = *begun, .accepted = *accepted};
}

}  // namespace gracekeeper::await_app
