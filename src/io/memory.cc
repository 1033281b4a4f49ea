#include "io/memory.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <link.h>
#include <malloc.h>
#include <string>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

namespace gracekeeper::io {
namespace {

constexpr const char* kTunables = "GLIBC_TUNABLES";
// Not more and no larger ones: what a thread keeps is not given back, nor is a page that it lies
// on.
constexpr const char* kSmallBlocksKept = "glibc.malloc.tcache_count=32:glibc.malloc.tcache_max=256";
// What stays with all threads together until the next look at what is free. With less, a review of
// 3 MB takes twice the time: each of its pages comes anew from the system (docs/performance.md).
constexpr std::size_t kKept = std::size_t{16} * 1024 * 1024;
constexpr std::size_t kLeastKept = std::size_t{1024} * 1024;  // by each
constexpr std::size_t kSmallestLargeBlock = std::size_t{256} * 1024;
// Code comes back page by page, which takes the next request most of a millisecond: not for a few.
constexpr std::size_t kManyConnections = 32;
// Giving back takes all threads some milliseconds: not for each of many large requests in a row.
constexpr std::size_t kWorthTheWait = std::size_t{8} * 1024 * 1024;

// Of segments that nobody can write to: their pages are those of the file.
int return_segments(dl_phdr_info* object, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const auto begin = (object->dlpi_addr + segment.p_vaddr) / page * page;
    const auto end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as integers
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

std::string whole(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// By its path and not as /proc/self/exe, which would be its name in `ps` and `top` then.
std::string own_program() {
  std::string path(4096, '\0');
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  path.resize(static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  return path;
}

// What return_large_blocks() lets each thread keep; 0: it was not called, glibc decides.
std::atomic<std::size_t> kept_by_each{0};

void let_each_keep(std::size_t most) {
  ::mallopt(M_MMAP_THRESHOLD, static_cast<int>(std::max(most / 2, kSmallestLargeBlock)));
  ::mallopt(M_TRIM_THRESHOLD, static_cast<int>(std::max(most, kLeastKept)));
}

// Of what the process has in memory. proc(5): the second number of statm, in pages. 0: there is no
// such file.
std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  if (!(statm >> all >> resident)) return 0;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void keep_more_small_blocks() {
  // With rights that the caller has not (file capabilities), glibc may ignore the variable or take
  // it away at each start: it would start itself for nothing, or again and again.
  if (std::getenv(kTunables) != nullptr || ::getauxval(AT_SECURE) != 0) return;
  const std::string program = own_program();
  std::string words = whole("/proc/self/cmdline");  // each ends with a zero
  std::vector<char*> arguments;
  for (std::size_t at = 0; at < words.size(); at = words.find('\0', at) + 1)
    arguments.push_back(words.data() + at);
  if (program.empty() || arguments.empty() || words.back() != '\0') return;
  arguments.push_back(nullptr);
  if (::setenv(kTunables, kSmallBlocksKept, 0) != 0) return;
  ::execv(program.c_str(), arguments.data());
  ::unsetenv(kTunables);
}

void return_code() { ::dl_iterate_phdr(return_segments, nullptr); }

void return_free_heap() { ::malloc_trim(0); }

void return_large_blocks(std::size_t threads) {
  kept_by_each = kKept / std::max<std::size_t>(threads, 2);
  let_each_keep(kept_by_each);
  ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

void MemoryTrimmer::return_code_of_handshakes(std::size_t connections) {
  const bool many_come = connections >= latest_ + kManyConnections;
  latest_ = connections;
  fewest_ = std::min(fewest_, connections);
  if (many_come || connections - fewest_ < kManyConnections) return;
  return_code();
  fewest_ = connections;
}

void MemoryTrimmer::trim_heap(std::size_t worth_the_work) {
  const std::size_t free_bytes = ::mallinfo2().fordblks;
  if (free_bytes < left_ + worth_the_work) {
    if (free_bytes < left_) left_ = free_bytes;
    return;
  }
  return_free_heap();
  left_ = ::mallinfo2().fordblks;
}

void PeakTrimmer::make_room(const std::function<void()>& release) {
  const bool is_much = resident_bytes() >= much_;
  if (is_much != keeps_least_ && kept_by_each != 0) {
    let_each_keep(is_much ? kLeastKept : kept_by_each.load());
    keeps_least_ = is_much;
  }
  if (!is_much) return;
  if (release) release();
  const std::size_t resident = resident_bytes();
  left_ = std::min(left_, resident);
  if (resident < left_ + kWorthTheWait) return;
  return_free_heap();
  left_ = resident_bytes();
}

}  // namespace gracekeeper::io
