#include "io/log.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/ostream_sink.h>
#include <sstream>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

#include "io/descriptor.h"

namespace gracekeeper::io {
namespace {

const LogTime kTime = LogTime(std::chrono::milliseconds(1'700'000'000'007));

std::string json(std::string_view message, const std::vector<Field>& fields = {}) {
  return format_log_line(LogFormat::kJson, kTime, LogLevel::kInfo, message, fields);
}
std::string text(std::string_view message, const std::vector<Field>& fields = {}) {
  return format_log_line(LogFormat::kText, kTime, LogLevel::kWarning, message, fields);
}

TEST(Log, WritesEveryTypeOfField) {
  const std::vector<Field> fields = {
      {"s", "x y"}, {"n", -3},   {"u", std::uint64_t{18446744073709551615U}},
      {"d", 0.25},  {"t", true}, {"l", std::vector<std::string>{"GK001", "a,b"}}};
  EXPECT_EQ(
      json("served", fields),
      R"({"time":"2023-11-14T22:13:20.007Z","level":"info","message":"served","s":"x y","n":-3,)"
      R"("u":18446744073709551615,"d":0.25,"t":true,"l":["GK001","a,b"]})");
  EXPECT_EQ(
      text("served", fields),
      "2023-11-14T22:13:20.007Z WARNING served s=\"x y\" n=-3 u=18446744073709551615 d=0.25 t=true "
      "l=[GK001,\"a,b\"]");
}

TEST(Log, NeverBreaksALine) {
  const struct {
    std::string written, as_json, as_text;
  } rows[] = {
      {"plain", R"("plain")", "plain"},
      {"", R"("")", R"("")"},
      {"a\nb\r\tc", R"("a\nb\r\tc")", R"(a\nb\r\tc)"},
      {std::string("\0\x1b[31m\x7f", 7), R"("\u0000\u001b[31m\u007f")",
       R"("\u0000\u001b[31m\u007f")"},
      {"\"quoted\\", R"("\"quoted\\")", R"("\"quoted\\")"},
      {"\xc2\x85", R"("\u0085")", R"(\u0085)"},
      {"grün \xe2\x82\xac \xf0\x9f\x90\x8b", "\"grün \xe2\x82\xac \xf0\x9f\x90\x8b\"",
       "\"grün \xe2\x82\xac \xf0\x9f\x90\x8b\""},
      {"\xff", "\"\xef\xbf\xbd\"", "\xef\xbf\xbd"},
      {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (const auto& row : rows) {
    const std::string line = json("m", {{"v", row.written}});
    EXPECT_EQ(line, R"({"time":"2023-11-14T22:13:20.007Z","level":"info","message":"m","v":)" +
                        row.as_json + "}");
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    EXPECT_EQ(text("m", {{"v", row.written}}),
              "2023-11-14T22:13:20.007Z WARNING m v=" + row.as_text);
  }
}

TEST(Log, HasNoWordForNumbersThatAreNone) {
  EXPECT_EQ(
      json("m", {{"d", std::nan("")}, {"i", std::numeric_limits<double>::infinity()}}),
      R"({"time":"2023-11-14T22:13:20.007Z","level":"info","message":"m","d":null,"i":null})");
}

TEST(Log, WritesLinesFromTheLevelOnAndWhole) {
  std::ostringstream stream;
  Log log(LogFormat::kJson, LogLevel::kInfo,
          std::make_shared<spdlog::sinks::ostream_sink_mt>(stream));
  log.debug("not this");
  log.error("{} braces are no format", {{"k", "{}"}});
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&log] {
      for (int j = 0; j < 200; ++j) log.info("line", {{"j", j}});
    });
  }
  for (auto& writer : writers) writer.join();
  std::istringstream lines(stream.str());
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    ++count;
    ASSERT_TRUE(nlohmann::json::accept(line)) << line;
    if (count == 1) {
      EXPECT_EQ(nlohmann::json::parse(line)["message"], "{} braces are no format");
    }
  }
  EXPECT_EQ(count, 801);
}

TEST(Log, DoesNotWaitForAReader) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  Log log(LogFormat::kJson, LogLevel::kInfo, writing.get());
  constexpr int kLines = 9000;
  const std::string text(1500,
                         'x');  // 13 MB of lines; some do not fit between two pages of the pipe
  for (int i = 0; i < kLines; ++i)
    log.info("line", {{"number", i}, {"text", text}, {"more", text}, {"most", text}});
  const auto lost = log.lost();
  EXPECT_GT(lost, kLines / 2U);
  EXPECT_LT(lost, std::uint64_t{kLines});

