#include "io/reread.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace gracekeeper::io {
namespace {

tl::unexpected<Error> fail_for(const std::string& name, std::string message) {
  return tl::make_unexpected(
      Error{.message = std::move(message), .file = name, .position = {}, .path = {}});
}

tl::unexpected<Error> fail_with_errno(const std::string& name, int code) {
  return fail_for(name, std::generic_category().message(code));
}

// A file that is gone with its descriptor; in memory where no folder takes it.
Descriptor nameless_file() {
  std::error_code unknown;
  const auto folder = std::filesystem::temp_directory_path(unknown);
  Descriptor file(::open(unknown ? "/tmp" : folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) file = Descriptor(::memfd_create("gracekeeper-input", MFD_CLOEXEC));
  return file;
}

// 0, or an errno.
int write_all(int descriptor, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return 0;
}

Result<Descriptor> copy_of(int descriptor, const std::string& name) {
  Descriptor copy = nameless_file();
  if (!copy) return fail_with_errno(name, errno);
  std::array<char, 64 * 1024> buffer;
  while (true) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_with_errno(name, errno);
    if (count == 0) return copy;
    if (const int code =
            write_all(copy.get(), std::span(buffer.data(), static_cast<std::size_t>(count)));
        code != 0)
      return fail_with_errno(name, code);
  }
}

}  // namespace

Result<Rereadable> Rereadable::from(Descriptor owned, int descriptor, const std::string& name) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return fail_with_errno(name, errno);
  if (S_ISDIR(status.st_mode)) return fail_for(name, "is a directory, expected a file");
  if (S_ISREG(status.st_mode)) {
    // Whoever handed over standard input may have read the first part of it.
    const off_t begin = ::lseek(descriptor, 0, SEEK_CUR);
    return Rereadable(std::move(owned), descriptor,
                      begin < 0 ? 0 : static_cast<std::uint64_t>(begin), name);
  }
  auto copy = copy_of(descriptor, name);
  if (!copy) return tl::make_unexpected(std::move(copy).error());
  const int copied = copy->get();
  return Rereadable(*std::move(copy), copied, 0, name);
}

Result<Rereadable> Rereadable::open(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_with_errno(path, errno);
  const int descriptor = file.get();
  return from(std::move(file), descriptor, path);
}

Result<Rereadable> Rereadable::standard_input(const std::string& name) {
  return from(Descriptor(), STDIN_FILENO, name);
}

Result<std::size_t> Rereadable::read_at(std::uint64_t offset, std::span<char> to) const {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t count = ::pread(descriptor_, to.data() + done, to.size() - done,
                                  static_cast<off_t>(begin_ + offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_with_errno(name_, errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace gracekeeper::io
