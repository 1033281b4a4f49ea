#include "await_app/duration_argument.h"

#include <charconv>
#include <cstdint>

namespace gracekeeper::await_app {

std::optional<std::chrono::milliseconds> parse_duration_argument(std::string_view text) {
  constexpr std::int64_t longest = std::int64_t{1'000} * 86'400 * 1'000;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0 || value > longest) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit == "ms") return std::chrono::milliseconds{value};
  if ((unit == "s" || unit.empty()) && value <= longest / 1'000)
    return std::chrono::milliseconds{value * 1'000};
  return std::nullopt;
}

}  // namespace gracekeeper::await_app
