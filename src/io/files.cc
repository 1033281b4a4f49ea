#include "io/files.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "io/descriptor.h"

namespace gracekeeper::io {
namespace {

tl::unexpected<Error> fail_for(const std::string& path, std::string message) {
  return tl::make_unexpected(
      Error{.message = std::move(message), .file = path, .position = {}, .path = {}});
}

tl::unexpected<Error> fail_with_errno(const std::string& path, int code) {
  return fail_for(path, std::generic_category().message(code));
}

}  // namespace

Result<std::string> read_descriptor(int descriptor, const std::string& name,
                                    std::size_t max_bytes) {
  std::string content;
  struct stat status {};
  if (::fstat(descriptor, &status) == 0) {
    if (S_ISDIR(status.st_mode)) return fail_for(name, "is a directory, expected a file");
    if (S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) <= max_bytes) {
      content.reserve(static_cast<std::size_t>(status.st_size));
    }
  }
  std::array<char, std::size_t{64} * 1024> buffer;
  while (true) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail_with_errno(name, errno);
    }
    if (count == 0) return content;
    if (static_cast<std::size_t>(count) > max_bytes - content.size()) {
      return fail_for(name, fmt::format("is larger than {} bytes", max_bytes));
    }
    content.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_with_errno(path, errno);
  return read_descriptor(file.get(), path, max_bytes);
}

Result<std::string> read_kept_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) return fail_with_errno(path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) == 0 && S_ISFIFO(status.st_mode))
    return fail_for(path, "is a pipe, expected a file");
  return read_descriptor(file.get(), path, max_bytes);
}

namespace {

// 0 or an errno.
int write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = ::write(descriptor, content.data(), content.size());
    if (count >= 0) {
      content.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// Into what is there already, or where a link points to nothing yet.
Result<void> write_to(const std::string& path, std::string_view content, int flags, unsigned mode) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, mode));
  if (!file) return fail_with_errno(path, errno);
  if (const int code = write_all(file.get(), content); code != 0)
    return fail_with_errno(path, code);
  if (::close(file.release()) != 0) return fail_with_errno(path, errno);
  return {};
}

// Names of what is open elsewhere: /dev/stdout may be a regular file, which must not be replaced
// under whoever writes to it.
bool is_special_name(std::string_view path) {
  return path.starts_with("/dev/") || path.starts_with("/proc/");
}

// Writes beside `path` and renames; `prepare` may change what the new file is before that, and
// gives 0 or an errno.
Result<void> replace_file(const std::string& path, std::string_view content, unsigned mode,
                          const std::function<int(int)>& prepare) {
  // Unique within the process and, by its id, among processes; the same folder, so that rename
  // works.
  static std::atomic<unsigned> counter{0};
  const std::string temporary = fmt::format("{}.{}.{}.tmp", path, ::getpid(), counter++);
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file) return fail_with_errno(path, errno);
  const auto give_up = [&](int code) {
    ::unlink(temporary.c_str());
    return fail_with_errno(path, code);
  };
  if (const int code = write_all(file.get(), content); code != 0) return give_up(code);
  if (const int code = prepare(file.get()); code != 0) return give_up(code);
  if (::fsync(file.get()) != 0) return give_up(errno);
  if (::close(file.release()) != 0) return give_up(errno);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return give_up(errno);
  return {};
}

}  // namespace

Result<void> write_file(const std::string& path, std::string_view content, unsigned mode) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return fail_with_errno(path, EISDIR);
    if (is_special_name(path) || !S_ISREG(status.st_mode))
      return write_to(path, content, O_APPEND, mode);
    return rewrite_file(path, content);
  }
  if (::lstat(path.c_str(), &status) == 0) return write_to(path, content, O_CREAT, mode);
  return replace_file(path, content, mode, [](int) { return 0; });
}

Result<void> rewrite_file(const std::string& path, std::string_view content) {
  std::error_code failed;
  const auto real = std::filesystem::canonical(path, failed).string();
  if (failed) return fail_for(path, failed.message());
  struct stat status {};
  if (::stat(real.c_str(), &status) != 0) return fail_with_errno(path, errno);
  if (!S_ISREG(status.st_mode)) return fail_for(path, "is not a regular file");
  if (::access(real.c_str(), W_OK) != 0) return fail_with_errno(path, errno);
  auto written = replace_file(real, content, 0600, [&](int descriptor) {
    // Only root may give a file away; for others it is theirs already, or becomes theirs.
    const int given = ::fchown(descriptor, status.st_uid, status.st_gid);
    static_cast<void>(given);
    return ::fchmod(descriptor, status.st_mode & 07777U) == 0 ? 0 : errno;
  });
  if (!written) written.error().file = path;
  return written;
}

}  // namespace gracekeeper::io
