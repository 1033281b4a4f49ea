#include "core/base64.h"

#include <gtest/gtest.h>
#include <string>

namespace gracekeeper {
namespace {

TEST(Base64, IsThatOfTheRfc) {
  const std::pair<std::string, std::string> rows[] = {// RFC 4648, 10
                                                      {"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : rows) EXPECT_EQ(base64(bytes), text);
}

// Bytes are taken 24, six, three or fewer at a time: every length and every byte in every
// place.
TEST(Base64, IsTheSameHoweverManyBytesAreTakenAtATime) {
  const std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto bit_by_bit = [&](std::string_view bytes) {
    std::string out;
    unsigned bits = 0;
    int have = 0;
    for (const char c : bytes) {
      bits = (bits << 8U) | static_cast<unsigned char>(c);
      for (have += 8; have >= 6; have -= 6) out += alphabet[bits >> (have - 6) & 63U];
    }
    if (have > 0) out += alphabet[bits << (6 - have) & 63U];
    return out.append((4 - out.size() % 4) % 4, '=');
  };
  std::string bytes;
  for (int i = 0; i < 800; ++i) bytes += static_cast<char>(i * 7 + i / 256);
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const auto part = std::string_view(bytes).substr(bytes.size() - length);
    EXPECT_EQ(base64(part), bit_by_bit(part)) << length << " bytes";
  }
}

TEST(Base64, IsAppended) {
  std::string out = "patch: ";
  append_base64(out, "[]");
  EXPECT_EQ(out, "patch: W10=");
}

}  // namespace
}  // namespace gracekeeper
