#include "io/record_buffers.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <type_traits>

namespace gracekeeper::io {
namespace {

// A record with what surrounds it takes 16.7 KB, the buffer of a handshake's messages 21.8 KB (16
// KB grown by a third). Smaller blocks are not worth it, larger ones are rare.
constexpr std::size_t kSmallest = std::size_t{16} * 1024;
constexpr std::size_t kBlock = std::size_t{24} * 1024;
// Of addresses; a page is only taken when it is written to. More buffers than these come from the
// heap.
constexpr std::size_t kBlocks = 1024;
// More than the two loops use at once while no one shakes hands.
constexpr std::size_t kWaiting = 16;

class Pool {
 public:
  bool reserve() {
    void* place = ::mmap(nullptr, kBlock * kBlocks, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) return false;
    // A huge page would bring back what is saved here.
    ::madvise(place, kBlock * kBlocks, MADV_NOHUGEPAGE);
    base_ = static_cast<std::byte*>(place);
    return true;
  }

  [[nodiscard]] bool has(const void* block) const {
    const auto* at = static_cast<const std::byte*>(block);
    return base_ != nullptr && at >= base_ && at < base_ + kBlock * kBlocks;
  }

  // nullptr: all are in use.
  void* take() {
    const std::lock_guard lock(mutex_);
    std::size_t number = 0;
    if (waiting_ > 0)
      number = waiting_numbers_[--waiting_];
    else if (returned_ > 0)
      number = returned_numbers_[--returned_];
    else if (fresh_ < kBlocks && base_ != nullptr)
      number = fresh_++;
    else
      return nullptr;
    ++used_;
    return base_ + number * kBlock;
  }

  void give(void* block) {
    const auto number = static_cast<std::uint16_t>(
        static_cast<std::size_t>(static_cast<std::byte*>(block) - base_) / kBlock);
    const std::lock_guard lock(mutex_);
    --used_;
    if (waiting_ < kWaiting) {
      waiting_numbers_[waiting_++] = number;
      return;
    }
    ::madvise(block, kBlock, MADV_DONTNEED);
    returned_numbers_[returned_++] = number;
  }

  RecordBuffers count() {
    const std::lock_guard lock(mutex_);
    return {.used = used_, .waiting = waiting_};
  }

 private:
  std::byte* base_ = nullptr;
  std::mutex mutex_;
  std::size_t used_ = 0;
  std::size_t fresh_ = 0;     // those from this one on were never used
  std::size_t waiting_ = 0;   // those that were used last are on top
  std::size_t returned_ = 0;  // without pages
  std::array<std::uint16_t, kWaiting> waiting_numbers_{};
  std::array<std::uint16_t, kBlocks> returned_numbers_{};
};

// No constructor makes it, and no destructor ends it: OpenSSL uses it before the first and after
// the last.
constinit Pool the_pool;
static_assert(std::is_trivially_destructible_v<Pool>);
constinit bool are_apart = false;

void* allocate(std::size_t size, const char*, int) {
  if (size >= kSmallest && size <= kBlock) {
    if (void* block = the_pool.take()) return block;
  }
  return std::malloc(size);
}

void release(void* block, const char*, int) {
  if (the_pool.has(block))
    the_pool.give(block);
  else
    std::free(block);
}

void* resize(void* block, std::size_t size, const char* file, int line) {
  if (block == nullptr) return allocate(size, file, line);
  if (size == 0) {
    release(block, file, line);
    return nullptr;
  }
  if (!the_pool.has(block)) return std::realloc(block, size);
  if (size <= kBlock) return block;
  void* larger = std::malloc(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, block, kBlock);
  the_pool.give(block);
  return larger;
}

void arrange() {
  are_apart = CRYPTO_set_mem_functions(allocate, resize, release) == 1 && the_pool.reserve();
}

// The one place in a program that is run before the constructors of its libraries.
[[gnu::section(".preinit_array"), gnu::used]] void (*const kArrange)() = arrange;

}  // namespace

bool record_buffers_are_apart() { return are_apart; }

RecordBuffers record_buffers() { return the_pool.count(); }

}  // namespace gracekeeper::io
