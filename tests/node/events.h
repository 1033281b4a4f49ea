// What the test programs share: events with a monotonic time, sent to the test over a connection
// whose end also tells when the process has gone, by whatever signal. Linux, static, no dependency.
#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace events {

// Seconds since boot: one clock for all containers of a node.
inline double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

inline std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != 0 ? value : otherwise;
}

// Remembers the first SIGTERM and when it came; what runs goes on.
inline volatile std::sig_atomic_t terminated = 0;
inline timespec terminated_time{};
inline void catch_sigterm() {
  struct sigaction action {};
  action.sa_handler = [](int) {
    if (terminated == 0) clock_gettime(CLOCK_MONOTONIC, &terminated_time);
    terminated = 1;
  };
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, nullptr);
}
inline double terminated_at() {
  return static_cast<double>(terminated_time.tv_sec) +
         static_cast<double>(terminated_time.tv_nsec) / 1e9;
}

// poll() on one descriptor that a signal does not cut short.
inline bool wait_for(int fd, short what, int timeout_ms) {
  const double end = now() + timeout_ms / 1e3;
  while (true) {
    pollfd wait{.fd = fd, .events = what, .revents = 0};
    const int left = static_cast<int>((end - now()) * 1e3);
    const int found = poll(&wait, 1, left > 0 ? left : 0);
    if (found >= 0 || errno != EINTR) return found == 1;
  }
}

// "10.77.0.1:9999"; anything else ends the program: a test that cannot report has failed.
inline sockaddr_in address(const std::string& text) {
  const auto colon = text.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &to.sin_addr) != 1) {
    std::fprintf(stderr, "not an address: %s\n", text.c_str());
    std::exit(70);
  }
  to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)));
  return to;
}

// A connected socket, or -1 with errno set. Blocking afterwards.
inline int connect_to(const sockaddr_in& to, int timeout_ms) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    int error = errno;
    if (error == EINPROGRESS) {
      error = wait_for(fd, POLLOUT, timeout_ms) ? 0 : ETIMEDOUT;
      socklen_t size = sizeof error;
      if (error == 0) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error != 0) {
      close(fd);
      errno = error;
      return -1;
    }
  }
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  return fd;
}

// To a socket in a folder that the node and the container share: it stands in no table of the pod's
// network.
inline int connect_to_file(const std::string& path) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::snprintf(to.sun_path, sizeof to.sun_path, "%s", path.c_str());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  std::perror(path.c_str());
  std::exit(70);
}

// Opens the connection and says who is there. EVENTS overrides where to: "10.77.0.1:9999" or
// "/folder/socket".
class Reporter {
 public:
  explicit Reporter(const std::string& container) {
    const std::string to = variable("EVENTS", "10.77.0.1:9999");
    fd_ = to[0] == '/' ? connect_to_file(to) : connect_to(address(to), 5000);
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    say("start", R"("pod":"%s","container":"%s","pid":%d)", host, container.c_str(), getpid());
  }
  // One line of JSON: {"event":…,"time":…,more}. Goes to standard output too, for `kubectl logs`.
  void say(const char* event) { say(event, "%s", ""); }
  __attribute__((format(printf, 3, 4))) void say(const char* event, const char* more, ...) {
    char rest[512] = "";
    va_list arguments;
    va_start(arguments, more);
    std::vsnprintf(rest, sizeof rest, more, arguments);
    va_end(arguments);
    char line[700];
    const int size = std::snprintf(line, sizeof line, "{\"event\":\"%s\",\"time\":%.6f%s%s}\n",
                                   event, now(), *rest ? "," : "", rest);
    if (fd_ >= 0 && send(fd_, line, static_cast<std::size_t>(size), MSG_NOSIGNAL) < 0) fd_ = -1;
    if (write(STDOUT_FILENO, line, static_cast<std::size_t>(size)) < 0) return;
  }

  // The test has sent something over the connection: the process shall end by itself.
  bool told_to_exit() const {
    char byte = 0;
    return fd_ >= 0 && recv(fd_, &byte, 1, MSG_DONTWAIT) == 1;
  }

 private:
  int fd_;
};

}  // namespace events
