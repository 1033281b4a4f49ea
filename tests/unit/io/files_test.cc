#include "io/files.h"

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <new>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "io/descriptor.h"
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

TEST(Files, DoesNotWaitAtAPipeForWhatIsReadAgain) {
  const TemporaryFolder folder;
  const auto pipe = folder.at("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto refused = read_kept_file(pipe);
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_string(refused.error()), pipe + ": is a pipe, expected a file");
  EXPECT_EQ(read_kept_file(folder.put("file", "text")).value_or(""), "text");
}

TEST(Files, ReplacesAFileInOneGo) {
  const TemporaryFolder folder;
  const auto file = folder.at("file");
  ASSERT_TRUE(write_file(file, "old", 0600));
  ASSERT_TRUE(write_file(file, "new", 0644));
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

TEST(Files, LeavesDevicesPipesAndLinksWhatTheyAre) {
  const TemporaryFolder folder;
  const auto real = folder.put("real", "old");
  for (const std::string& target : {real, folder.at("new")}) {
    const auto link = folder.at("link");
    std::filesystem::create_symlink(target, link);
    ASSERT_TRUE(write_file(link, "by way of a link"));
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(read_or_error(target), "by way of a link");
    std::filesystem::remove(link);
  }

  const auto pipe = folder.at("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const Descriptor reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(write_file(pipe, "into a pipe"));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  std::string piped(64, '\0');
  piped.resize(static_cast<std::size_t>(
      std::max<ssize_t>(0, ::read(reader.get(), piped.data(), piped.size()))));
  EXPECT_EQ(piped, "into a pipe");

  // By a link, so that the machine's own stays should this fail.
  const auto full = folder.at("full");
  std::filesystem::create_symlink("/dev/full", full);
  const auto failed = write_file(full, "into a device that is full");
  ASSERT_FALSE(failed);
  EXPECT_EQ(to_string(failed.error()), full + ": No space left on device");
  EXPECT_TRUE(std::filesystem::is_character_file(full));
  // A name of what is open elsewhere: the file behind it is not replaced.
  const Descriptor open_file(::open(real.c_str(), O_RDWR | O_TRUNC | O_CLOEXEC));
  ASSERT_TRUE(write_file(fmt::format("/dev/fd/{}", open_file.get()), "by a descriptor"));
  const auto content = read_descriptor(open_file.get(), "real");
  ASSERT_TRUE(content);
  EXPECT_EQ(*content, "by a descriptor");
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

// What it could not be used for yet is not lost: nobody writes it a second time.
TEST(FileWatch, TellsAgainOfAChangeWhoseCallbackThrew) {
  const TemporaryFolder folder;
  const auto a = folder.put("a", "1");
  const auto b = folder.put("b", "1");
  bool has_memory = false;
  std::vector<std::string> changed;
  std::unique_ptr<FileWatch> watch;
  watch =
      std::make_unique<FileWatch>(std::vector{a, b}, [&](const std::vector<std::string>& paths) {
        watch->watch({b, a});
        if (!has_memory) throw std::bad_alloc();
        changed = paths;
      });
  folder.put("a", "2");
  EXPECT_THROW(watch->step(), std::bad_alloc);
  has_memory = true;
  EXPECT_TRUE(watch->step());
  EXPECT_EQ(changed, std::vector<std::string>{a});
  EXPECT_FALSE(watch->step());
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
