#include "await_app/install.h"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gracekeeper::await_app {
namespace {

bool complain(const char* what) {
  std::fprintf(stderr, "gracekeeper-await-app: %s: %s\n", what, std::strerror(errno));
  return false;
}

bool copy_all(int from, int to) {
  while (true) {
    const ssize_t sent = sendfile(to, from, nullptr, 1U << 20U);
    if (sent == 0) return true;
    if (sent < 0 && errno != EINTR) return false;
  }
}

}  // namespace

bool install_into(const char* folder) {
  std::array<char, PATH_MAX> target{};
  std::array<char, PATH_MAX> partial{};
  const int length = std::snprintf(target.data(), target.size(), "%s/%s", folder, kProgramName);
  const int longer = std::snprintf(partial.data(), partial.size(), "%s/.%s", folder, kProgramName);
  if (length < 0 || longer < 0 || static_cast<std::size_t>(longer) >= partial.size()) {
    errno = ENAMETOOLONG;
    return complain(folder);
  }
  const int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (from < 0) return complain("/proc/self/exe");
  unlink(partial.data());  // of an attempt that did not end
  const int to = open(partial.data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  if (to < 0) {
    complain(partial.data());
    close(from);
    return false;
  }
  bool good = copy_all(from, to) && fchmod(to, 0755) == 0;
  good = close(to) == 0 && good;
  close(from);
  if (!good || rename(partial.data(), target.data()) != 0) return complain(target.data());
  return true;
}

}  // namespace gracekeeper::await_app
