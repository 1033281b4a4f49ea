#include "sidecar/scalars.h"

#include <gtest/gtest.h>

#include "sidecar/sha256.h"

namespace gracekeeper {
namespace {

TEST(GoInt, TakesASignAndDigitsOnly) {
  struct Row {
    std::string_view text;
    int bits;
    std::optional<std::int64_t> value;
  };
  for (const auto& [text, bits, value] : {Row{"4143", 32, 4143},
                                          {"+5", 32, 5},
                                          {"-5", 32, -5},
                                          {"007", 32, 7},
                                          {"2147483647", 32, 2147483647},
                                          {"2147483648", 32, {}},
                                          {"2147483648", 64, 2147483648},
                                          {"9223372036854775808", 64, {}},
                                          {"", 32, {}},
                                          {"+", 32, {}},
                                          {"+-5", 32, {}},
                                          {"0x10", 32, {}},
                                          {"1_000", 32, {}},
                                          {"5 ", 32, {}},
                                          {" 5", 32, {}},
                                          {"5s", 32, {}}}) {
    EXPECT_EQ(parse_go_int(text, bits), value) << text;
  }
}

TEST(GoFloat, TakesDecimalFormsOnly) {
  struct Row {
    std::string_view text;
    std::optional<double> value;
  };
  for (const auto& [text, value] : {Row{"0.5", 0.5},
                                    {".5", 0.5},
                                    {"5e-1", 0.5},
                                    {"+0.5", 0.5},
                                    {"", {}},
                                    {"half", {}},
                                    {"0.5 ", {}},
                                    {"inf", {}},
                                    {"nan", {}}}) {
    EXPECT_EQ(parse_go_float(text), value) << text;
  }
}

TEST(Quantity, IsRoundedUpToWholeUnits) {
  struct Row {
    std::string_view text;
    std::optional<std::int64_t> value;
  };
  for (const auto& [text, value] : {Row{"1", 1},   {"0", 0},           {"250m", 1},
                                    {"1000m", 1},  {"1001m", 2},       {"3000m", 3},
                                    {"1.5", 2},    {"2.", 2},          {".5", 1},
                                    {"1n", 1},     {"+2", 2},          {"-1", -1},
                                    {"1k", 1000},  {"64Mi", 67108864}, {"1e3", 1000},
                                    {"1E2", 100},  {"15e-1", 2},       {"1E", 9007199254740992},
                                    {"", {}},      {"m", {}},          {".", {}},
                                    {"1.2.3", {}}, {"1 ", {}},         {"1mi", {}},
                                    {"1e", {}},    {"cpu", {}},        {"0e9999", 0}}) {
    EXPECT_EQ(parse_quantity_rounded_up(text), value) << text;
  }
}

TEST(ScalarText, WritesNumbersWithoutNeedlessExponent) {
  EXPECT_EQ(scalar_text(Value(1'000'000)), "1000000");
  EXPECT_EQ(scalar_text(Value(1e6)), "1000000");
  EXPECT_EQ(scalar_text(Value(1e16)), "10000000000000000");
  EXPECT_EQ(scalar_text(Value(2.5e-7)), "2.5e-07");
  EXPECT_EQ(scalar_text(Value(3.14)), "3.14");
  EXPECT_EQ(scalar_text(Value(0.1)), "0.1");
  EXPECT_EQ(scalar_text(Value(true)), "true");
  EXPECT_EQ(scalar_text(Value("10s")), "10s");
  EXPECT_EQ(scalar_text(Value()), std::nullopt);
  EXPECT_EQ(scalar_text(Value(Value::Array{})), std::nullopt);
}

TEST(UpperSnakeCase, NamesVariablesAsTheChartDoes) {
  struct Row {
    std::string_view name;
    std::string_view variable;
  };
  for (const auto& [name, variable] : {Row{"server", "SERVER"},
                                       {"http2", "HTTP2"},
                                       {"keepAliveInterval", "KEEP_ALIVE_INTERVAL"},
                                       {"FirstName", "FIRST_NAME"},
                                       {"HTTPServer", "HTTP_SERVER"},
                                       {"NoHTTPS", "NO_HTTPS"},
                                       {"GO-PATH", "GO_PATH"},
                                       {"already_snake", "ALREADY_SNAKE"},
                                       {"http2xx", "HTTP_2XX"},
                                       {"HTTP20xOK", "HTTP_20X_OK"},
                                       {"Duration2m3s", "DURATION_2M3S"},
                                       {"Bld4Floor3rd", "BLD4_FLOOR_3RD"}}) {
    EXPECT_EQ(upper_snake_case(name), variable);
  }
}

TEST(Trim, RemovesBlanksAndLineEndsAroundText) {
  EXPECT_EQ(trim("\n a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
}

// The three messages of FIPS 180-4's examples, and one whose padding needs a block of its own.
TEST(Sha256, AgreesWithThePublishedDigests) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace gracekeeper
