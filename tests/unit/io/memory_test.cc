#include "io/memory.h"

#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "io/metrics.h"

namespace gracekeeper::io {
namespace {

#if defined(__has_feature)
#define GRACEKEEPER_HAS_FEATURE(name) __has_feature(name)
#else
#define GRACEKEEPER_HAS_FEATURE(name) 0
#endif

TEST(MemoryTrimmer, GivesBackWhatLiesBelowWhatIsStillUsed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    GRACEKEEPER_HAS_FEATURE(address_sanitizer)
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  constexpr std::size_t kBlock = 1024;
  constexpr std::size_t kBlocks = 64 * 1024;
  std::vector<std::unique_ptr<char[]>> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    blocks.push_back(std::make_unique<char[]>(kBlock));
    blocks.back()[0] = 'x';
  }
  const auto last = std::move(blocks.back());
  blocks.clear();
  MemoryTrimmer trimmer;
  const double before = process_facts().resident_memory_bytes;
  trimmer.step();
  EXPECT_LT(process_facts().resident_memory_bytes, before - 0.8 * kBlock * kBlocks);
  EXPECT_EQ(last[0], 'x');
}

// Kilobytes of files that are mapped and in memory.
long resident_file_pages() {
  std::ifstream status("/proc/self/status");
  std::string word;
  long kilobytes = 0;
  while (status >> word && word != "RssFile:") continue;
  status >> kilobytes;
  return kilobytes;
}

TEST(ReturnCode, TakesAwayWhatComesBackWhenItIsUsed) {
  const auto before = resident_file_pages();
  ASSERT_GT(before, 0);
  return_code();
  EXPECT_LT(resident_file_pages(), before / 2);
  // Whatever this runs: it is all there.
  EXPECT_GT(process_facts().resident_memory_bytes, 0);
}

}  // namespace
}  // namespace gracekeeper::io
