#include "io/cores.h"

#include <algorithm>
#include <cmath>
#include <sched.h>
#include <thread>

#include "io/cpu_quota.h"

namespace gracekeeper::io {
namespace {

std::size_t cores_to_run_on() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0)
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

std::size_t core_count() {
  const auto cores = cores_to_run_on();
  const auto quota = cpu_quota();
  if (!quota || *quota >= static_cast<double>(cores)) return cores;
  return static_cast<std::size_t>(std::max(1.0, std::ceil(*quota)));
}

}  // namespace gracekeeper::io
