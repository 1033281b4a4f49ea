#include "core/duration.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace gracekeeper {
namespace {

using std::chrono::nanoseconds;

// What a parser should answer: a count in the parser's own unit, or the whole message.
struct Row {
  std::string text;
  std::variant<std::int64_t, std::string> expected;
};

template <typename Parser>
void expect_rows(const std::vector<Row>& rows, Parser parse) {
  for (const auto& row : rows) {
    SCOPED_TRACE("\"" + row.text + "\"");
    const auto parsed = parse(row.text);
    if (const auto* count = std::get_if<std::int64_t>(&row.expected)) {
      if (parsed)
        EXPECT_EQ(parsed->count(), *count);
      else
        ADD_FAILURE() << parsed.error().message;
    } else if (parsed) {
      ADD_FAILURE() << "taken as " << parsed->count();
    } else {
      EXPECT_EQ(to_string(parsed.error()), std::get<std::string>(row.expected));
    }
  }
}

// The accepted values and the refusals are those of Go's time.ParseDuration, tried with 1.26.
TEST(GoDuration, TakesWhatGoTakes) {
  expect_rows({{"0", 0},
               {"-0", 0},
               {"+0", 0},
               {"0s", 0},
               {"00s", 0},
               {"0h0m0s", 0},
               {"30s", 30'000'000'000},
               {"+1s", 1'000'000'000},
               {"-5s", -5'000'000'000},
               {"1h1m", 3'660'000'000'000},
               {"1m30s", 90'000'000'000},
               {"1.5h", 5'400'000'000'000},
               {"250ms", 250'000'000},
               {".5s", 500'000'000},
               {"1.s", 1'000'000'000},
               {"-.5s", -500'000'000},
               {"1.5s.5s", 2'000'000'000},
               {"3s2h", 7'203'000'000'000},
               {"1s1s", 2'000'000'000},
               {"1ns", 1},
               {"1.9ns", 1},
               {"1us", 1'000},
               {"1\u00b5s", 1'000},
               {"1\u03bcs", 1'000},
               {"1.000000001s", 1'000'000'001},
               {"0.3333333333333333333h", 1'200'000'000'000},
               {"0.9223372036854775808s", 922'337'203},
               {"9223372036854775807ns", std::numeric_limits<std::int64_t>::max()},
               {"-9223372036854775808ns", std::numeric_limits<std::int64_t>::min()},
               {"2562047h47m16.854775807s", std::numeric_limits<std::int64_t>::max()}},
              parse_go_duration);
}

TEST(GoDuration, SaysWhatIsWrongAndWhatToWrite) {
  const std::string empty = "is not a duration: write a number with a unit, such as \"30s\"";
  const std::string shape = "is not a duration: write numbers with units, such as \"1m30s\"";
  const std::string unitless =
      "is not a duration: its last number has no unit; the units are ms, s, m and h";
  const std::string too_long =
      "is not a duration: it is longer than a duration can be (about 292 years)";
  const auto unknown = [](const std::string& text, const std::string& unit) {
    return "\"" + text + "\" is not a duration: the unit \"" + unit +
           "\" is unknown; the units are ms, s, m and h";
  };
  const auto bare = [](const std::string& text, const std::string& suggestion) {
    return "\"" + text + "\" is not a duration: a duration needs a unit: write \"" + suggestion +
           "\" for seconds";
  };
  const auto blanks = [](const std::string& text, const std::string& suggestion) {
    return "\"" + text + "\" is not a duration: remove the blanks: write \"" + suggestion + "\"";
  };
  expect_rows({{"", "\"\" " + empty},
               {"-", "\"-\" " + empty},
               {"+", "\"+\" " + empty},
               {"30", bare("30", "30s")},
               {"00", bare("00", "00s")},
               {"-30", "\"-30\" is not a duration: it cannot be negative"},
               {"+30", bare("+30", "30s")},
               {"9223372037", "\"9223372037\" " + too_long},
               {"1.", "\"1.\" " + unitless},
               {"1.5", "\"1.5\" " + unitless},
               {"1m30", "\"1m30\" " + unitless},
               {".", "\".\" " + shape},
               {".s", "\".s\" " + shape},
               {"s", "\"s\" " + shape},
               {"--5s", "\"--5s\" " + shape},
               {"abc", "\"abc\" " + shape},
               {"1s-", unknown("1s-", "s-")},
               {"1d", unknown("1d", "d")},
               {"1w", unknown("1w", "w")},
               {"1S", unknown("1S", "S")},
               {"30sec", unknown("30sec", "sec")},
               {"5e3s", unknown("5e3s", "e")},
               {" 30s", blanks(" 30s", "30s")},
               {"30s ", blanks("30s ", "30s")},
               {"30 s", blanks("30 s", "30s")},
               {"1m 30s", blanks("1m 30s", "1m30s")},
               {"\t5m", blanks("\t5m", "5m")},
               {" 30", blanks(" 30", "30s")},
               {"1 d", unknown("1 d", " d")},
               {" ", "\" \" " + shape},
               {"9223372036854775808ns", "\"9223372036854775808ns\" " + too_long},
               {"-9223372036854775809ns", "\"-9223372036854775809ns\" " + too_long},
               {"99999999999999999999s", "\"99999999999999999999s\" " + too_long},
               {"2562048h", "\"2562048h\" " + too_long},
               {"2562047h47m16.854775808s", "\"2562047h47m16.854775808s\" " + too_long}},
              parse_go_duration);
}

TEST(WholeSeconds, AreDigitsOnly) {
  const std::int64_t longest = kLongest.count() / 1000;
  expect_rows({{"0", 0},
               {"20", 20},
               {"007", 7},
               {"86400", 86400},
               {"999999999999999", 999'999'999'999'999},
               {"18446744073709551615", longest}},
              parse_whole_seconds);
}

TEST(WholeSeconds, SayWhichSpellingWorks) {
  const auto message = [](const std::string& text, const std::string& what) {
    return "\"" + text + "\" is not a whole number of seconds: " + what;
  };
  expect_rows({{"", message("", "it is empty; write digits, such as \"30\"")},
               {"18446744073709551616",
                message("18446744073709551616", "it is larger than 18446744073709551615")},
               {"99999999999999999999",
                message("99999999999999999999", "it is larger than 18446744073709551615")},
               {" 5", message(" 5", "remove the blanks: write \"5\"")},
               {"5 ", message("5 ", "remove the blanks: write \"5\"")},
               {" 18446744073709551616 ",
                message(" 18446744073709551616 ", "it is larger than 18446744073709551615")},
               {"+5", message("+5", "write it without a sign: \"5\"")},
               {"+18446744073709551616",
                message("+18446744073709551616", "it is larger than 18446744073709551615")},
               {"-5", message("-5", "it cannot be negative")},
               {"-5s", message("-5s", "it cannot be negative")},
               {"1.5", message("1.5", "fractions are not taken: write \"2\"")},
               {"30.0", message("30.0", "fractions are not taken: write \"30\"")},
               {"5s", message("5s", "write it without a unit: \"5\"")},
               {"1m30s", message("1m30s", "write it without a unit: \"90\"")},
               {"1500ms", message("1500ms", "write it without a unit: \"2\"")},
               {"1_000", message("1_000", "write digits only, such as \"30\"")},
               {"0x10", message("0x10", "write digits only, such as \"30\"")},
               {"1e3", message("1e3", "write digits only, such as \"30\"")},
               {"thirty", message("thirty", "write digits only, such as \"30\"")},
               {"5 5", message("5 5", "write digits only, such as \"30\"")},
               {" ", message(" ", "write digits only, such as \"30\"")}},
              parse_whole_seconds);
}

TEST(Duration, IsAGoDurationOrWholeSeconds) {
  expect_rows(
      {{"25", 25'000},
       {"25s", 25'000},
       {"1m30s", 90'000},
       {"1.0005s", 1'000},
       {"1ns", 0},
       {"0", 0},
       {"-0", 0},
       {"18446744073709551615", kLongest.count()},
       {"", "\"\" is not a duration: it is empty; write \"25s\" or \"25\""},
       {"-5s", "\"-5s\" is not a duration: it cannot be negative"},
       {"-1ns", "\"-1ns\" is not a duration: it cannot be negative"},
       {"-1 ns", "\"-1 ns\" is not a duration: it cannot be negative"},
       {"-5", "\"-5\" is not a duration: it cannot be negative"},
       {"1.5",
        "\"1.5\" is not a duration: its last number has no unit; the units are ms, s, m and h"},
       {"2x", "\"2x\" is not a duration: the unit \"x\" is unknown; the units are ms, s, m and h"},
       {"18446744073709551616",
        "\"18446744073709551616\" is not a whole number of seconds: it is larger than "
        "18446744073709551615"}},
      parse_duration);
}

TEST(DurationInSeconds, RefusesFractions) {
  expect_rows({{"5", 5},
               {"5s", 5},
               {"1m", 60},
               {"1000ms", 1},
               {"0", 0},
               {"1500ms", "\"1500ms\" is not a whole number of seconds: write \"2s\""},
               {"0.5s", "\"0.5s\" is not a whole number of seconds: write \"1s\""},
               {"5000001us", "\"5000001us\" is not a whole number of seconds: write \"6s\""},
               {"1ns", "\"1ns\" is not a whole number of seconds: write \"1s\""},
               {"1 ns", "\"1 ns\" is not a whole number of seconds: write \"1s\""},
               {"2 s", "\"2 s\" is not a duration: remove the blanks: write \"2s\""},
               {"2562047h47m16.854775807s",
                "\"2562047h47m16.854775807s\" is not a whole number of seconds: write "
                "\"9223372036s\""},
               {"-5s", "\"-5s\" is not a duration: it cannot be negative"},
               {"", "\"\" is not a duration: it is empty; write \"25s\" or \"25\""}},
              parse_duration_in_seconds);
}

// linkerd/app/src/env.rs: blanks around are removed, and zero alone needs no unit.
TEST(ProxyDuration, IsTheProxysOwnSyntax) {
  const auto refused = [](const std::string& text) {
    return "\"" + text +
           "\" is not a duration that the proxy takes: write digits and one of ms, s, m, h, d, "
           "such as \"120s\"";
  };
  expect_rows({{"120s", 120'000},
               {"25000ms", 25'000},
               {"2m", 120'000},
               {"1h", 3'600'000},
               {"1d", 86'400'000},
               {"0s", 0},
               {"0ms", 0},
               {"0", 0},
               {" 30s ", 30'000},
               {"99999999999999999999d", kLongest.count()},
               {"30", refused("30")},
               {"", refused("")},
               {"s", refused("s")},
               {"1m30s", refused("1m30s")},
               {"1.5s", refused("1.5s")},
               {"-5s", refused("-5s")},
               {"+5s", refused("+5s")},
               {"30 s", refused("30 s")},
               {"30S", refused("30S")},
               {"30us", refused("30us")}},
              parse_proxy_duration);
}

TEST(SleepArgument, IsADecimalNumberWithASuffix) {
  const auto refused = [](const std::string& text) {
    return "\"" + text + "\" is not an argument of sleep: write a number of seconds";
  };
  expect_rows({{"20", 20'000},
               {"20s", 20'000},
               {"2m", 120'000},
               {"1h", 3'600'000},
               {"1d", 86'400'000},
               {"0", 0},
               {"0.5", 500},
               {".5", 500},
               {"5.", 5'000},
               {"1.5m", 90'000},
               {"0.0004", 0},
               {"0.001d", 86'400},
               {"1.0009999999999999", 1'000},
               {"99999999999999999999", kLongest.count()},
               {"", refused("")},
               {".", refused(".")},
               {"s", refused("s")},
               {"infinity", refused("infinity")},
               {"-5", refused("-5")},
               {"5ms", refused("5ms")},
               {"5ss", refused("5ss")},
               {"1.2.3", refused("1.2.3")},
               {"1e3", refused("1e3")},
               {"0x10", refused("0x10")},
               {"$WAIT", refused("$WAIT")},
               {" 5", refused(" 5")}},
              parse_sleep_argument);
}

TEST(FormatSeconds, HasAtMostThreeDecimals) {
  const std::vector<std::pair<std::int64_t, std::string>> rows{
      {0, "0"},
      {15'000, "15"},
      {700, "0.7"},
      {1'005, "1.005"},
      {1'050, "1.05"},
      {1'500, "1.5"},
      {100'000, "100"},
      {-1'500, "-1.5"},
      {-500, "-0.5"},
      {10, "0.01"},
      {999, "0.999"},
      {120'000, "120"},
      {kLongest.count(), "1000000000000000"}};
  for (const auto& [milliseconds, text] : rows) {
    EXPECT_EQ(format_seconds(Millis{milliseconds}), text);
  }
}

TEST(FormatSeconds, SumsTenthsExactly) {
  EXPECT_EQ(
      format_seconds(*parse_duration("700ms") + *parse_duration("0.1s") + *parse_duration("200ms")),
      "1");
}

TEST(FormatDuration, IsReadBackAsTheSame) {
  const std::vector<std::pair<std::int64_t, std::string>> rows{
      {0, "0s"},       {25'000, "25s"},   {1'500, "1500ms"},       {1, "1ms"},
      {90'000, "90s"}, {120'000, "120s"}, {3'600'001, "3600001ms"}};
  for (const auto& [milliseconds, text] : rows) {
    EXPECT_EQ(format_duration(Millis{milliseconds}), text);
    EXPECT_EQ(parse_duration(text), Millis{milliseconds});
    EXPECT_EQ(parse_proxy_duration(text), Millis{milliseconds});
  }
}

TEST(CeilSeconds, RoundsUp) {
  const std::vector<std::pair<std::int64_t, std::int64_t>> rows{
      {0, 0}, {1, 1}, {999, 1}, {1'000, 1}, {1'001, 2}, {94'999, 95}, {95'000, 95}, {-1'000, -1}};
  for (const auto& [milliseconds, seconds] : rows) {
    EXPECT_EQ(ceil_seconds(Millis{milliseconds}), seconds) << milliseconds;
  }
}

TEST(FromSeconds, HoldsWhatIsBeyondTheLongest) {
  EXPECT_EQ(from_seconds(30), Millis{30'000});
  EXPECT_EQ(from_seconds(-1), Millis{0});
  EXPECT_EQ(from_seconds(std::numeric_limits<std::int64_t>::min()), Millis{0});
  EXPECT_EQ(from_seconds(kLongest.count() / 1000), kLongest);
  EXPECT_EQ(from_seconds(std::numeric_limits<std::int64_t>::max()), kLongest);
}

// int(d.Seconds()*1000), tried with Go.
TEST(LinkerdMilliseconds, TruncateAFloatingPointProduct) {
  const std::vector<std::pair<std::string, std::int64_t>> rows{
      {"30s", 30'000},   {"1m30s", 90'000}, {"0s", 0},        {"-5s", -5'000},
      {"1.001s", 1'000}, {"1.005s", 1'004}, {"250ms", 250},   {"1.0005s", 1'000},
      {"1ns", 0},        {"2.01s", 2'009},  {"4.35s", 4'350}, {"-1.001s", -1'000}};
  for (const auto& [text, milliseconds] : rows) {
    SCOPED_TRACE(text);
    const auto duration = *parse_go_duration(text);
    EXPECT_EQ(linkerd_milliseconds(duration), milliseconds);
    if (duration == std::chrono::floor<Millis>(duration)) {
      EXPECT_EQ(linkerd_milliseconds(std::chrono::floor<Millis>(duration)), milliseconds);
    }
  }
  EXPECT_EQ(linkerd_milliseconds(kLongest), kLongest.count());
}

}  // namespace
}  // namespace gracekeeper
