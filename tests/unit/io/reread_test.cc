#include "io/reread.h"

#include <array>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <thread>

#include "temporary_folder.h"

namespace gracekeeper::io {
namespace {

using test::TemporaryFolder;

std::string read_from(const Rereadable& source, std::uint64_t offset) {
  std::array<char, 100> buffer{};
  const auto count = source.read_at(offset, buffer);
  return count ? std::string(buffer.data(), *count) : to_string(count.error());
}

TEST(Rereadable, ReadsAFileFromAnywhere) {
  const TemporaryFolder folder;
  const auto file = Rereadable::open(folder.put("f", "0123456789"));
  ASSERT_TRUE(file);
  EXPECT_EQ(read_from(*file, 0), "0123456789");
  EXPECT_EQ(read_from(*file, 7), "789");
  EXPECT_EQ(read_from(*file, 10), "");
  EXPECT_EQ(read_from(*file, 0), "0123456789");
}

TEST(Rereadable, ReadsAPipeAgain) {
  const TemporaryFolder folder;
  const auto path = folder.at("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string content(200'000, 'x');
  std::thread writer([&] { std::ofstream(path) << content; });
  const auto pipe = Rereadable::open(path);
  writer.join();
  ASSERT_TRUE(pipe);
  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(read_from(*pipe, 0), std::string(100, 'x'));
    EXPECT_EQ(read_from(*pipe, 199'950), std::string(50, 'x'));
    EXPECT_EQ(read_from(*pipe, 200'000), "");
  }
}

TEST(Rereadable, SaysWhatCannotBeRead) {
  const TemporaryFolder folder;
  const auto missing = Rereadable::open(folder.at("missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "No such file or directory");
  EXPECT_EQ(missing.error().file, folder.at("missing"));
  const auto itself = Rereadable::open(folder.at(""));
  ASSERT_FALSE(itself);
  EXPECT_EQ(itself.error().message, "is a directory, expected a file");
}

}  // namespace
}  // namespace gracekeeper::io
