// Durations on the command line: "30s", "500ms", "30" (seconds).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace gracekeeper::await_app {

// Nothing when it is none of these, or longer than a day a thousand times.
std::optional<std::chrono::milliseconds> parse_duration_argument(std::string_view text);

}  // namespace gracekeeper::await_app
