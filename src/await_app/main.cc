// Waits in a proxy's preStop hook until the application beside it is gone.
//
//   gracekeeper-await-app --proxy-uid UID --timeout DURATION [--quiet DURATION]
//   gracekeeper-await-app --install FOLDER
//
// The containers of a pod share the network namespace, so the application's sockets can be seen
// from the proxy's container; its processes cannot. When there is no sign of it any more
// (app_watch.h), the hook ends and the kubelet sends SIGTERM to the proxy; at the latest it ends at
// the timeout.
//
// What cannot be read cannot end the wait: then it lasts for the whole timeout, as the fixed sleep
// does. The exit code is 0 also then, since any other would be reported as a hook that failed; 64
// is for a wrong command line, 1 for an --install that failed.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string_view>

#include "await_app/app_watch.h"
#include "await_app/duration_argument.h"
#include "await_app/install.h"
#include "await_app/network_view.h"

namespace gracekeeper::await_app {
namespace {

constexpr int kUsage = 64;

struct Options {
  std::optional<std::uint32_t> proxy_uid;
  std::optional<Millis> timeout;
  Millis quiet = kDefaultQuiet;
  const char* install = nullptr;
};

int usage(const char* what, const char* which) {
  std::fprintf(stderr,
               "gracekeeper-await-app: %s%s\n"
               "usage: gracekeeper-await-app --proxy-uid UID --timeout 30s [--quiet 800ms]\n"
               "       gracekeeper-await-app --install FOLDER\n",
               what, which);
  return kUsage;
}

std::optional<std::uint32_t> parse_uid(std::string_view text) {
  std::uint32_t uid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return uid;
}

// CLOCK_MONOTONIC: not moved by whoever sets the time.
Millis now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::chrono::duration_cast<Millis>(std::chrono::seconds{time.tv_sec} +
                                            std::chrono::nanoseconds{time.tv_nsec});
}

void sleep_until(Millis moment) {
  timespec time{};
  time.tv_sec = static_cast<time_t>(moment.count() / 1'000);
  time.tv_nsec = static_cast<long>(moment.count() % 1'000) * 1'000'000;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

void wait_for_app(std::uint32_t proxy_uid, const AppWatch::Limits& limits) {
  const Millis start = now();
  AppWatch watch(start, limits);
  while (true) {
    const auto look = look_at_network(proxy_uid);
    if (!look) {
      std::fprintf(stderr,
                   "gracekeeper-await-app: the application cannot be seen: waiting for all of the "
                   "%lld ms, as a fixed sleep does\n",
                   static_cast<long long>(limits.timeout.count()));
      return sleep_until(start + limits.timeout);
    }
    if (watch.take(now(), *look) != Verdict::Wait) return;
    sleep_until(std::min(now() + kBetweenLooks, start + limits.timeout));
  }
}

// An error code to exit with; nothing: the options are complete.
std::optional<int> parse(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = arguments[i];
    if (i + 1 >= count) return usage("a value is missing after ", arguments[i]);
    const char* value = arguments[i + 1];
    if (name == "--install") {
      options.install = value;
    } else if (name == "--proxy-uid") {
      options.proxy_uid = parse_uid(value);
      if (!options.proxy_uid) return usage("--proxy-uid: not a user id: ", value);
    } else if (name == "--timeout" || name == "--quiet") {
      const auto duration = parse_duration_argument(value);
      if (!duration) return usage("not a duration such as 30s or 500ms: ", value);
      if (name == "--timeout")
        options.timeout = duration;
      else
        options.quiet = *duration;
    } else {
      return usage("unknown option ", arguments[i]);
    }
  }
  if (options.install == nullptr && !options.proxy_uid) return usage("--proxy-uid is missing", "");
  if (options.install == nullptr && !options.timeout) return usage("--timeout is missing", "");
  return std::nullopt;
}

}  // namespace
}  // namespace gracekeeper::await_app

int main(int count, char** arguments) {
  using namespace gracekeeper::await_app;
  Options options;
  if (const auto code = parse(count, arguments, options)) return *code;
  if (options.install != nullptr) return install_into(options.install) ? 0 : 1;
  wait_for_app(*options.proxy_uid, {.quiet = options.quiet, .timeout = *options.timeout});
  return 0;
}
