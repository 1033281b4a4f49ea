#include "codec/json_writer.h"

#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace gracekeeper {
namespace {

std::string written(const Value& value) {
  JsonWriter out(0);
  out.value(value);
  return out.take();
}

std::string in_quotes(std::string_view text) {
  JsonWriter out(8);
  out.string(text);
  return out.take();
}

TEST(JsonWriter, WritesValuesWithoutBlanks) {
  EXPECT_EQ(written(Value::Object{{"z", nullptr},
                                  {"a", Value::Array{true, false, -5, 1.5, 19.0, "t"}},
                                  {"\"", Value::Object{}},
                                  {"e", Value::Array{}}}),
            R"({"z":null,"a":[true,false,-5,1.5,19,"t"],"\"":{},"e":[]})");
  EXPECT_EQ(written(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(written(std::numeric_limits<double>::quiet_NaN()), "null");
}

TEST(JsonWriter, EscapesWhatHasToBe) {
  EXPECT_EQ(in_quotes(""), R"("")");
  EXPECT_EQ(in_quotes("a\"b\\c\nd\re\tf\x01g\x1fh\x7f"),
            "\"a\\\"b\\\\c\\nd\\re\\tf\\u0001g\\u001fh\x7f\"");
  EXPECT_EQ(in_quotes(std::string_view("\0", 1)), "\"\\u0000\"");
  EXPECT_EQ(in_quotes("größer → 漢字 🙂"), "\"größer → 漢字 🙂\"");
}

// Sixteen bytes are looked at together, or eight: every byte in every place, read back by another
// hand.
TEST(JsonWriter, WritesTextsThatReadBackAsTheyWere) {
  for (unsigned c = 0; c < 0x80; ++c) {
    for (std::size_t length = 1; length <= 40; ++length) {
      for (std::size_t at = 0; at < length; ++at) {
        std::string text(length, 'x');
        text[at] = static_cast<char>(c);
        ASSERT_EQ(nlohmann::json::parse(in_quotes(text)).get<std::string>(), text)
            << c << " at " << at << " of " << length;
      }
    }
  }
  EXPECT_EQ(in_quotes(std::string(1000, '\n')).size(), 2002U);
}

TEST(JsonWriter, GrowsWithWhatIsWritten) {
  JsonWriter out(1);
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    out.put("ab");
    out.put(',');
    expected += "ab,";
  }
  EXPECT_EQ(out.take(), expected);
}

TEST(JsonWriter, TakesTheTextOfAKeptValue) {
  KeptValues kept;
  const Value value{Value::Object{{"a", Value::Array{1, "two\n"}}}};
  EXPECT_EQ(json_text(value), R"({"a":[1,"two\n"]})");
  const auto one = kept.keep(value, json_text(value));
  EXPECT_EQ(written(Value::Array{one, one}), R"([{"a":[1,"two\n"]},{"a":[1,"two\n"]}])");
  EXPECT_EQ(written(Value::Array{kept.keep(Value{1}, "as it stands")}), "[as it stands]");
}

}  // namespace
}  // namespace gracekeeper
