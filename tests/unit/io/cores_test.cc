#include "io/cores.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <thread>

#include "io/cpu_quota.h"

namespace gracekeeper::io::test {
namespace {

TEST(CoreCount, CountsThoseThatItMayRunOn) {
  std::thread([] {  // what it may run on is a thread's own
    cpu_set_t all;
    ASSERT_EQ(::sched_getaffinity(0, sizeof(all), &all), 0);
    const auto cores = static_cast<std::size_t>(CPU_COUNT(&all));
    if (cpu_quota())
      EXPECT_LE(core_count(), cores);
    else
      EXPECT_EQ(core_count(), cores);
    std::size_t first = 0;
    while (!CPU_ISSET(first, &all)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(core_count(), 1U);
  })
      .join();
}

}  // namespace
}  // namespace gracekeeper::io::test
