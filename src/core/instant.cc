#include "core/instant.h"

#include <cstdint>
#include <fmt/format.h>

namespace gracekeeper {
namespace {

using namespace std::chrono;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // Exactly so many digits.
  int number(std::size_t digits) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const char c = next();
      if (c < '0' || c > '9') ok_ = false;
      value = value * 10 + (c - '0');
    }
    return ok_ ? value : 0;
  }
  void expect(char c) { ok_ = next() == c && ok_; }
  char next() { return text_.empty() ? (ok_ = false, '\0') : take(); }
  [[nodiscard]] char peek() const { return text_.empty() ? '\0' : text_.front(); }
  [[nodiscard]] bool is_done() const { return ok_ && text_.empty(); }

  // ".123456": milliseconds; what is finer is passed over.
  Millis fraction() {
    if (peek() != '.') return Millis{0};
    take();
    std::int64_t value = 0;
    int digits = 0;
    for (; peek() >= '0' && peek() <= '9'; ++digits) {
      const char c = take();
      if (digits < 3) value = value * 10 + (c - '0');
    }
    if (digits == 0) ok_ = false;
    for (; digits < 3; ++digits) value *= 10;
    return Millis{value};
  }

 private:
  char take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }

  std::string_view text_;
  bool ok_ = true;
};

}  // namespace

std::optional<Instant> parse_instant(std::string_view text) {
  Reader in(text);
  const int y = in.number(4);
  in.expect('-');
  const int m = in.number(2);
  in.expect('-');
  const int d = in.number(2);
  in.expect('T');
  const int hour = in.number(2);
  in.expect(':');
  const int minute = in.number(2);
  in.expect(':');
  const int second = in.number(2);
  const Millis fraction = in.fraction();
  minutes offset{0};
  const char zone = in.next();
  if (zone == '+' || zone == '-') {
    offset = hours{in.number(2)};
    in.expect(':');
    offset += minutes{in.number(2)};
    if (zone == '-') offset = -offset;
  } else if (zone != 'Z') {
    return std::nullopt;
  }
  const year_month_day date{year{y}, month{static_cast<unsigned>(m)},
                            day{static_cast<unsigned>(d)}};
  if (!in.is_done() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return sys_days{date} + hours{hour} + minutes{minute} + seconds{second} + fraction - offset;
}

std::string format_time_of_day(Instant time) {
  const hh_mm_ss clock{floor<seconds>(time - floor<days>(time))};
  return fmt::format("{:02}:{:02}:{:02}Z", clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

std::string format_instant(Instant time) {
  const year_month_day date{floor<days>(time)};
  auto clock = format_time_of_day(time);
  if (const auto rest = (time - floor<seconds>(time)).count(); rest > 0) {
    clock.pop_back();
    clock += fmt::format(".{:03}Z", rest);
  }
  return fmt::format("{:04}-{:02}-{:02}T{}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock);
}

}  // namespace gracekeeper
