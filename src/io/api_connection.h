// One connection to an API server, TCP or TLS, whose every wait ends: at a deadline, after too long
// a silence, or when the client is stopped. Internal to src/io.
//
// Not httplib's own client sockets: those wait with select(), which cannot see descriptors from
// 1024 on (this program holds thousands), resolve names without a bound, and cannot be stopped
// while they connect.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>

#include "core/result.h"
#include "io/api_url.h"
#include "io/descriptor.h"
#include "io/openssl_ptr.h"

namespace gracekeeper::io {

// Raised once, seen by every wait from then on.
class StopSignal {
 public:
  StopSignal();
  void raise();
  [[nodiscard]] bool is_raised() const;
  [[nodiscard]] int descriptor() const { return event_.get(); }

 private:
  Descriptor event_;
};

class ApiConnection {
 public:
  using Clock = std::chrono::steady_clock;

  struct Target {
    const ApiUrl& url;
    SSL_CTX* context = nullptr;  // null: plain TCP
    std::string tls_name;        // the name that the server has to prove
  };

  // Error::message is the reason only; the caller says which server.
  static Result<std::unique_ptr<ApiConnection>> open(const Target& target,
                                                     Clock::time_point deadline,
                                                     const StopSignal& stop);

  // From now on: when everything has to be done, and how long a single wait may take.
  void limit(std::optional<Clock::time_point> deadline, std::chrono::milliseconds silence);

  // Bytes, at least one; 0 at the orderly end; -1 on a failure, which failure() then tells.
  ssize_t read(char* to, std::size_t size);
  ssize_t write(const char* from, std::size_t size);
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  explicit ApiConnection(const StopSignal& stop) : stop_(stop) {}
  Result<void> connect(const Target& target);
  Result<void> handshake(const Target& target);
  bool wait(short events);
  // After an SSL call that returned `result`: true to try again.
  bool try_again(int result);
  ssize_t fail_with(std::string reason);

  const StopSignal& stop_;
  Descriptor socket_;
  SslPtr ssl_;
  std::optional<Clock::time_point> deadline_;
  std::chrono::milliseconds silence_{0};
  std::string failure_;
};

}  // namespace gracekeeper::io
