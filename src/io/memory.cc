#include "io/memory.h"

#include <malloc.h>

namespace gracekeeper::io {
namespace {

constexpr int kLargeBlock = 256 * 1024;
constexpr int kKeptAtTheTop = 1024 * 1024;
constexpr std::size_t kWorthTheWork = std::size_t{4} * 1024 * 1024;

}  // namespace

void return_large_blocks() {
  ::mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  ::mallopt(M_TRIM_THRESHOLD, kKeptAtTheTop);
}

void MemoryTrimmer::step() {
  const std::size_t free_bytes = ::mallinfo2().fordblks;
  if (free_bytes < left_ + kWorthTheWork) {
    if (free_bytes < left_) left_ = free_bytes;
    return;
  }
  ::malloc_trim(0);
  left_ = ::mallinfo2().fordblks;
}

}  // namespace gracekeeper::io