  ASSERT_EQ(::fcntl(reading.get(), F_SETFL, O_NONBLOCK), 0);
  std::string all;
  const auto read_all = [&] {
    std::array<char, 65536> piece{};
    ssize_t count = 0;
    while ((count = ::read(reading.get(), piece.data(), piece.size())) > 0)
      all.append(piece.data(), static_cast<std::size_t>(count));
  };
  read_all();
  log.info("after");
  read_all();
  EXPECT_EQ(log.lost(), lost);
  std::istringstream lines(all);
  std::string line;
  std::vector<nlohmann::json> read;
  while (std::getline(lines, line)) read.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(read.size(), kLines - lost + 2);
  for (std::size_t i = 0; i < kLines - lost; ++i) EXPECT_EQ(read[i]["number"], i);
  EXPECT_EQ(read[read.size() - 2]["message"], "lines of this log are lost: nobody read them");
  EXPECT_EQ(read[read.size() - 2]["lines"], lost);
  EXPECT_EQ(read.back()["message"], "after");
}

std::string content_of(int descriptor) {
  std::string all;
  std::array<char, 65536> piece{};
  ssize_t count = 0;
  while ((count = ::pread(descriptor, piece.data(), piece.size(), static_cast<off_t>(all.size()))) >
         0)
    all.append(piece.data(), static_cast<std::size_t>(count));
  return all;
}

std::vector<std::string> messages_in(const std::string& all) {
  std::vector<std::string> messages;
  std::istringstream lines(all);
  std::string line;
  while (std::getline(lines, line)) messages.push_back(nlohmann::json::parse(line)["message"]);
  return messages;
}

class KeptLines : public ::testing::Test {
 protected:
  void keep(std::string_view message) { log.keep(LogLevel::kInfo, message, {}); }
  std::vector<std::string> written() const { return messages_in(content_of(file.get())); }

  const Descriptor file{::memfd_create("log", MFD_CLOEXEC)};
  Log log{LogFormat::kJson, LogLevel::kInfo, file.get()};
};

TEST_F(KeptLines, AreWrittenTogetherWhenTheyAreFlushed) {
  keep("one");
  keep("two");
  EXPECT_EQ(written(), std::vector<std::string>{});
  log.flush();
  EXPECT_EQ(written(), (std::vector<std::string>{"one", "two"}));
  log.flush();
  EXPECT_EQ(written().size(), 2U) << "each once";
}

TEST_F(KeptLines, ComeBeforeALineThatIsWrittenAtOnce) {
  keep("one");
  log.info("two");
  EXPECT_EQ(written(), (std::vector<std::string>{"one", "two"}));
}

TEST_F(KeptLines, AreWrittenWhenTheyAreMany) {
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i)
    expected.push_back(fmt::format("line {} {}", i, std::string(50, 'x')));
  for (const auto& message : expected) keep(message);
  const auto before = written();
  EXPECT_GT(before.size(), 800U);
  EXPECT_LT(before.size(), 1000U);
  log.flush();
  EXPECT_EQ(written(), expected);
  EXPECT_EQ(log.lost(), 0U);
}

