#include "io/files.h"

#include <atomic>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "io/file_watch.h"
#include "temporary_folder.h"

namespace gracekeeper::io::test {
namespace {

std::string read_or_error(const std::string& path, std::size_t max = kMaxFileBytes) {
  const auto content = read_file(path, max);
  return content ? *content : to_string(content.error());
}

TEST(Files, ReadsWhatIsThereOrSaysWhyNot) {
  const TemporaryFolder folder;
  const auto file = folder.put("file", std::string("a\0b", 3));
  EXPECT_EQ(read_or_error(file), std::string("a\0b", 3));
  EXPECT_EQ(read_or_error(file, 3), std::string("a\0b", 3));
  EXPECT_EQ(read_or_error(file, 2), file + ": is larger than 2 bytes");
  EXPECT_EQ(read_or_error(folder.at(".")), folder.at(".") + ": is a directory, expected a file");
  EXPECT_EQ(read_or_error(folder.at("none")), folder.at("none") + ": No such file or directory");
  EXPECT_EQ(read_or_error(file + "/x"), file + "/x: Not a directory");
  // No size of its own.
  EXPECT_EQ(read_or_error("/proc/self/comm").substr(0, 7), "io_test");
}

TEST(Files, ReplacesAFileInOneGo) {
  const TemporaryFolder folder;
  const auto file = folder.put("file", "old");
  ASSERT_TRUE(write_file(file, "new", 0600));
  EXPECT_EQ(read_or_error(file), "new");
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const auto failed = write_file(folder.at("none/file"), "x");
  ASSERT_FALSE(failed);
  EXPECT_EQ(to_string(failed.error()), folder.at("none/file") + ": No such file or directory");
  const auto directory = write_file(folder.at("."), "x");
  ASSERT_FALSE(directory);
  // Nothing is left behind by either.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.at(".")), {}), 1);
}

TEST(FileWatch, TellsWhichFilesHaveChanged) {
  const TemporaryFolder folder;
  const auto a = folder.put("a", "1");
  const auto b = folder.at("b");
  std::vector<std::string> changed;
  FileWatch watch({a, b}, [&](const std::vector<std::string>& paths) { changed = paths; });
  EXPECT_FALSE(watch.step());
  folder.put("a", "1");
  EXPECT_FALSE(watch.step()) << "the same content again is no change";
  folder.put("a", "2");
  EXPECT_TRUE(watch.step());
  EXPECT_EQ(changed, std::vector<std::string>{a});
  folder.put("b", "");
  EXPECT_TRUE(watch.step()) << "from missing to empty is a change";
  EXPECT_EQ(changed, std::vector<std::string>{b});
  std::filesystem::remove(a);
  std::filesystem::remove(b);
  EXPECT_TRUE(watch.step());
  EXPECT_EQ(changed, (std::vector<std::string>{a, b}));
  EXPECT_FALSE(watch.step());
}

TEST(FileWatch, LooksByItselfAndStopsAtOnce) {
  const TemporaryFolder folder;
  const auto file = folder.put("a", "1");
  std::atomic<int> calls{0};
  FileWatch watch(
      {file}, [&](const auto&) { ++calls; }, std::chrono::milliseconds(5));
  watch.start();
  folder.put("a", "2");
  EXPECT_TRUE(eventually([&] { return calls > 0; }));
  watch.stop();
  const int before = calls;
  folder.put("a", "3");
  FileWatch slow(
      {file}, [](const auto&) {}, std::chrono::hours(1));
  slow.start();
  const auto begin = std::chrono::steady_clock::now();
  slow.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(calls, before);
}

}  // namespace
}  // namespace gracekeeper::io::test
