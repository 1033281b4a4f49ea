// How much can be done at the same time.
#pragma once

#include <cstddef>

namespace gracekeeper::io {

// The cores that this process may run on, at least 1: fewer than the machine has under taskset or
// in a cpuset.
std::size_t core_count();

}  // namespace gracekeeper::io
