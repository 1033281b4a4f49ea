#include "io/cores.h"

#include <algorithm>
#include <sched.h>
#include <thread>

namespace gracekeeper::io {

std::size_t core_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0)
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace gracekeeper::io
