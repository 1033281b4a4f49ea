#include "await_app/network_view.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>
#include <utility>

#include "await_app/socket_table.h"

namespace gracekeeper::await_app {
namespace {

// Longer than any line of a socket table (about 200 characters), and than all of snmp.
std::array<char, 65'536> buffer;

void complain(const char* file, const char* what) {
  std::fprintf(stderr, "gracekeeper-await-app: %s: %s\n", file, what);
}

// A descriptor that is closed at the end of its scope.
class File {
 public:
  explicit File(const char* path) : fd_(open(path, O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  // As read(2), which a signal does not cut short.
  ssize_t read_some(char* to, std::size_t size) const {
    ssize_t got = -1;
    do {
      got = read(fd_, to, size);
    } while (got < 0 && errno == EINTR);
    return got;
  }

 private:
  int fd_;
};

enum class Found { Nothing, AppSocket, Failure };

// Reads to the end, or to the first socket that is the application's.
Found search_table(const char* path, bool may_be_missing, std::uint32_t proxy_uid) {
  const File file(path);
  if (!file.is_open()) {
    if (errno == ENOENT && may_be_missing) return Found::Nothing;
    complain(path, std::strerror(errno));
    return Found::Failure;
  }
  std::size_t kept = 0;  // of a line whose end has not been read yet
  bool is_header = true;
  while (true) {
    const ssize_t got = file.read_some(buffer.data() + kept, buffer.size() - kept);
    if (got < 0) {
      complain(path, std::strerror(errno));
      return Found::Failure;
    }
    if (got == 0) return Found::Nothing;
    std::string_view text(buffer.data(), kept + static_cast<std::size_t>(got));
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      const auto line = text.substr(0, end);
      text.remove_prefix(end + 1);
      if (std::exchange(is_header, false)) continue;
      const auto socket = parse_socket(line);
      if (!socket) {
        complain(path, "a line is not one of a table of sockets");
        return Found::Failure;
      }
      if (is_of_app(*socket, proxy_uid)) return Found::AppSocket;
    }
    kept = text.size();
    if (kept == buffer.size()) {
      complain(path, "a line is too long");
      return Found::Failure;
    }
    std::memmove(buffer.data(), text.data(), kept);
  }
}

std::optional<ConnectCounts> read_connect_counts() {
  constexpr const char* path = "/proc/self/net/snmp";
  const File file(path);
  std::size_t size = 0;
  while (file.is_open() && size < buffer.size()) {
    const ssize_t got = file.read_some(buffer.data() + size, buffer.size() - size);
    if (got < 0) break;
    if (got == 0) {
      const auto counts = parse_connect_counts({buffer.data(), size});
      if (!counts) complain(path, "it has no ActiveOpens and PassiveOpens of Tcp");
      return counts;
    }
    size += static_cast<std::size_t>(got);
  }
  complain(path, std::strerror(errno));
  return std::nullopt;
}

}  // namespace

std::optional<Look> look_at_network(std::uint32_t proxy_uid) {
  // The counters first: a connection that begins after it is either still in a table or counted at
  // the next look.
  const auto counts = read_connect_counts();
  if (!counts) return std::nullopt;
  struct Table {
    const char* path;
    bool may_be_missing;
  };
  for (const auto& [path, may_be_missing] :
       {Table{"/proc/self/net/tcp", false}, Table{"/proc/self/net/tcp6", true},
        Table{"/proc/self/net/udp", false}, Table{"/proc/self/net/udp6", true}}) {
    const auto found = search_table(path, may_be_missing, proxy_uid);
    if (found == Found::Failure) return std::nullopt;
    if (found == Found::AppSocket) return Look{.app_socket = true, .connects = *counts};
  }
  return Look{.app_socket = false, .connects = *counts};
}

}  // namespace gracekeeper::await_app
