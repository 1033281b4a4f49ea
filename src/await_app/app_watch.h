// Decides from what is seen of a pod's network, look by look, whether its application is gone.
//
//   AppWatch watch(now, {.quiet = 800ms, .timeout = 30s});
//   while (watch.take(now, look) == Verdict::Wait) …
//
// The application shows itself in two ways: a process other than the proxy's holds a socket, or a
// TCP connection within the pod has been made. The second is for an application
// that has no listener any more and opens short connections: they are over long before the next
// look, and what is left of them (TIME_WAIT) has no owner. Each goes to the proxy's listener, so a
// connection has been begun in the pod's network and a listener in it has been given one. Who did
// either is not known, and both can also happen without the application: that can only make the
// wait longer. What the proxy tries on behalf of clients that do not know yet that the application
// is gone is refused: begun, and given to no listener.
//
// The application is gone when there has been no sign of it for the quiet period. Without a clock
// of its own.
#pragma once

#include <chrono>
#include <optional>

#include "await_app/socket_table.h"

namespace gracekeeper::await_app {

using Millis = std::chrono::milliseconds;

// A pod shall be gone within two seconds of its application: the kubelet and the proxy have what
// these two leave of them.
inline constexpr Millis kDefaultQuiet{800};
inline constexpr Millis kBetweenLooks{100};

struct Look {
  bool app_socket = false;
  ConnectCounts connects;
};

enum class Verdict { Wait, AppGone, TimeIsUp };

class AppWatch {
 public:
  struct Limits {
    Millis quiet = kDefaultQuiet;
    Millis timeout{0};
  };
  // Times are of any monotonic clock, the same for all.
  AppWatch(Millis start, Limits limits) : limits_(limits), start_(start), last_sign_(start) {}

  Verdict take(Millis now, const Look& look);

 private:
  Limits limits_;
  Millis start_;
  Millis last_sign_;
  std::optional<ConnectCounts> counts_at_sign_;
};

}  // namespace gracekeeper::await_app
