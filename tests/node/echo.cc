// Sends every byte back: the far end of the connections that the test application opens.
//   echo HOST:PORT
#include <vector>

#include "events.h"

int main(int count, char** arguments) {
  if (count != 2) return 64;
  const sockaddr_in at = events::address(arguments[1]);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      listen(listener, 1024) != 0) {
    std::perror(arguments[1]);
    return 71;
  }
  std::vector<pollfd> waits{{.fd = listener, .events = POLLIN, .revents = 0}};
  while (true) {
    poll(waits.data(), waits.size(), -1);
    if (waits[0].revents != 0)
      for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
        waits.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    for (std::size_t i = waits.size() - 1; i > 0; --i) {
      if (waits[i].revents == 0) continue;
      char data[4096];
      const ssize_t size = recv(waits[i].fd, data, sizeof data, 0);
      if (size > 0) {
        send(waits[i].fd, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
      } else if (size == 0 || errno != EAGAIN) {
        close(waits[i].fd);
        waits[i] = waits.back();
        waits.pop_back();
      }
    }
  }
}
