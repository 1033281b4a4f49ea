#include "io/memory.h"

#include <fstream>
#include <gtest/gtest.h>
#include <link.h>
#include <malloc.h>
#include <memory>
#include <string>
#include <sys/prctl.h>
#include <vector>

#include "io/metrics.h"

namespace gracekeeper::io {
namespace {

#if defined(__has_feature)
#define GRACEKEEPER_HAS_FEATURE(name) __has_feature(name)
#else
#define GRACEKEEPER_HAS_FEATURE(name) 0
#endif

// Small blocks that have been freed, below one that is still used.
class Holed {
 public:
  static constexpr std::size_t kBlock = 1024;
  static constexpr std::size_t kBytes = std::size_t{64} * 1024 * 1024;

  Holed() {
    std::vector<std::unique_ptr<char[]>> blocks;
    for (std::size_t i = 0; i < kBytes / kBlock; ++i) {
      blocks.push_back(std::make_unique<char[]>(kBlock));
      blocks.back()[0] = 'x';
    }
    last_ = std::move(blocks.back());
  }

 private:
  std::unique_ptr<char[]> last_;
};

// How many of 256 blocks of this size come from the system.
std::size_t count_mapped(std::size_t block) {
  const auto before = ::mallinfo2().hblks;
  std::vector<std::unique_ptr<char[]>> blocks;
  for (int i = 0; i < 256; ++i) blocks.push_back(std::make_unique_for_overwrite<char[]>(block));
  return ::mallinfo2().hblks - before;
}

TEST(MemoryTrimmer, GivesBackWhatLiesBelowWhatIsStillUsed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    GRACEKEEPER_HAS_FEATURE(address_sanitizer)
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  const Holed holed;
  MemoryTrimmer trimmer;
  const double before = process_facts().resident_memory_bytes;
  trimmer.trim_after_flood();
  EXPECT_LT(process_facts().resident_memory_bytes, before - 0.8 * Holed::kBytes);
}

TEST(ReturnLargeBlocks, LeavesNoHugePages) {
  return_large_blocks(2);
  EXPECT_EQ(::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
}

// Each of many threads would keep a large review's memory.
TEST(ReturnLargeBlocks, AreSmallerForManyThreads) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    GRACEKEEPER_HAS_FEATURE(address_sanitizer)
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  constexpr std::size_t kBlock = std::size_t{1024} * 1024;
  // The first may find room that other tests have left.
  return_large_blocks(64);
  EXPECT_GT(count_mapped(kBlock), 100U);
  return_large_blocks(2);
  EXPECT_EQ(count_mapped(kBlock), 0U);
}

TEST(PeakTrimmer, GivesBackWhereMuchIsResidentOnly) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    GRACEKEEPER_HAS_FEATURE(address_sanitizer)
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  const Holed holed;
  int released = 0;
  const double before = process_facts().resident_memory_bytes;
  PeakTrimmer large(static_cast<std::size_t>(2 * before));
  large.make_room([&] { ++released; });
  EXPECT_EQ(released, 0);
  EXPECT_GT(process_facts().resident_memory_bytes, before - 0.2 * Holed::kBytes);
  PeakTrimmer small(static_cast<std::size_t>(before / 2));
  small.make_room([&] { ++released; });
  EXPECT_EQ(released, 1);
  EXPECT_LT(process_facts().resident_memory_bytes, before - 0.8 * Holed::kBytes);
  return_large_blocks(2);
}

TEST(PeakTrimmer, LetsThreadsKeepLessWhileMuchIsResident) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    GRACEKEEPER_HAS_FEATURE(address_sanitizer)
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  constexpr std::size_t kBlock = std::size_t{1024} * 1024;
  return_large_blocks(2);
  return_free_heap();
  const auto resident = static_cast<std::size_t>(process_facts().resident_memory_bytes);
  PeakTrimmer trimmer(resident + 64 * kBlock);
  {
    const std::vector<char> much(128 * kBlock, 'x');
    trimmer.make_room({});
    EXPECT_GT(count_mapped(kBlock), 100U);
  }
  trimmer.make_room({});
  EXPECT_EQ(count_mapped(kBlock), 0U);
}

// Kilobytes: a good part of what the program and its libraries have, more than what runs here
// needs.
constexpr long kMuch = 4 * 1024;

// Kilobytes of files that are mapped and in memory.
long resident_file_pages() {
  std::ifstream status("/proc/self/status");
  std::string word;
  long kilobytes = 0;
  while (status >> word && word != "RssFile:") continue;
  status >> kilobytes;
  return kilobytes;
}

// Reads a byte of each page that nobody can write to, of the program and all its libraries: between
// the variables too, where the sanitizer of addresses has its guards.
[[gnu::no_sanitize_address]] int touch_segments(dl_phdr_info* object, std::size_t, void* sum) {
  constexpr std::size_t kPage = 4096;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & (PF_W | PF_R)) != PF_R) continue;
    const auto* begin = reinterpret_cast<const volatile char*>(object->dlpi_addr + segment.p_vaddr);
    for (std::size_t at = 0; at < segment.p_filesz; at += kPage)
      *static_cast<long*>(sum) += begin[at];
  }
  return 0;
}

long resident_file_pages_when_all_are() {
  long sum = 0;
  ::dl_iterate_phdr(touch_segments, &sum);
  return resident_file_pages();
}

TEST(ReturnCode, TakesAwayWhatComesBackWhenItIsUsed) {
  const auto before = resident_file_pages_when_all_are();
  ASSERT_GT(before, 0);
  return_code();
  EXPECT_LT(resident_file_pages(), before - kMuch);
  // Whatever this runs: it is all there.
  EXPECT_GT(process_facts().resident_memory_bytes, 0);
}

TEST(MemoryTrimmer, GivesCodeBackWhenManyConnectionsAreNew) {
  MemoryTrimmer trimmer;
  const auto resident_after = [&trimmer](std::size_t connections) {
    trimmer.return_code_of_handshakes(connections);
    return resident_file_pages();
  };
  const auto before = resident_file_pages_when_all_are();
  EXPECT_GT(resident_after(31), before - kMuch);
  EXPECT_GT(resident_after(63), before - kMuch) << "more may be coming";
  EXPECT_LT(resident_after(63), before - kMuch);
  // The same ones once more.
  const auto again = resident_file_pages();
  EXPECT_GE(resident_after(94), again);
}

}  // namespace
}  // namespace gracekeeper::io
