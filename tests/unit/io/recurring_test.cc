#include "io/recurring.h"

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <new>

namespace gracekeeper::io::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Recurring, CallsAgainAfterAnException) {
  std::atomic<int> calls = 0;
  std::promise<void> called_again;
  Recurring recurring([&]() -> milliseconds {
    if (++calls == 1) throw std::bad_alloc();
    if (calls == 2) called_again.set_value();
    return seconds(60);
  });
  EXPECT_EQ(called_again.get_future().wait_for(seconds(20)), std::future_status::ready);
}

}  // namespace
}  // namespace gracekeeper::io::test
