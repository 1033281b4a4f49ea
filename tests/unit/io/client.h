// A blocking client for the server's tests: raw bytes over TCP or TLS, every wait bounded.
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace gracekeeper::io::test {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct ClientOptions {
  bool tls = true;
  std::string ca_pem = {};                     // empty: the certificate is not verified
  int max_version = 0;                         // TLS1_2_VERSION to pin it
  const char* ciphers = nullptr;               // of TLS 1.2; default: all that OpenSSL has
  std::string groups = {};                     // of the key exchange; default: OpenSSL's
  const char* from = nullptr;                  // its own address, of loopback
  int receive_buffer = 0;                      // SO_RCVBUF, for clients that do not read
  std::function<void(SSL_CTX*)> prepare = {};  // before the handshake
  std::chrono::milliseconds timeout{5000};
};

// Parts of an answer that may not have come.
inline std::string body_of(const std::optional<Answer>& answer) {
  return answer ? answer->body : "(no answer)";
}
inline int status_of(const std::optional<Answer>& answer) { return answer ? answer->status : 0; }
inline std::string header_of(const std::optional<Answer>& answer, const std::string& name) {
  if (!answer) return "(no answer)";
  const auto found = answer->headers.find(name);
  return found == answer->headers.end() ? "(no such header)" : found->second;
}

class Client {
 public:
  // Null when the connection or the handshake fails.
  static std::unique_ptr<Client> connect(std::uint16_t port, const ClientOptions& options = {});
  ~Client();

  bool send(std::string_view bytes);
  // close_notify and FIN; receiving goes on.
  void end_sending() {
    if (ssl_ != nullptr) SSL_shutdown(ssl_);
    ::shutdown(fd_, SHUT_WR);
  }
  // One answer; nothing when the connection ends or the time is up before it is whole.
  std::optional<Answer> receive(bool head_only = false);
  // Up to size bytes as they come; empty at the end of the stream.
  std::string receive_some(std::size_t size);
  // True when the peer closes within the limit, whatever else it sends before.
  bool closed_within(std::chrono::milliseconds limit);
  std::optional<Answer> ask(std::string_view bytes) {
    return send(bytes) ? receive() : std::nullopt;
  }
  SSL* ssl() const { return ssl_; }
  int descriptor() const { return fd_; }
  std::string peer_certificate() const;  // its SHA-256 in hexadecimal

 private:
  Client() = default;
  bool fill();

  int fd_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string buffer_;
};

// "POST path HTTP/1.1" with a JSON body and more header lines ("Name: value\r\n").
std::string post(std::string_view path, std::string_view body, std::string_view headers = {});
std::string get(std::string_view path, std::string_view headers = {});

// Asks until it is true or the time is up.
template <typename Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(5)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

inline void set_timeout(int fd, std::chrono::milliseconds timeout) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timeval value{.tv_sec = seconds.count(),
                      .tv_usec = std::chrono::microseconds(timeout - seconds).count()};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof(value));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof(value));
}

inline std::unique_ptr<Client> Client::connect(std::uint16_t port, const ClientOptions& options) {
  std::unique_ptr<Client> client(new Client());
  client->fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client->fd_ < 0) return nullptr;
  const int on = 1;
  ::setsockopt(client->fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (options.receive_buffer > 0) {
    ::setsockopt(client->fd_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer,
                 sizeof(options.receive_buffer));
  }
  set_timeout(client->fd_, options.timeout);
  if (options.from != nullptr) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    ::inet_pton(AF_INET, options.from, &own.sin_addr);
    if (::bind(client->fd_, reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0)
      return nullptr;
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(client->fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return nullptr;
  if (!options.tls) return client;

  client->context_ = SSL_CTX_new(TLS_client_method());
  if (options.max_version != 0)
    SSL_CTX_set_max_proto_version(client->context_, options.max_version);
  if (std::string groups = options.groups; !groups.empty())  // OpenSSL's macro wants no const
    SSL_CTX_set1_groups_list(client->context_, groups.data());
  if (options.ciphers != nullptr) SSL_CTX_set_cipher_list(client->context_, options.ciphers);
  if (!options.ca_pem.empty()) {
    BIO* text = BIO_new_mem_buf(options.ca_pem.data(), static_cast<int>(options.ca_pem.size()));
    X509* ca = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client->context_), ca);
    X509_free(ca);
    BIO_free(text);
    SSL_CTX_set_verify(client->context_, SSL_VERIFY_PEER, nullptr);
  }
  if (options.prepare) options.prepare(client->context_);
  client->ssl_ = SSL_new(client->context_);
  SSL_set1_host(client->ssl_, options.ca_pem.empty() ? nullptr : "localhost");
  SSL_set_fd(client->ssl_, client->fd_);
  if (SSL_connect(client->ssl_) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return client;
}

// The first bytes that a client of TLS sends.
inline std::string client_hello(const std::function<void(SSL*)>& prepare = {}) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  if (prepare) prepare(ssl);
  BIO* sent = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), sent);
  SSL_connect(ssl);  // waits for an answer
  ERR_clear_error();
  char* bytes = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(sent, &bytes));
  std::string hello(bytes, size);
  SSL_free(ssl);
  SSL_CTX_free(context);
  return hello;
}

inline Client::~Client() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
  if (fd_ >= 0) ::close(fd_);
}

inline bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count =
        ssl_ != nullptr
            ? static_cast<ssize_t>(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())))
            : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      ERR_clear_error();
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

inline bool Client::fill() {
  std::array<char, 16384> chunk;
  const auto count =
      ssl_ != nullptr
          ? static_cast<ssize_t>(SSL_read(ssl_, chunk.data(), static_cast<int>(chunk.size())))
          : ::recv(fd_, chunk.data(), chunk.size(), 0);
  if (count <= 0) {
    ERR_clear_error();
    return false;
  }
  buffer_.append(chunk.data(), static_cast<std::size_t>(count));
  return true;
}

inline std::optional<Answer> Client::receive(bool head_only) {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return std::nullopt;
  }
  Answer answer;
  std::string head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  if (head.rfind("HTTP/1.1 ", 0) != 0) return std::nullopt;
  answer.status = std::stoi(head.substr(9, 3));
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const auto stop = head.find("\r\n", at);
    const std::string line = head.substr(at, stop - at);
    at = stop + 2;
    const auto colon = line.find(": ");
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    answer.headers[name] = line.substr(colon + 2);
  }
  if (answer.status == 100 || head_only) return answer;
  const std::size_t length = answer.headers.count("content-length") != 0
                                 ? std::stoul(answer.headers["content-length"])
                                 : 0;
  while (buffer_.size() < length) {
    if (!fill()) return std::nullopt;
  }
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

inline std::string Client::receive_some(std::size_t size) {
  if (buffer_.empty()) fill();
  std::string out = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return out;
}

inline bool Client::closed_within(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  std::array<char, 16384> ignored;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&watched, 1, static_cast<int>(left.count())) <= 0) return false;
    if (::recv(fd_, ignored.data(), ignored.size(), 0) <= 0) return true;
  }
}

inline std::string Client::peer_certificate() const {
  X509* certificate = SSL_get1_peer_certificate(ssl_);
  if (certificate == nullptr) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  X509_free(certificate);
  std::string out;
  for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

inline std::string post(std::string_view path, std::string_view body, std::string_view headers) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{}Content-Length: "
      "{}\r\n\r\n{}",
      path, headers, body.size(), body);
}

inline std::string get(std::string_view path, std::string_view headers) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, headers);
}

}  // namespace gracekeeper::io::test
