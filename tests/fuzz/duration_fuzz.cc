// Durations, sleep arguments, quantities, versions and Go's numbers: texts that people write in
// annotations, hooks and values.
//
// Held to: an own reading of each syntax, in arithmetic that cannot overflow (reference.h); what is
// written reads back; a message that says `write "X"` names an X that works.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "codec/yaml_scalar.h"
#include "core/annotation_text.h"
#include "core/base64.h"
#include "core/duration.h"
#include "core/kubernetes_version.h"
#include "core/settings.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzzers.h"
#include "fuzz/reference.h"
#include "sidecar/scalars.h"

namespace gracekeeper::fuzz {
namespace {

std::string about(std::string_view text, const char* what) {
  return std::string(what) + ": \"" + std::string(text) + '"';
}

// The X of the `write "X"` that follows the quoted text itself.
std::optional<std::string> suggestion(std::string_view text, std::string_view message) {
  constexpr std::string_view writes = "write \"";
  const bool is_quoted_first = message.starts_with('"' + std::string(text) + '"');
  if (!is_quoted_first || text.find("write") != std::string_view::npos) return std::nullopt;
  const auto after_text = text.size() + 2;
  const auto begin = message.find(writes, after_text);
  if (begin == std::string_view::npos) return std::nullopt;
  const auto rest = message.substr(begin + writes.size());
  return std::string(rest.substr(0, rest.find('"')));
}

template <typename Parse>
void check_suggestion(std::string_view text, const Parse& parse) {
  const auto parsed = parse(text);
  if (parsed) return;
  if (const auto better = suggestion(text, parsed.error().message))
    require(parse(*better).has_value(), [&] {
      return about(text, "what the message advises does not work") + ": " + parsed.error().message;
    });
}

void check_go_duration(std::string_view text) {
  const auto parsed = parse_go_duration(text);
  check_suggestion(text, parse_go_duration);
  const auto expected = reference::go_duration(text);
  require(parsed.has_value() == expected.has_value(),
          [&] { return about(text, parsed ? "is no Go duration" : "is a Go duration"); });
  if (parsed) {
    require(parsed->count() == *expected, [&] { return about(text, "another Go duration"); });
    const auto made = linkerd_milliseconds(*parsed);
    const auto exact = parsed->count() / 1'000'000;
    require(made <= exact + 1 && made >= exact - 1 - std::abs(exact) / 1'000'000'000'000,
            [&] { return about(text, "Linkerd's milliseconds are far off"); });
  }
}

void check_seconds(std::string_view text) {
  const auto parsed = parse_whole_seconds(text);
  check_suggestion(text, parse_whole_seconds);
  const auto expected = reference::unsigned_number(text);
  require(parsed.has_value() == expected.has_value(),
          [&] { return about(text, "Go's ParseUint"); });
  constexpr auto longest = static_cast<std::uint64_t>(kLongest.count() / 1000);
  if (parsed) {
    require(static_cast<std::uint64_t>(parsed->count()) == std::min(*expected, longest),
            [&] { return about(text, "another number of seconds"); });
  }
}

// Reads as the same again when it is written.
void check_written(Millis time) {
  require(time >= Millis{0} && time <= kLongest, "a time out of its bounds");
  const auto seconds = format_seconds(time);
  const auto as_sleep = parse_sleep_argument(seconds);
  require(as_sleep && *as_sleep == time, [&] { return about(seconds, "not what was written"); });
  const auto written = format_duration(time);
  const auto as_proxy = parse_proxy_duration(written);
  require(as_proxy && *as_proxy == time, [&] { return about(written, "not what was written"); });
  if (time <= Millis{9'223'372'036'854}) {
    const auto as_go = parse_duration(written);
    require(as_go && *as_go == time, [&] { return about(written, "not what was written"); });
  }
  require(from_seconds(ceil_seconds(time)) >= time, "rounding up gives less");
}

void check_time(std::string_view text) {
  check_suggestion(text, parse_duration);
  check_suggestion(text, parse_duration_in_seconds);
  const auto time = parse_duration(text);
  if (time) check_written(*time);
  if (const auto whole = parse_duration_in_seconds(text)) {
    require(time && *time == from_seconds(whole->count()),
            [&] { return about(text, "whole seconds are other seconds"); });
  }
  const auto proxy = parse_proxy_duration(text);
  require(proxy.has_value() == reference::proxy_duration(text).has_value(),
          [&] { return about(text, "the proxy's own syntax"); });
  if (proxy) {
    require(proxy->count() == *reference::proxy_duration(text),
            [&] { return about(text, "another duration of the proxy's"); });
    check_written(*proxy);
  }
  const auto sleep = parse_sleep_argument(text);
  const auto expected = reference::sleep_argument(text);
  require(sleep.has_value() == expected.has_value(),
          [&] { return about(text, "sleep's argument"); });
  if (sleep) {
    require(sleep->count() == *expected, [&] { return about(text, "another sleep"); });
    check_written(*sleep);
  }
}

void check_numbers(std::string_view text) {
  const auto whole = parse_go_int(text, 64);
  const auto expected = reference::signed_number(text);
  require(whole == expected, [&] { return about(text, "Go's ParseInt"); });
  const auto small = parse_go_int(text, 32);
  require(small.has_value() == (whole && *whole == static_cast<std::int32_t>(*whole)),
          [&] { return about(text, "Go's ParseInt, 32 bits"); });
  if (const auto number = parse_go_float(text)) {
    require(*number == std::strtod(std::string(text).c_str(), nullptr),
            [&] { return about(text, "another floating point number"); });
    require(parse_go_float(shortest(*number)) == number,
            [&] { return about(text, "not what was written"); });
  }
  if (const auto quantity = parse_quantity_rounded_up(text)) {
    constexpr std::int64_t most = 9'007'199'254'740'992;
    require(*quantity <= most && *quantity >= -most, [&] { return about(text, "out of bounds"); });
    // A quantity of a larger unit is not less.
    const auto kilo = parse_quantity_rounded_up(std::string(text) + 'k');
    if (kilo && *quantity > 0)
      require(*kilo >= *quantity, [&] { return about(text, "a thousand of them is less"); });
  }
  if (whole && std::abs(*whole / 2) < 4'000'000'000'000'000 && text.front() != '-')
    require(parse_quantity_rounded_up(text) == whole, [&] { return about(text, "a quantity"); });
}

void check_words(std::string_view text) {
  const auto version = parse_kubernetes_version(text);
  if (version) {
    require(parse_kubernetes_version(to_string(*version)) == version,
            [&] { return about(text, "not the version that was written"); });
  }
  if (const auto mode = parse_on_shortfall(text))
    require(to_string(*mode) == text, [&] { return about(text, "another mode"); });
  for (const auto& item : split_list(text)) {
    require(!item.empty() && item.find_first_of(",") == std::string::npos &&
                std::string_view(" \t\r\n").find(item.front()) == std::string_view::npos &&
                std::string_view(" \t\r\n").find(item.back()) == std::string_view::npos,
            [&] { return about(text, "an item of a list"); });
  }
  const auto snake = upper_snake_case(text);
  require(snake.size() <= 2 * text.size(), [&] { return about(text, "grows"); });
  const auto encoded = base64(text);
  require(decode_base64(encoded) == text, [&] { return about(text, "base64"); });
  if (const auto decoded = decode_base64(text)) {
    require(decoded->size() <= text.size(), [&] { return about(text, "base64 grows"); });
  }
}

}  // namespace

int duration_fuzz(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = Input(data, size).rest();
  check_go_duration(text);
  check_seconds(text);
  check_time(text);
  check_numbers(text);
  check_words(text);
  if (size >= 8)
    check_written(
        Millis{static_cast<std::int64_t>(Input(data, size).word() % (kLongest.count() + 1ULL))});
  return 0;
}

}  // namespace gracekeeper::fuzz
