// Moments as the API server writes them: RFC 3339.
//
//   parse_instant("2026-01-31T12:00:05Z")          metav1.Time, whole seconds (truncated)
//   parse_instant("2026-01-31T12:00:05.123456Z")   metav1.MicroTime; finer than ms is truncated
//   format_time_of_day(t)                          "12:00:05Z"
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/duration.h"

namespace gracekeeper {

using Instant = std::chrono::sys_time<Millis>;

// An offset ("+02:00") is taken into account. Nothing: it is no such time.
std::optional<Instant> parse_instant(std::string_view text);

// "2026-01-31T12:00:05Z", with milliseconds where there are any.
std::string format_instant(Instant time);
// Without the date, to whole seconds.
std::string format_time_of_day(Instant time);

}  // namespace gracekeeper
