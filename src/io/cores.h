// How much can be done at the same time.
#pragma once

#include <cstddef>

namespace gracekeeper::io {

// The cores that this process may use, at least 1: fewer than the machine has under taskset, in a
// cpuset or where a container has a CPU limit (cpu_quota.h), of which a part of a core counts as
// one.
std::size_t core_count();

}  // namespace gracekeeper::io
