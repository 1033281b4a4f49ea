// A test application. It opens new connections all the time, also after SIGTERM, as applications do
// that finish their work, and reports every change: see events.h.
//
//   application [--name NAME] [--connect HOST:PORT] [--every SECONDS] [--hold HOST:PORT]
//               [--listen PORT] [--close-listener] [--stop-after SECONDS] [--ignore-sigterm]
//               [--run-for SECONDS]
//
// --connect     a new connection every 50 ms (--every), one byte there and one back; failures are
//               reported
// --hold        one connection for the whole life, used all the time; its end is reported
// --listen      answers every connection with "ok\n" until it exits
// --close-listener  at SIGTERM, and goes on with the rest
// --stop-after  exits 0 this long after SIGTERM (default 0)
// --run-for     exits 0 by itself after this time, as a Job does
//
// It also exits 0 when the test says so, over the connection that the events go through.
#include "events.h"

namespace {

constexpr int kPatienceMs = 10'000;  // a loaded machine is slow; what is refused is refused at once

// One byte there, one back.
bool answers(int fd) {
  char byte = '?';
  return send(fd, "x", 1, MSG_NOSIGNAL) == 1 && events::wait_for(fd, POLLIN, kPatienceMs) &&
         recv(fd, &byte, 1, 0) == 1;
}

// An answer came back through whatever is in between.
bool works(const sockaddr_in& to, int& error) {
  const int fd = events::connect_to(to, kPatienceMs);
  error = errno;
  if (fd < 0) return false;
  const bool answered = answers(fd);
  error = answered ? 0 : ECONNRESET;
  close(fd);
  return answered;
}

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(static_cast<std::uint16_t>(port));
  if (bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0 || listen(fd, 128) != 0) {
    std::perror("listen");
    std::exit(71);
  }
  return fd;
}

void answer(int listener) {
  for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    send(fd, "ok\n", 3, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    close(fd);
  }
}

}  // namespace

int main(int count, char** arguments) {
  std::string name = "app", target, held_target;
  double stop_after = 0, run_for = -1, every = 0.05;
  int port = 0;
  bool ignore = false, close_listener = false;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    const auto value = [&] { return i + 1 < count ? std::string(arguments[++i]) : std::string(); };
    if (option == "--name")
      name = value();
    else if (option == "--connect")
      target = value();
    else if (option == "--every")
      every = std::atof(value().c_str());
    else if (option == "--hold")
      held_target = value();
    else if (option == "--listen")
      port = std::atoi(value().c_str());
    else if (option == "--stop-after")
      stop_after = std::atof(value().c_str());
    else if (option == "--run-for")
      run_for = std::atof(value().c_str());
    else if (option == "--close-listener")
      close_listener = true;
    else if (option == "--ignore-sigterm")
      ignore = true;
    else {
      std::fprintf(stderr, "application: unknown option %s\n", option.c_str());
      return 64;
    }
  }
  events::catch_sigterm();

  events::Reporter reporter(name);
  int listener = port != 0 ? listen_on(port) : -1;
  int held = -1;
  if (!held_target.empty()) {
    held = events::connect_to(events::address(held_target), kPatienceMs);
    if (held < 0 || !answers(held)) {
      std::perror("the connection to hold");
      return 72;
    }
  }
  const double begin = events::now();
  double terminated_at = -1;
  bool worked = true;
  long done = 0, failed = 0;
  double next = begin;
  while (true) {
    if (events::terminated != 0 && terminated_at < 0) {
      terminated_at = events::terminated_at();
      reporter.say("sigterm", R"("at":%.6f)", terminated_at);
      if (close_listener && listener >= 0) {
        close(listener);
        listener = -1;
      }
    }
    if (terminated_at >= 0 && !ignore && events::now() - terminated_at >= stop_after) break;
    if (run_for >= 0 && events::now() - begin >= run_for) break;
    if (reporter.told_to_exit()) break;
    if (held >= 0 && events::now() >= next && !answers(held)) {
      reporter.say("held-connection-lost");
      close(held);
      held = -1;
    }
    if (!target.empty() && events::now() >= next) {
      const double started = events::now();
      int error = 0;
      const bool good = works(events::address(target), error);
      ++(good ? done : failed);
      if (!good)
        reporter.say("connect-failed", R"("error":"%s","started":%.6f)", std::strerror(error),
                     started);
      if (good && !worked) reporter.say("connect-works-again");
      if (good && done == 1) reporter.say("connected");
      worked = good;
    }
    if (events::now() >= next) next = events::now() + every;
    pollfd wait{.fd = listener, .events = POLLIN, .revents = 0};
    poll(&wait, listener >= 0 ? 1 : 0, 10);
    if (listener >= 0) answer(listener);
  }
  reporter.say("exit", R"("connections":%ld,"failed":%ld)", done, failed);
  return 0;
}