TEST_F(KeptLines, OfManyThreadsAreAllWritten) {
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([this] {
      for (int j = 0; j < 1000; ++j) {
        keep("line");
        if (j % 7 == 0) log.flush();
      }
    });
  }
  for (auto& writer : writers) writer.join();
  log.flush();
  EXPECT_EQ(written(), std::vector<std::string>(4000, "line"));
}

TEST(Log, DoesNotWaitForAReaderOfATerminal) {
  const Descriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(master);
  ASSERT_EQ(::grantpt(master.get()), 0);
  ASSERT_EQ(::unlockpt(master.get()), 0);
  std::array<char, 64> name{};
  ASSERT_EQ(::ptsname_r(master.get(), name.data(), name.size()), 0);
  const Descriptor terminal(::open(name.data(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal);
  Log log(LogFormat::kJson, LogLevel::kInfo, terminal.get());
  for (int i = 0; i < 200; ++i) log.info("line", {{"text", std::string(1000, 'x')}});
  EXPECT_GT(log.lost(), 100U);
  EXPECT_EQ(::fcntl(terminal.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Log, CountsKeptLinesThatCannotBeWritten) {
  const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  Log log(LogFormat::kJson, LogLevel::kInfo, full.get());
  for (int i = 0; i < 3; ++i) log.keep(LogLevel::kInfo, "line", {});
  EXPECT_EQ(log.lost(), 0U);
  log.flush();
  EXPECT_EQ(log.lost(), 3U);
}

// Another process may write to the same pipe: what is written at once ends with a line.
TEST(Log, WritesWholeLinesToAPipe) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_DIRECT), 0);  // what is written at once is read so
  const Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  Log log(LogFormat::kJson, LogLevel::kInfo, writing.get());
  for (int i = 0; i < 30; ++i) log.keep(LogLevel::kInfo, std::string(500, 'x'), {});
  log.flush();
  ASSERT_EQ(::fcntl(reading.get(), F_SETFL, O_NONBLOCK | O_DIRECT), 0);
  std::array<char, 65536> piece{};
  int pieces = 0;
  std::size_t lines = 0;
  for (ssize_t count = 0; (count = ::read(reading.get(), piece.data(), piece.size())) > 0;
       ++pieces) {
    const std::string_view text(piece.data(), static_cast<std::size_t>(count));
    EXPECT_EQ(text.back(), '\n');
    lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  EXPECT_EQ(lines, 30U);
  EXPECT_GT(pieces, 1);
  EXPECT_LT(pieces, 8);
}

TEST(Log, CountsLinesThatCannotBeWritten) {
  const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  Log log(LogFormat::kJson, LogLevel::kInfo, full.get());
  log.info("one");
  log.info("two");
  EXPECT_EQ(log.lost(), 2U);
}

TEST(Log, ShortensWhatClientsSend) {
  const std::string longest(4096, 'x');
  const auto line = [](Field::Value value) {
    Field field("key", "");
    field.value = std::move(value);
    const auto text =
        format_log_line(LogFormat::kJson, LogTime{}, LogLevel::kInfo, "m", {&field, 1});
    return std::string(nlohmann::json::parse(text)["key"].dump());
  };
  EXPECT_EQ(line(longest), "\"" + longest + "\"");
  EXPECT_EQ(line(longest + "y"), "\"" + longest + "… (4097 bytes)\"");
  // Not in the middle of a character.
  EXPECT_EQ(line(longest.substr(1) + "ä"), "\"" + longest.substr(1) + "… (4097 bytes)\"");
  const auto list = line(std::vector<std::string>(100'000, "an element"));
  EXPECT_LT(list.size(), 17'000U);
  EXPECT_EQ(list.substr(list.size() - 7), ",\"…\"]");
}

TEST(Log, KnowsItsLevels) {
  EXPECT_EQ(parse_log_level("warning"), LogLevel::kWarning);
  EXPECT_EQ(parse_log_level("Warning"), std::nullopt);
}

}  // namespace
}  // namespace gracekeeper::io
