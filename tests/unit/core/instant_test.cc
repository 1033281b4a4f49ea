#include "core/instant.h"

#include <gtest/gtest.h>

namespace gracekeeper {
namespace {

std::string read(std::string_view text) {
  const auto time = parse_instant(text);
  return time ? format_instant(*time) : "none";
}

TEST(InstantTest, ReadsTheTimesThatTheApiServerWrites) {
  EXPECT_EQ(read("2026-01-31T12:00:05Z"), "2026-01-31T12:00:05Z");
  EXPECT_EQ(read("2026-01-31T12:00:05.123456Z"), "2026-01-31T12:00:05.123Z");
  EXPECT_EQ(read("2026-01-31T12:00:05.5Z"), "2026-01-31T12:00:05.500Z");
  EXPECT_EQ(read("2026-01-31T12:00:05+02:00"), "2026-01-31T10:00:05Z");
  EXPECT_EQ(read("2025-12-31T23:30:00-01:00"), "2026-01-01T00:30:00Z");
  EXPECT_EQ(read("2024-02-29T00:00:00Z"), "2024-02-29T00:00:00Z");
}

TEST(InstantTest, RefusesWhatIsNoSuchTime) {
  for (const auto* text :
       {"", "yesterday", "2026-01-31", "2026-01-31T12:00:05", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:05.Z", "2026-01-31T12:00:05ZZ", "2026-01-31T12:00:05+0200",
        "2026-01-3aT12:00:05Z", "2026-01-31 12:00:05Z"}) {
    EXPECT_EQ(read(text), "none") << text;
  }
}

TEST(InstantTest, TheTimeOfDayIsInWholeSeconds) {
  EXPECT_EQ(format_time_of_day(*parse_instant("2026-01-31T02:03:04.999Z")), "02:03:04Z");
}

}  // namespace
}  // namespace gracekeeper
