// The most that any webhook on this server can do: the same HTTPS server answers every review with
// the same bytes, as many as gracekeeper's answer has, without looking at it.
//
//   bench-ceiling PORT CERTIFICATE KEY BYTES
#include <charconv>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <string>
#include <string_view>

#include "io/certificate_store.h"
#include "io/certificates.h"
#include "io/memory.h"
#include "io/server.h"

namespace {

template <typename Number>
bool read(std::string_view text, Number& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

int give_up(const gracekeeper::Error& error) {
  fmt::print(stderr, "bench-ceiling: {}\n", gracekeeper::to_string(error));
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  namespace io = gracekeeper::io;
  std::uint16_t port = 0;
  std::size_t bytes = 0;
  if (count != 5 || !read(arguments[1], port) || !read(arguments[4], bytes)) {
    fmt::print(stderr, "usage: bench-ceiling PORT CERTIFICATE KEY BYTES\n");
    return 2;
  }
  io::keep_more_small_blocks();  // as `serve` does
  const auto pair = io::load_pair(arguments[2], arguments[3]);
  if (!pair) return give_up(pair.error());
  const auto store = io::CertificateStore::make(*pair);
  if (!store) return give_up(store.error());

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const std::string answer(bytes, 'x');
  const auto server = io::Server::start(
      {.listen = {"127.0.0.1", port}, .certificates = *store},
      {{.method = "POST",
        .path = "/mutate",
        .handler = [&answer](const io::Request&) { return io::Response{.body = answer}; },
        .media_type = "application/json"}});
  if (!server) return give_up(server.error());
  int signal = 0;
  sigwait(&ends, &signal);
  return 0;
}
