// One line per event, for machines (JSON) or for people (text), on standard error.
//
//   log.info("served", {{"path", "/mutate"}, {"allowed", true}, {"rules", rule_ids}, {"seconds",
//   0.0004}}); json
//   {"time":"2025-03-01T12:00:00.123Z","level":"info","message":"served","path":"/mutate","allowed":true,…}
//   text  2025-03-01T12:00:00.123Z INFO  served path=/mutate allowed=true rules=[GK001]
//   seconds=0.0004
//
// A line is always one line and valid UTF-8, whatever a client sent: control characters are
// escaped, bytes that are not UTF-8 become U+FFFD. Thread-safe; never throws, and never waits for
// whoever reads standard error (log_sink.h).
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace spdlog {
class logger;
namespace sinks {
class sink;
}
}  // namespace spdlog

namespace gracekeeper::io {

class LogSink;

enum class LogFormat { kJson, kText };
enum class LogLevel { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning", "error"; nothing for any other word.
std::optional<LogLevel> parse_log_level(std::string_view text);

// For the call that it is given to: its key, and a text that is not moved into it, are not copied.
struct Field {
  using Value = std::variant<std::string_view, std::string, std::int64_t, std::uint64_t, double,
                             bool, std::vector<std::string>>;

  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const std::string& text)
      : key(name), value(std::string_view(text)) {}
  Field(std::string_view name, std::string&& text) : key(name), value(std::move(text)) {}
  Field(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  Field(std::string_view name, bool truth) : key(name), value(truth) {}
  Field(std::string_view name, std::signed_integral auto number)
      : key(name), value(std::int64_t{number}) {}
  Field(std::string_view name,
        std::unsigned_integral auto number) requires(!std::same_as<decltype(number), bool>)
      : key(name), value(std::uint64_t{number}) {}
  Field(std::string_view name, double number) : key(name), value(number) {}
  Field(std::string_view name, std::vector<std::string> texts)
      : key(name), value(std::move(texts)) {}

  std::string_view key;
  Value value;
};

using LogTime = std::chrono::system_clock::time_point;

// The line without its end, as a pure function.
std::string format_log_line(LogFormat format, LogTime time, LogLevel level,
                            std::string_view message, std::span<const Field> fields);

class Log {
 public:
  // Writes to standard error.
  explicit Log(LogFormat format = LogFormat::kJson, LogLevel minimum = LogLevel::kInfo);
  // Writes to a descriptor.
  Log(LogFormat format, LogLevel minimum, int descriptor);
  // Writes to a sink of spdlog's instead.
  Log(LogFormat format, LogLevel minimum, std::shared_ptr<spdlog::sinks::sink> sink);

  bool writes(LogLevel level) const { return level >= minimum_; }
  // Lines that could not be written, because nobody read them or because of an error.
  std::uint64_t lost() const;

  void write(LogLevel level, std::string_view message, std::span<const Field> fields) noexcept;

  // For lines that come by the thousand: kept until flush(), the next line that is written at once
  // or until they are many, since writing each by itself takes as long as formatting it.
  void keep(LogLevel level, std::string_view message, std::span<const Field> fields) noexcept;
  // Writes what is kept, of all threads.
  void flush() noexcept;

  void debug(std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
    write(LogLevel::kDebug, message, {fields.begin(), fields.size()});
  }
  void info(std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
    write(LogLevel::kInfo, message, {fields.begin(), fields.size()});
  }
  void warning(std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
    write(LogLevel::kWarning, message, {fields.begin(), fields.size()});
  }
  void error(std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
    write(LogLevel::kError, message, {fields.begin(), fields.size()});
  }

 private:
  void put(spdlog::logger& logger, LogLevel level, std::string_view message,
           std::span<const Field> fields) noexcept;

  LogFormat format_;
  LogLevel minimum_;
  std::shared_ptr<LogSink> sink_;  // null when it is another one
  std::shared_ptr<spdlog::logger> at_once_;
  std::shared_ptr<spdlog::logger> kept_;  // of the same sink
};

}  // namespace gracekeeper::io
