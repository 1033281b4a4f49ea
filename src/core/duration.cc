#include "core/duration.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <optional>

namespace gracekeeper {
namespace {

constexpr std::uint64_t kGoLimit = std::uint64_t{1} << 63U;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};
constexpr std::array<Unit, 8> kGoUnits{{{"ns", 1},
                                        {"us", 1'000},
                                        {"\u00b5s", 1'000},  // micro sign
                                        {"\u03bcs", 1'000},  // Greek mu
                                        {"ms", 1'000'000},
                                        {"s", 1'000'000'000},
                                        {"m", 60'000'000'000},
                                        {"h", 3'600'000'000'000}}};

std::string in_quotes(std::string_view text) { return fmt::format("\"{}\"", text); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Of digits alone; nothing beyond 64 bits.
std::optional<std::uint64_t> unsigned_number(std::string_view digits) {
  std::uint64_t value = 0;
  for (char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    if (value > most / 10 || value * 10 > most - digit) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

// Digits at the front of `text`, removed from it. nullopt on overflow beyond 2^63.
std::optional<std::uint64_t> take_integer(std::string_view& text) {
  std::uint64_t value = 0;
  while (!text.empty() && is_digit(text.front())) {
    if (value > kGoLimit / 10) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(text.front() - '0');
    if (value > kGoLimit) return std::nullopt;
    text.remove_prefix(1);
  }
  return value;
}

struct Fraction {
  std::uint64_t digits = 0;
  double scale = 1;
};

// The digits after the point; what no longer fits into 63 bits is dropped, as Go does.
Fraction take_fraction(std::string_view& text) {
  Fraction fraction;
  bool overflow = false;
  while (!text.empty() && is_digit(text.front())) {
    if (!overflow) {
      const auto digit = static_cast<std::uint64_t>(text.front() - '0');
      if (fraction.digits > (kGoLimit - 1) / 10 || fraction.digits * 10 + digit > kGoLimit) {
        overflow = true;
      } else {
        fraction.digits = fraction.digits * 10 + digit;
        fraction.scale *= 10;
      }
    }
    text.remove_prefix(1);
  }
  return fraction;
}

std::string without_blanks(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return c != ' ' && c != '\t'; });
  return out;
}

// "12", "1.5" and a unit's factor in milliseconds; held at kLongest.
std::optional<Millis> decimal_times(std::string_view number, std::int64_t unit_milliseconds) {
  const auto point = number.find('.');
  const auto whole_text = number.substr(0, point);
  const auto fraction_text =
      point == std::string_view::npos ? std::string_view{} : number.substr(point + 1);
  if (whole_text.empty() && fraction_text.empty()) return std::nullopt;
  if (!std::all_of(whole_text.begin(), whole_text.end(), is_digit)) return std::nullopt;
  if (!std::all_of(fraction_text.begin(), fraction_text.end(), is_digit)) return std::nullopt;
  const std::int64_t most = kLongest.count() / unit_milliseconds;
  std::int64_t whole = 0;
  for (char c : whole_text) {
    if (whole > (most - 9) / 10) return kLongest;
    whole = whole * 10 + (c - '0');
  }
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
  // Nine digits decide every millisecond of a day.
  for (char c : fraction_text.substr(0, 9)) {
    numerator = numerator * 10 + (c - '0');
    denominator *= 10;
  }
  return Millis{whole * unit_milliseconds + numerator * unit_milliseconds / denominator};
}

}  // namespace

Result<std::chrono::nanoseconds> parse_go_duration(std::string_view text) {
  std::string_view rest = text;
  const auto invalid = [&](std::string_view what) {
    return fail(fmt::format("{} is not a duration: {}", in_quotes(text), what));
  };
  // Without its blanks it may be what was meant.
  if (auto bare = without_blanks(text); bare != text) {
    if (all_digits(bare)) bare += 's';
    if (parse_go_duration(bare)) {
      return invalid(fmt::format("remove the blanks: write \"{}\"", bare));
    }
  }
  if (rest.empty()) return invalid("write a number with a unit, such as \"30s\"");
  bool negative = false;
  if (rest.front() == '-' || rest.front() == '+') {
    negative = rest.front() == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return std::chrono::nanoseconds{0};
  if (rest.empty()) return invalid("write a number with a unit, such as \"30s\"");
  constexpr std::string_view too_long = "it is longer than a duration can be (about 292 years)";
  if (all_digits(rest)) {
    // Nothing that is read here may be negative: the sign is what is wrong, not the unit.
    if (negative) return invalid("it cannot be negative");
    const auto with_unit = fmt::format("{}s", rest);
    if (!parse_go_duration(with_unit)) return invalid(too_long);
    return invalid(
        fmt::format("a duration needs a unit: write {} for seconds", in_quotes(with_unit)));
  }

  std::uint64_t total = 0;
  while (!rest.empty()) {
    if (rest.front() != '.' && !is_digit(rest.front())) {
      return invalid("write numbers with units, such as \"1m30s\"");
    }
    const auto before = rest.size();
    const auto whole = take_integer(rest);
    if (!whole) return invalid(too_long);
    bool digits = rest.size() != before;
    Fraction fraction;
    if (!rest.empty() && rest.front() == '.') {
      rest.remove_prefix(1);
      const auto fraction_before = rest.size();
      fraction = take_fraction(rest);
      digits = digits || rest.size() != fraction_before;
    }
    if (!digits) return invalid("write numbers with units, such as \"1m30s\"");
    std::size_t length = 0;
    while (length < rest.size() && rest[length] != '.' && !is_digit(rest[length])) ++length;
    if (length == 0) return invalid("its last number has no unit; the units are ms, s, m and h");
    const auto name = rest.substr(0, length);
    const auto* unit = std::find_if(kGoUnits.begin(), kGoUnits.end(),
                                    [&](const Unit& candidate) { return candidate.name == name; });
    if (unit == kGoUnits.end()) {
      return invalid(
          fmt::format("the unit {} is unknown; the units are ms, s, m and h", in_quotes(name)));
    }
    rest.remove_prefix(length);
    if (*whole > kGoLimit / unit->nanoseconds) return invalid(too_long);
    std::uint64_t value = *whole * unit->nanoseconds;
    if (fraction.digits > 0) {
      value +=
          static_cast<std::uint64_t>(static_cast<double>(fraction.digits) *
                                     (static_cast<double>(unit->nanoseconds) / fraction.scale));
      if (value > kGoLimit) return invalid(too_long);
    }
    total += value;
    if (total > kGoLimit) return invalid(too_long);
  }
  if (negative) {
    if (total == kGoLimit) {
      return std::chrono::nanoseconds{std::numeric_limits<std::int64_t>::min()};
    }
    return std::chrono::nanoseconds{-static_cast<std::int64_t>(total)};
  }
  if (total > kGoLimit - 1) return invalid(too_long);
  return std::chrono::nanoseconds{static_cast<std::int64_t>(total)};
}

Result<Seconds> parse_whole_seconds(std::string_view text) {
  const auto invalid = [&](std::string_view what) {
    return fail(fmt::format("{} is not a whole number of seconds: {}", in_quotes(text), what));
  };
  constexpr std::string_view too_large = "it is larger than 18446744073709551615";
  if (all_digits(text)) {
    const auto value = unsigned_number(text);
    if (!value) return invalid(too_large);
    constexpr auto longest = static_cast<std::uint64_t>(kLongest.count() / 1000);
    return Seconds{static_cast<std::int64_t>(std::min(*value, longest))};
  }
  if (text.empty()) return invalid("it is empty; write digits, such as \"30\"");
  if (const auto bare = trimmed(text); all_digits(bare)) {
    if (!unsigned_number(bare)) return invalid(too_large);
    return invalid(fmt::format("remove the blanks: write {}", in_quotes(bare)));
  }
  if (const auto bare = text.substr(1); text.front() == '+' && all_digits(bare)) {
    if (!unsigned_number(bare)) return invalid(too_large);
    return invalid(fmt::format("write it without a sign: {}", in_quotes(bare)));
  }
  if (text.front() == '-') return invalid("it cannot be negative");
  if (const auto duration = parse_go_duration(text)) {
    const auto seconds = ceil_seconds(std::chrono::duration_cast<Millis>(*duration));
    return invalid(fmt::format("write it without a unit: \"{}\"", seconds));
  }
  if (const auto number = decimal_times(text, 1000)) {
    return invalid(fmt::format("fractions are not taken: write \"{}\"", ceil_seconds(*number)));
  }
  return invalid("write digits only, such as \"30\"");
}

namespace {

Result<std::chrono::nanoseconds> parse_positive_duration(std::string_view text) {
  if (text.empty()) return fail("\"\" is not a duration: it is empty; write \"25s\" or \"25\"");
  auto parsed = parse_go_duration(text);
  // Without its blanks it may still be none that is taken here: then blanks are not the advice.
  const auto meant = parsed ? parsed : parse_go_duration(without_blanks(text));
  if (meant && meant->count() < 0)
    return fail(fmt::format("{} is not a duration: it cannot be negative", in_quotes(text)));
  return parsed;
}

// Rounded up, but for the longest durations, which have no next second: these are rounded down.
std::int64_t rounded_to_seconds(std::chrono::nanoseconds duration) {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / second;
  const auto whole = duration.count() / second;
  return whole < most && duration.count() % second > 0 ? whole + 1 : whole;
}

bool is_whole_seconds(std::chrono::nanoseconds duration) {
  return duration.count() % 1'000'000'000 == 0;
}

}  // namespace

Result<Millis> parse_duration(std::string_view text) {
  if (all_digits(text)) {
    return parse_whole_seconds(text).map([](Seconds s) { return from_seconds(s.count()); });
  }
  return parse_positive_duration(text).map(
      [](std::chrono::nanoseconds exact) { return std::chrono::duration_cast<Millis>(exact); });
}

Result<Seconds> parse_duration_in_seconds(std::string_view text) {
  if (all_digits(text)) return parse_whole_seconds(text);
  const auto parsed = parse_positive_duration(text);
  const auto meant = parsed ? parsed : parse_positive_duration(without_blanks(text));
  if (meant && !is_whole_seconds(*meant)) {
    return fail(fmt::format("{} is not a whole number of seconds: write \"{}s\"", in_quotes(text),
                            rounded_to_seconds(*meant)));
  }
  if (!parsed) return tl::make_unexpected(parsed.error());
  return std::chrono::duration_cast<Seconds>(*parsed);
}

Result<Millis> parse_proxy_duration(std::string_view text) {
  const auto invalid = [&] {
    return fail(
        fmt::format("{} is not a duration that the proxy takes: write digits and one of ms, s, m, "
                    "h, d, such as \"120s\"",
                    in_quotes(text)));
  };
  const auto bare = trimmed(text);
  std::size_t digits = 0;
  while (digits < bare.size() && is_digit(bare[digits])) ++digits;
  if (digits == 0) return invalid();
  const auto number = bare.substr(0, digits);
  const auto unit = bare.substr(digits);
  const bool is_zero = number.find_first_not_of('0') == std::string_view::npos;
  if (unit.empty() && is_zero) return Millis{0};
  std::int64_t factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s") factor = 1'000;
  if (unit == "m") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  if (unit == "d") factor = 86'400'000;
  if (factor == 0) return invalid();
  return *decimal_times(number, factor);
}

Result<Millis> parse_sleep_argument(std::string_view text) {
  auto number = text;
  std::int64_t factor = 1'000;
  if (!number.empty()) {
    switch (number.back()) {
      case 's':
        number.remove_suffix(1);
        break;
      case 'm':
        factor = 60'000;
        number.remove_suffix(1);
        break;
      case 'h':
        factor = 3'600'000;
        number.remove_suffix(1);
        break;
      case 'd':
        factor = 86'400'000;
        number.remove_suffix(1);
        break;
      default:
        break;
    }
  }
  if (const auto value = decimal_times(number, factor)) return *value;
  return fail(
      fmt::format("{} is not an argument of sleep: write a number of seconds", in_quotes(text)));
}

std::string format_seconds(Millis duration) {
  const auto count = duration.count();
  auto text = fmt::format("{}{}", count < 0 ? "-" : "", std::abs(count) / 1000);
  if (const auto fraction = std::abs(count) % 1000; fraction != 0) {
    text += fmt::format(".{:03}", fraction);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text;
}

std::string format_duration(Millis duration) {
  if (duration.count() % 1000 == 0) return fmt::format("{}s", duration.count() / 1000);
  return fmt::format("{}ms", duration.count());
}

namespace {

std::int64_t in_floating_point(std::int64_t whole_seconds, std::int64_t nanoseconds) {
  const double seconds =
      static_cast<double>(whole_seconds) + static_cast<double>(nanoseconds) / 1e9;
  return static_cast<std::int64_t>(seconds * 1000);
}

}  // namespace

std::int64_t linkerd_milliseconds(std::chrono::nanoseconds duration) {
  return in_floating_point(duration.count() / 1'000'000'000, duration.count() % 1'000'000'000);
}

std::int64_t linkerd_milliseconds(Millis duration) {
  return in_floating_point(duration.count() / 1000, duration.count() % 1000 * 1'000'000);
}

}  // namespace gracekeeper
