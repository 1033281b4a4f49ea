// A stand-in for a sidecar proxy. It is no Linkerd proxy; it does what that does at SIGTERM: closes
// its listener at once, so that new connections are refused, lets open ones go on, and exits at the
// end of its grace. Connections to 127.0.0.1:4140 are carried to STAND_IN_TARGET.
//
// By the name it is called with:
//   stand-in-proxy                    the proxy; 4191 answers GET /ready, /live and, where
//                                     LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED is true, POST
//                                     /shutdown
//   linkerd-await [--shutdown] [-- COMMAND…]
//                                     waits for /ready; runs COMMAND and then posts /shutdown
//   linkerd2-proxy-init               exits 0: nothing is redirected here, the test application
//   connects
//                                     to the proxy's outbound port itself
//   sleep N                           for the image that has a sleep
//
// LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD ("30000ms" or "30s") is the grace. With
// STAND_IN_EXIT_WHEN_IDLE=1 it goes as soon as no connection is open, as a proxy without long-lived
// connections would.
#include <map>
#include <sys/wait.h>
#include <vector>

#include "events.h"

namespace {

constexpr int kOutbound = 4140;
constexpr int kAdmin = 4191;
bool shutdown_asked = false;

double grace() {
  const std::string text = events::variable("LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD", "120s");
  const double number = std::atof(text.c_str());
  return text.size() > 2 && text.compare(text.size() - 2, 2, "ms") == 0 ? number / 1000 : number;
}

int listen_on(std::uint32_t host, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(host);
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  if (bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(fd, 512) != 0) {
    std::perror("listen");
    std::exit(71);
  }
  return fd;
}

// Carries what is there from one side to the other. False: that side has ended.
bool carry(int from, int to) {
  char data[16384];
  const ssize_t size = recv(from, data, sizeof data, MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
  return size > 0 && send(to, data, static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
}

void answer_admin(int fd) {
  char request[2048] = "";
  if (events::wait_for(fd, POLLIN, 1000) && recv(fd, request, sizeof request - 1, 0) > 0) {
    const bool post = std::strncmp(request, "POST /shutdown", 14) == 0;
    const bool allowed = events::variable("LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED", "") == "true";
    if (post && allowed) shutdown_asked = true;
    const char* text =
        post && !allowed
            ? "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            : "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n";
    send(fd, text, std::strlen(text), MSG_NOSIGNAL);
  }
  close(fd);
}

int proxy() {
  events::catch_sigterm();
  events::Reporter reporter("linkerd-proxy");
  const sockaddr_in target = events::address(events::variable("STAND_IN_TARGET", "10.77.0.1:9998"));
  const bool exit_when_idle = events::variable("STAND_IN_EXIT_WHEN_IDLE", "") == "1";
  int outbound = listen_on(INADDR_LOOPBACK, kOutbound);
  const int admin = listen_on(INADDR_ANY, kAdmin);
  std::map<int, int> peers;  // both directions of every open connection
  double terminated_at = -1;
  while (true) {
    if ((events::terminated != 0 || shutdown_asked) && terminated_at < 0) {
      terminated_at = events::terminated != 0 ? events::terminated_at() : events::now();
      close(outbound);
      outbound = -1;
      reporter.say(shutdown_asked ? "shutdown-asked" : "sigterm", R"("at":%.6f,"open":%zu)",
                   terminated_at, peers.size() / 2);
    }
    if (terminated_at >= 0 && (events::now() - terminated_at >= grace() ||
                               ((exit_when_idle || shutdown_asked) && peers.empty())))
      break;
    std::vector<pollfd> waits{{.fd = admin, .events = POLLIN, .revents = 0},
                              {.fd = outbound, .events = POLLIN, .revents = 0}};
    for (const auto& [from, to] : peers)
      waits.push_back({.fd = from, .events = POLLIN, .revents = 0});
    poll(waits.data(), waits.size(), 10);
    if (waits[0].revents != 0)
      for (int fd; (fd = accept4(admin, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) answer_admin(fd);
    if (outbound >= 0 && waits[1].revents != 0) {
      for (int fd; (fd = accept4(outbound, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
        const int other = events::connect_to(target, 10'000);
        if (other < 0) {
          close(fd);
          continue;
        }
        peers[fd] = other;
        peers[other] = fd;
      }
    }
    for (std::size_t i = 2; i < waits.size(); ++i) {
      const auto found = peers.find(waits[i].fd);
      if (found == peers.end() || waits[i].revents == 0 || carry(found->first, found->second))
        continue;
      const auto [from, to] = *found;
      close(from);
      close(to);
      peers.erase(from);
      peers.erase(to);
    }
  }
  reporter.say("exit");
  return 0;
}

// Asks the proxy's admin port; true when it answered.
bool ask(const char* request) {
  const int fd = events::connect_to(events::address("127.0.0.1:4191"), 1000);
  if (fd < 0) return false;
  char byte = 0;
  const bool answered = send(fd, request, std::strlen(request), MSG_NOSIGNAL) > 0 &&
                        events::wait_for(fd, POLLIN, 1000) && recv(fd, &byte, 1, 0) == 1;
  close(fd);
  return answered;
}

pid_t child = -1;

int await(int count, char** arguments) {
  bool asked_shutdown = false;
  int command = 0;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    if (option == "--") {
      command = i + 1;
      break;
    }
    if (option == "--shutdown" || option == "-S")
      asked_shutdown = true;
    else if (option[0] != '-') {
      command = i;
      break;
    }
  }
  for (int i = 0; i < 1200 && !ask("GET /ready HTTP/1.1\r\nhost: proxy\r\n\r\n"); ++i)
    usleep(100'000);
  if (command == 0 || command >= count) return 0;
  child = fork();
  if (child == 0) {
    execvp(arguments[command], arguments + command);
    std::perror(arguments[command]);
    _exit(127);
  }
  struct sigaction action {};
  action.sa_handler = [](int signal) { kill(child, signal); };
  for (const int signal : {SIGTERM, SIGINT}) sigaction(signal, &action, nullptr);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (asked_shutdown) ask("POST /shutdown HTTP/1.1\r\nhost: proxy\r\ncontent-length: 0\r\n\r\n");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int main(int count, char** arguments) {
  std::string name = arguments[0];
  name = name.substr(name.rfind('/') + 1);
  if (name == "linkerd-await") return await(count, arguments);
  if (name == "linkerd2-proxy-init") return 0;
  if (name == "sleep") {
    usleep(static_cast<useconds_t>((count > 1 ? std::atof(arguments[1]) : 0) * 1e6));
    return 0;
  }
  return proxy();
}
