// How long the calling thread has run on a processor.
//
// By the clock on the wall, whatever the scheduler makes a thread wait for would count as its work:
// on a busy machine that is milliseconds at a time.
#pragma once

#include <chrono>
#include <ctime>

namespace gracekeeper::io {

inline std::chrono::nanoseconds thread_time() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace gracekeeper::io
