#include "io/parallel.h"

#include <atomic>
#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>
#include <vector>

namespace gracekeeper::io {
namespace {

TEST(ForEachIndex, CallsEachOnce) {
  for (const std::size_t count : {0U, 1U, 2U, 1000U}) {
    std::vector<std::atomic<int>> calls(count);
    for_each_index(count, [&](std::size_t i) { ++calls[i]; });
    for (const auto& called : calls) EXPECT_EQ(called, 1);
  }
}

TEST(ForEachIndex, ThrowsWhatTheWorkThrows) {
  std::atomic<int> calls = 0;
  try {
    for_each_index(100'000, [&](std::size_t i) {
      ++calls;
      if (i == 3) throw std::runtime_error("the third");
      // All of them take ten seconds: the thread that throws gets its turn before.
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    });
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "the third");
  }
  EXPECT_LT(calls, 100'000) << "the rest is left out";
}

TEST(ForEachIndex, IsWatched) {
  std::atomic<bool> seen = false;
  for_each_index(1,
                 [&](std::size_t) {
                   while (!seen) std::this_thread::yield();
                 },
                 {.period = std::chrono::milliseconds(1), .look = [&] { seen = true; }});
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace gracekeeper::io
