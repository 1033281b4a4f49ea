// An HTTPS server whose every answer the test writes itself, byte by byte.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "client.h"
#include "io/certificates.h"

namespace gracekeeper::io::test {

class ApiStub;

// One connection whose head has been read.
struct Exchange {
  const ApiStub& stub;
  SSL* ssl;  // null: plain
  int fd;
  std::string head;  // with the blank line
  std::string body;

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto count =
          ssl != nullptr ? SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()))
                         : static_cast<int>(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void answer(int status, std::string_view content) const {
    send(fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n\r\n{}", status, content.size(),
                     content));
  }
  void start_stream() const { send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); }
  void chunk(std::string_view content) const {
    send(fmt::format("{:x}\r\n{}\r\n", content.size(), content));
  }
  void end_stream() const { send("0\r\n\r\n"); }
  // Until the client has closed or the stub is destroyed; bounded.
  void wait_for_the_end() const;
  bool has_line(const std::string& line) const {
    return head.find("\r\n" + line + "\r\n") != std::string::npos;
  }
};

struct StubOptions {
  bool tls = true;
  bool wants_client_certificate = false;
};

class ApiStub {
 public:
  using Handler = std::function<void(const Exchange&)>;

  ApiStub(Handler handler, const PemPair& pair, StubOptions options = {})
      : handler_(std::move(handler)), options_(options) {
    std::signal(SIGPIPE, SIG_IGN);  // of clients that leave; the client itself must not raise it
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    ::listen(listener_, 16);
    socklen_t size = sizeof(address);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    if (options_.tls) prepare_tls(pair);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~ApiStub() {
    over_ = true;
    accepting_.join();
    for (auto& thread : threads_) thread.join();
    ::close(listener_);
    SSL_CTX_free(context_);
  }
  ApiStub(const ApiStub&) = delete;
  ApiStub& operator=(const ApiStub&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& host = "127.0.0.1") const {
    return fmt::format("{}://{}:{}", options_.tls ? "https" : "http", host, port_);
  }
  bool over() const { return over_; }

 private:
  void prepare_tls(const PemPair& pair) {
    context_ = SSL_CTX_new(TLS_server_method());
    BIO* text = BIO_new_mem_buf(pair.certificate.data(), static_cast<int>(pair.certificate.size()));
    X509* leaf = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context_, leaf);
    X509_free(leaf);
    BIO_free(text);
    text = BIO_new_mem_buf(pair.key.data(), static_cast<int>(pair.key.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(text, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context_, key);
    EVP_PKEY_free(key);
    BIO_free(text);
    if (options_.wants_client_certificate) {
      // Whoever shows one is welcome; who it is belongs to the API server's own tests.
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                         [](int, X509_STORE_CTX*) { return 1; });
    }
  }

  void accept_all() {
    while (!over_) {
      pollfd watched{.fd = listener_, .events = POLLIN, .revents = 0};
      if (::poll(&watched, 1, 10) <= 0) continue;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0) threads_.emplace_back([this, fd] { serve(fd); });
    }
  }

  void serve(int fd) {
    set_timeout(fd, std::chrono::seconds(20));
    SSL* ssl = nullptr;
    bool is_open = true;
    if (options_.tls) {
      ssl = SSL_new(context_);
      SSL_set_fd(ssl, fd);
      is_open = SSL_accept(ssl) == 1;
    }
    Exchange exchange{.stub = *this, .ssl = ssl, .fd = fd, .head = {}, .body = {}};
    if (is_open && read(exchange)) handler_(exchange);
    if (ssl != nullptr && is_open) SSL_shutdown(ssl);
    SSL_free(ssl);
    ERR_clear_error();
    ::close(fd);
  }

  static bool read(Exchange& exchange) {
    std::string text;
    std::array<char, 4096> chunk;
    std::size_t end = 0;
    const auto more = [&] {
      const auto count = exchange.ssl != nullptr
                             ? SSL_read(exchange.ssl, chunk.data(), static_cast<int>(chunk.size()))
                             : static_cast<int>(::recv(exchange.fd, chunk.data(), chunk.size(), 0));
      if (count > 0) text.append(chunk.data(), static_cast<std::size_t>(count));
      return count > 0;
    };
    while ((end = text.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return false;
    }
    exchange.head = text.substr(0, end + 4);
    const auto length = exchange.head.find("\r\nContent-Length: ");
    const std::size_t size =
        length == std::string::npos ? 0 : std::stoul(exchange.head.substr(length + 18));
    while (text.size() < end + 4 + size) {
      if (!more()) return false;
    }
    exchange.body = text.substr(end + 4, size);
    return true;
  }

  const Handler handler_;
  const StubOptions options_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  SSL_CTX* context_ = nullptr;
  std::atomic<bool> over_{false};
  std::thread accepting_;
  std::vector<std::thread> threads_;  // of accept_all() until it has ended
};

inline void Exchange::wait_for_the_end() const {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!stub.over() && std::chrono::steady_clock::now() < limit) {
    pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, 10) > 0) return;
  }
}

}  // namespace gracekeeper::io::test
