#include "io/api_client.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fmt/format.h>
#include <httplib.h>
#include <optional>
#include <utility>

#include "io/api_connection.h"
#include "io/api_tls.h"
#include "io/api_url.h"
#include "io/files.h"

namespace gracekeeper::io {
namespace {

constexpr std::size_t kMaxTokenBytes = 64 * 1024;

// What httplib writes a request to and reads an answer from.
class ConnectionStream : public httplib::Stream {
 public:
  explicit ConnectionStream(ApiConnection& connection) : connection_(connection) {}

  using httplib::Stream::write;
  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  // httplib reads heads byte by byte.
  ssize_t read(char* to, std::size_t size) override {
    if (begin_ == end_) {
      const auto count = connection_.read(buffer_.data(), buffer_.size());
      if (count <= 0) return count;
      begin_ = 0;
      end_ = static_cast<std::size_t>(count);
    }
    const auto count = std::min(size, end_ - begin_);
    std::copy_n(buffer_.data() + begin_, count, to);
    begin_ += count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    return connection_.write(from, size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  ApiConnection& connection_;
  std::array<char, 16'384> buffer_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// httplib's client as what it is good at: HTTP/1.1 over a stream that it is given. process_request
// is the same in 0.11 (Debian 12) and 0.18 (Debian 13); no socket of httplib's own is opened.
class HttpExchange : public httplib::ClientImpl {
 public:
  explicit HttpExchange(const std::string& host) : ClientImpl(host) {
    set_url_encode(false);  // paths come as they are to be sent
    set_decompress(false);  // nothing compressed is asked for
    set_follow_location(false);
  }
  bool run(httplib::Stream& stream, httplib::Request& request, httplib::Response& response) {
    httplib::Error error = httplib::Error::Success;
    const bool close_connection = true;
    return process_request(stream, request, response, close_connection, error);
  }
};

bool is_success(int status) { return status >= 200 && status < 300; }

// Cuts what comes into lines.
class Lines {
 public:
  Lines(const std::function<bool(std::string_view)>& on_line, std::size_t most)
      : on_line_(on_line), most_(most) {}

  enum class Took { kAll, kEnough, kTooLong };
  Took take(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      if (rest_.size() + std::min(end, bytes.size()) > most_) return Took::kTooLong;
      if (end == std::string_view::npos) {
        rest_ += bytes;
        break;
      }
      if (!deliver(bytes.substr(0, end))) return Took::kEnough;
      bytes.remove_prefix(end + 1);
    }
    return Took::kAll;
  }

 private:
  bool deliver(std::string_view line) {
    if (!rest_.empty()) {
      rest_ += line;
      const std::string whole = std::exchange(rest_, {});
      return on_line_(whole);
    }
    return line.empty() || on_line_(line);
  }

  const std::function<bool(std::string_view)>& on_line_;
  std::size_t most_;
  std::string rest_;
};

std::string trimmed(std::string text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_blank));
  return text;
}

bool fits_in_a_header(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

struct ApiClient::Impl {
  ApiAccess access;
  ApiLimits limits;
  ApiUrl url;
  std::string tls_name;
  StopSignal stop;

  // How an exchange takes the bytes of the answer; false ends it with what `failure` says.
  struct Receiver {
    std::function<bool(int status, std::string_view bytes)> take;
    std::string failure;  // of our own, when take() ended it
    bool enough = false;  // take() ended it and that is fine
  };

  tl::unexpected<Error> failed(std::string_view reason) const {
    return fail(fmt::format("{}: {}", to_string(url), reason));
  }

  Result<std::string> bearer() const {
    if (access.token_file.empty()) return access.token;
    auto text = read_kept_file(access.token_file, kMaxTokenBytes);
    if (!text) return tl::make_unexpected(text.error());
    auto token = trimmed(*std::move(text));
    if (token.empty() || !fits_in_a_header(token)) {
      return tl::make_unexpected(Error{.message = "the file holds no token",
                                       .file = access.token_file,
                                       .position = {},
                                       .path = {}});
    }
    return token;
  }

  // The answer without its body, which the receiver has.
  Result<ApiResponse> exchange(const ApiRequest& request, bool is_stream,
                               Receiver& receiver) const {
    const auto start = ApiConnection::Clock::now();
    SslContextPtr context;
    if (url.tls) {
      auto made = make_client_context(access, tls_name);
      if (!made) return failed(gracekeeper::to_string(made.error()));
      context = *std::move(made);
    }
    const auto token = bearer();
    if (!token) return failed(gracekeeper::to_string(token.error()));
    auto connection = ApiConnection::open(
        {.url = url, .context = context.get(), .tls_name = tls_name}, start + limits.connect, stop);
    if (!connection) return failed(connection.error().message);
    if (is_stream) {
      (*connection)->limit(std::nullopt, limits.silence);
    } else {
      (*connection)->limit(start + limits.answer, limits.answer);
    }

    httplib::Request message;
    message.method = request.method;
    message.path = url.prefix + request.path;
    message.body = request.body;
    message.headers = {{"Host", host_header(url)},
                       {"Accept", "application/json"},
                       {"Accept-Encoding", "identity"},
                       {"User-Agent", "gracekeeper"}};
    if (!request.body.empty()) message.headers.emplace("Content-Type", request.content_type);
    if (!token->empty()) message.headers.emplace("Authorization", "Bearer " + *token);
    int status = 0;
    message.response_handler = [&](const httplib::Response& response) {
      status = response.status;
      return true;
    };
    message.content_receiver = [&](const char* bytes, std::size_t size, std::uint64_t,
                                   std::uint64_t) {
      return receiver.take(status, {bytes, size});
    };
    ConnectionStream stream(**connection);
    httplib::Response response;
    HttpExchange http(url.host);
    const bool whole = http.run(stream, message, response);
    if (whole || receiver.enough)
      return ApiResponse{
          .status = response.status, .body = {}, .date = response.get_header_value("Date")};
    if (!receiver.failure.empty()) return failed(receiver.failure);
    if (!(*connection)->failure().empty()) return failed((*connection)->failure());
    return failed(status == 0 ? "the answer is no HTTP" : "the answer broke off");
  }
};

ApiClient::ApiClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiClient::~ApiClient() = default;

Result<std::unique_ptr<ApiClient>> ApiClient::make(ApiAccess access, ApiLimits limits) {
  auto url = parse_api_url(access.server);
  if (!url) return tl::make_unexpected(url.error());
  const bool has_credentials = !access.token.empty() || !access.token_file.empty() ||
                               !access.client_certificate.empty() || !access.client_key.empty();
  if (!url->tls && has_credentials) {
    return fail(
        fmt::format("{}: credentials are not sent over plain http: use https", to_string(*url)));
  }
  if (!fits_in_a_header(access.token))
    return fail("the token holds characters that no token has (blanks, line ends)");
  auto impl = std::make_unique<Impl>();
  impl->url = *std::move(url);
  impl->tls_name = access.tls_server_name.empty() ? impl->url.host : access.tls_server_name;
  if (impl->url.tls) {
    // Files may come and go, so what is wrong with one of them shows when a connection is made.
    if (const auto context = make_client_context(access, impl->tls_name);
        !context && context.error().file.empty()) {
      return tl::make_unexpected(context.error());
    }
  }
  impl->access = std::move(access);
  impl->limits = limits;
  return std::unique_ptr<ApiClient>(new ApiClient(std::move(impl)));
}

Result<ApiResponse> ApiClient::request(const ApiRequest& request) {
  ApiResponse answer;
  Impl::Receiver receiver;
  receiver.take = [&](int, std::string_view bytes) {
    if (request.most_bytes > 0 && answer.body.size() + bytes.size() > request.most_bytes) {
      answer.is_too_large = true;
      answer.body = {};
      receiver.enough = true;
      return false;
    }
    if (answer.body.size() + bytes.size() > impl_->limits.answer_bytes) {
      receiver.failure =
          fmt::format("the answer is larger than {} bytes", impl_->limits.answer_bytes);
      return false;
    }
    answer.body += bytes;
    return true;
  };
  const auto head = impl_->exchange(request, false, receiver);
  if (!head) return tl::make_unexpected(head.error());
  answer.status = head->status;
  answer.date = head->date;
  return answer;
}

Result<ApiResponse> ApiClient::stream(const std::string& path,
                                      const std::function<bool(std::string_view line)>& on_line) {
  // Of an answer that is no stream: a Status.
  constexpr std::size_t kMostOfAnError = 64 * 1024;
  ApiResponse answer;
  Lines lines(on_line, impl_->limits.line_bytes);
  Impl::Receiver receiver;
  receiver.take = [&](int status, std::string_view bytes) {
    if (!is_success(status)) {
      answer.body += bytes.substr(0, kMostOfAnError - answer.body.size());
      receiver.enough = answer.body.size() == kMostOfAnError;
      return !receiver.enough;
    }
    switch (lines.take(bytes)) {
      case Lines::Took::kAll:
        return true;
      case Lines::Took::kEnough:
        receiver.enough = true;
        return false;
      case Lines::Took::kTooLong:
        break;
    }
    receiver.failure = fmt::format("a line is longer than {} bytes", impl_->limits.line_bytes);
    return false;
  };
  const auto head = impl_->exchange({.path = path}, true, receiver);
  if (!head) return tl::make_unexpected(head.error());
  answer.status = head->status;
  answer.date = head->date;
  return answer;
}

void ApiClient::stop() { impl_->stop.raise(); }

Result<ApiAccess> in_cluster_access(const std::string& folder) {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr || *host == '\0' || *port == '\0') {
    return fail(
        "this is no pod of a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not "
        "set; outside of a cluster use a kubeconfig");
  }
  ApiAccess access;
  const std::string name = host;
  access.server = fmt::format("https://{}:{}",
                              name.find(':') == std::string::npos ? name : "[" + name + "]", port);
  access.certificate_authority.file = folder + "/ca.crt";
  access.token_file = folder + "/token";
  if (const auto token = read_kept_file(access.token_file, kMaxTokenBytes); !token) {
    Error error = token.error();
    error.message +=
        ": the service account's token is not mounted (automountServiceAccountToken: true)";
    return tl::make_unexpected(std::move(error));
  }
  if (const auto space = read_file(folder + "/namespace", 1024))
    access.namespace_name = trimmed(*space);
  return access;
}

}  // namespace gracekeeper::io
