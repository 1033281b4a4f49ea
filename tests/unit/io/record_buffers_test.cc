#include "io/record_buffers.h"

#include <cstring>
#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <string>
#include <string_view>
#include <vector>

namespace gracekeeper::io {
namespace {

constexpr std::size_t kRecord = 17'000;

TEST(RecordBuffers, TheOneThatWasUsedLastIsUsedAgain) {
  ASSERT_TRUE(record_buffers_are_apart());
  void* first = OPENSSL_malloc(kRecord);
  void* second = OPENSSL_malloc(kRecord);
  EXPECT_EQ(record_buffers().used, 2U);
  OPENSSL_free(first);
  OPENSSL_free(second);
  EXPECT_EQ(record_buffers().used, 0U);
  EXPECT_EQ(OPENSSL_malloc(kRecord), second);
  EXPECT_EQ(OPENSSL_malloc(kRecord), first);
  OPENSSL_free(first);
  OPENSSL_free(second);
}

TEST(RecordBuffers, AreOfNoConcernForSmallerAndLargerBlocks) {
  for (const std::size_t size : {std::size_t{16}, std::size_t{16'000}, std::size_t{100'000}}) {
    void* block = OPENSSL_malloc(size);
    EXPECT_EQ(record_buffers().used, 0U) << size;
    OPENSSL_free(block);
  }
}

TEST(RecordBuffers, KeepWhatIsInThemWhenTheyGrow) {
  auto* block = static_cast<char*>(OPENSSL_malloc(kRecord));
  std::memset(block, 'a', kRecord);
  EXPECT_EQ(OPENSSL_realloc(block, kRecord + 1000), block);
  auto* larger = static_cast<char*>(OPENSSL_realloc(block, 100'000));
  EXPECT_EQ(record_buffers().used, 0U);
  EXPECT_EQ(std::string_view(larger, kRecord), std::string(kRecord, 'a'));
  OPENSSL_free(larger);
}

TEST(RecordBuffers, OfAStormAreGivenBackButForAFew) {
  std::vector<char*> blocks;
  // More than there are: the rest comes from elsewhere.
  for (int i = 0; i < 1'100; ++i) {
    blocks.push_back(static_cast<char*>(OPENSSL_malloc(kRecord)));
    ASSERT_NE(blocks.back(), nullptr);
    std::memset(blocks.back(), i % 128, kRecord);
  }
  EXPECT_EQ(record_buffers().used, 1'024U);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i][0], static_cast<char>(i % 128));
    EXPECT_EQ(blocks[i][kRecord - 1], static_cast<char>(i % 128));
    OPENSSL_free(blocks[i]);
  }
  EXPECT_EQ(record_buffers().used, 0U);
  EXPECT_EQ(record_buffers().waiting, 16U);
}

}  // namespace
}  // namespace gracekeeper::io
