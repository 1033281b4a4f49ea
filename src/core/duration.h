// Durations as the three worlds around a pod write them.
//
//   Go (Linkerd's annotations)                     "1m30s" "1.5h" "250ms"   parse_go_duration
//   whole seconds (Linkerd's wait)                 "20"                     parse_whole_seconds
//   either of the two (this project's settings)    "25s" "25"               parse_duration
//   the proxy's own environment                    "120s" "25000ms"         parse_proxy_duration
//
// All times inside the program are whole milliseconds; a finer Go duration is truncated. Values
// beyond kLongest (31 million years) are held at it, so that sums cannot overflow.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace gracekeeper {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

inline constexpr Millis kLongest{1'000'000'000'000'000'000};

// Go's time.ParseDuration (go/src/time/format.go): optional sign, then one or more decimal numbers
// each with a unit out of ns, us, µs, ms, s, m, h; "0" alone needs none; overflow beyond int64
// nanoseconds (about 292 years) is an error. The error says what was wrong and what to write.
Result<std::chrono::nanoseconds> parse_go_duration(std::string_view text);

// Go's strconv.ParseUint(text, 10, 64), which is what Linkerd reads its wait with: digits only, no
// sign, no unit, no blanks. The error names the spelling that works ("30s" -> "30").
Result<Seconds> parse_whole_seconds(std::string_view text);

// Digits alone are seconds, anything else a Go duration; never negative.
Result<Millis> parse_duration(std::string_view text);

// As parse_duration, but a whole number of seconds ("5s", "5", "1m"; not "1500ms").
Result<Seconds> parse_duration_in_seconds(std::string_view text);

// linkerd2-proxy's own syntax for durations in its environment (linkerd/app/src/env.rs): digits and
// one of ms, s, m, h, d; zero needs no unit; blanks around are allowed.
Result<Millis> parse_proxy_duration(std::string_view text);

// The argument of sleep(1): a decimal number with an optional suffix s, m, h or d.
Result<Millis> parse_sleep_argument(std::string_view text);

// A duration in seconds as a person writes it, at most three decimals: "15", "0.7", "1.005".
std::string format_seconds(Millis duration);

// The shortest Go duration in whole units: "25s", "1500ms".
std::string format_duration(Millis duration);

// Whole seconds, rounded up.
constexpr std::int64_t ceil_seconds(Millis duration) {
  return (duration.count() + (duration.count() > 0 ? 999 : 0)) / 1000;
}

// Seconds as milliseconds, held at kLongest (and at zero from below).
constexpr Millis from_seconds(std::int64_t seconds) {
  if (seconds <= 0) return Millis{0};
  return seconds > kLongest.count() / 1000 ? kLongest : Millis{seconds * 1000};
}

// What Linkerd's injector writes for a Go duration: int(duration.Seconds() * 1000), in floating
// point, so that "1.001s" becomes 1000 (linkerd2 pkg/inject).
std::int64_t linkerd_milliseconds(std::chrono::nanoseconds duration);
// The same for times that may be longer than nanoseconds can count.
std::int64_t linkerd_milliseconds(Millis duration);

}  // namespace gracekeeper
