#include "io/log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <fmt/format.h>
#include <iterator>
#include <spdlog/logger.h>
#include <unistd.h>
#include <utility>

#include "io/log_sink.h"

namespace gracekeeper::io {
namespace {

constexpr std::size_t kLongestText = 4096;  // bytes of a field
constexpr std::size_t kUsualLine = 512;

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// Length of the UTF-8 sequence at the front, 0 when there is none (overlong forms, surrogates and
// what is beyond U+10FFFF included; Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&byte](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool second = continues(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
    return second && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool second = continues(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    return second && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// Which bytes stand as they are, in JSON and for people.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t byte = 0x20; byte < 0x7f; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}();

// Escapes as JSON does, without the quotes. C1 controls too: terminals obey some of them.
void append_escaped(std::string& out, std::string_view text, bool quotes) {
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(),
                                      [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
    if (const auto run = static_cast<std::size_t>(end - text.begin()); run > 0) {
      out += text.substr(0, run);
      text.remove_prefix(run);
      continue;
    }
    const std::size_t length = sequence_length(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\r') {
      out += "\\r";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", byte);
    } else if (length == 2 && byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[1]));
    } else if (quotes && (byte == '"' || byte == '\\')) {
      out += '\\';
      out += text.front();
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
}

void append_in_quotes(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text, true);
  out += '"';
}

// For people: quoted only where the end would be unclear otherwise.
void append_plain(std::string& out, std::string_view text) {
  if (text.empty() || text.find_first_of(" \"=,[]\\") != std::string_view::npos)
    return append_in_quotes(out, text);
  append_escaped(out, text, false);
}

// What clients send ends up in the log: not all of it.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kLongestText) return text;
  std::size_t end = kLongestText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

void append_text(std::string& out, std::string_view whole, bool json) {
  const std::string_view text = shortened(whole);
  if (text.size() != whole.size())
    append_in_quotes(out, fmt::format("{}… ({} bytes)", text, whole.size()));
  else if (json)
    append_in_quotes(out, text);
  else
    append_plain(out, text);
}

void append_integer(std::string& out, std::integral auto number) {
  std::array<char, 24> digits{};
  out.append(digits.data(),
             std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append_value(std::string& out, const Field::Value& value, bool json) {
  std::visit(
      [&](const auto& v) {
        using V = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<V, std::string> || std::is_same_v<V, std::string_view>) {
          append_text(out, v, json);
        } else if constexpr (std::is_same_v<V, std::vector<std::string>>) {
          const auto begin = out.size();
          out += '[';
          for (const std::string& element : v) {
            if (out.size() > begin + 1) out += ',';
            if (out.size() > begin + 4 * kLongestText) {
              append_text(out, "…", json);
              break;
            }
            append_text(out, element, json);
          }
          out += ']';
        } else {
          if constexpr (std::is_same_v<V, double>) {
            // JSON has no word for these.
            if (!std::isfinite(v) && json) {
              out += "null";
              return;
            }
          }
          if constexpr (std::is_integral_v<V> && !std::is_same_v<V, bool>) {
            append_integer(out, v);
          } else {
            fmt::format_to(std::back_inserter(out), FMT_STRING("{}"), v);
          }
        }
      },
      value);
}

// "2025-03-01T12:00:00". Written once a second.
const std::string& second_text(std::time_t second) {
  thread_local std::time_t written = -1;
  thread_local std::string text;
  if (second != written || text.empty()) {
    std::tm parts{};
    gmtime_r(&second, &parts);
    text = fmt::format(FMT_STRING("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}"), parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    written = second;
  }
  return text;
}

void append_timestamp(std::string& out, LogTime time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(since - seconds).count();
  out += second_text(seconds.count());
  out += '.';
  for (const auto unit : {100, 10, 1}) out += static_cast<char>('0' + millis / unit % 10);
  out += 'Z';
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (name_of(level) == text) return level;
  }
  return std::nullopt;
}

std::string format_log_line(LogFormat format, LogTime time, LogLevel level,
                            std::string_view message, std::span<const Field> fields) {
  std::string out;
  out.reserve(kUsualLine);
  if (format == LogFormat::kJson) {
    out += R"({"time":")";
    append_timestamp(out, time);
    out += R"(","level":")";
    out += name_of(level);
    out += R"(","message":)";
    append_in_quotes(out, message);
    for (const Field& field : fields) {
      out += ",\"";
      out += field.key;  // a name that stands in the source
      out += "\":";
      append_value(out, field.value, true);
    }
    out += '}';
    return out;
  }
  std::string name(name_of(level));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  append_timestamp(out, time);
  fmt::format_to(std::back_inserter(out), FMT_STRING(" {:<7} "), name);
  append_escaped(out, message, false);
  for (const Field& field : fields) {
    out += ' ';
    append_plain(out, field.key);
    out += '=';
    append_value(out, field.value, false);
  }
  return out;
}

Log::Log(LogFormat format, LogLevel minimum) : Log(format, minimum, STDERR_FILENO) {}

Log::Log(LogFormat format, LogLevel minimum, int descriptor)
    : Log(format, minimum, std::make_shared<LogSink>(descriptor, [format](std::uint64_t lost) {
            return format_log_line(format, std::chrono::system_clock::now(), LogLevel::kWarning,
                                   "lines of this log are lost: nobody read them",
                                   std::vector<Field>{{"lines", lost}});
          })) {}

Log::Log(LogFormat format, LogLevel minimum, std::shared_ptr<spdlog::sinks::sink> sink)
    : format_(format),
      minimum_(minimum),
      sink_(std::dynamic_pointer_cast<LogSink>(sink)),
      at_once_(std::make_shared<spdlog::logger>("gracekeeper", sink)),
      kept_(std::make_shared<spdlog::logger>("gracekeeper", sink)) {
  for (const auto& logger : {at_once_, kept_}) {
    logger->set_pattern("%v", spdlog::pattern_time_type::utc);
    logger->set_level(spdlog::level::trace);
    // A full disk or a closed pipe must not fill standard error with reports about itself.
    logger->set_error_handler([](const std::string&) {});
  }
  at_once_->flush_on(spdlog::level::trace);
  kept_->flush_on(spdlog::level::off);
}

std::uint64_t Log::lost() const { return sink_ ? sink_->lost() : 0; }

void Log::write(LogLevel level, std::string_view message, std::span<const Field> fields) noexcept {
  put(*at_once_, level, message, fields);
}

void Log::keep(LogLevel level, std::string_view message, std::span<const Field> fields) noexcept {
  put(*kept_, level, message, fields);
}

void Log::flush() noexcept {
  if (!sink_ || sink_->keeps_lines()) kept_->flush();
}

void Log::put(spdlog::logger& logger, LogLevel level, std::string_view message,
              std::span<const Field> fields) noexcept {
  if (!writes(level)) return;
  try {
    const std::string line =
        format_log_line(format_, std::chrono::system_clock::now(), level, message, fields);
    logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {
    // Out of memory: the event is lost, its caller goes on.
  }
}

}  // namespace gracekeeper::io
