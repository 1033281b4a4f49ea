#include "core/pod.h"

#include <array>

namespace gracekeeper {
namespace {

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Without the line breaks at its end; one before that ends a command of the shell.
std::string_view without_last_breaks(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return text;
}

// The words of a text, split at blanks.
std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    while (begin < text.size() && is_blank(text[begin])) ++begin;
    std::size_t end = begin;
    while (end < text.size() && !is_blank(text[end])) ++end;
    if (end > begin) out.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

std::optional<Millis> sleep_argument(std::string_view text) {
  if (auto parsed = parse_sleep_argument(text)) return *parsed;
  return std::nullopt;
}

}  // namespace

std::optional<Millis> known_sleep(const std::vector<std::string>& command) {
  if (command.size() == 2 && base_name(command[0]) == "sleep") return sleep_argument(command[1]);
  if (command.size() == 3 && command[1] == "-c") {
    constexpr std::array<std::string_view, 4> shells{"sh", "bash", "ash", "dash"};
    for (auto shell : shells) {
      if (base_name(command[0]) != shell) continue;
      auto parts = words(without_last_breaks(command[2]));
      if (!parts.empty() && parts.front() == "exec") parts.erase(parts.begin());
      if (parts.size() == 2 && parts[0] == "sleep") return sleep_argument(parts[1]);
    }
  }
  return std::nullopt;
}

std::optional<Millis> known_app_wait(const std::vector<std::string>& command) {
  if (command.empty() || base_name(command[0]) != kAwaitAppProgram) return std::nullopt;
  for (std::size_t i = 1; i + 1 < command.size(); ++i) {
    if (command[i] != "--timeout") continue;
    const auto parsed = parse_duration(command[i + 1]);
    return parsed ? std::optional(*parsed) : std::nullopt;
  }
  return std::nullopt;
}

const Container* Pod::find_container(std::string_view container_name) const {
  for (const auto* list : {&containers, &init_containers}) {
    for (const auto& container : *list) {
      if (container.name == container_name) return &container;
    }
  }
  return nullptr;
}

}  // namespace gracekeeper
