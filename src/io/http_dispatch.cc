#include "io/http_dispatch.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <exception>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <httplib.h>
#include <type_traits>
#include <utility>

namespace gracekeeper::io {
namespace {

// httplib reads a head from here and writes an answer to it. There is no socket: -1 also keeps its
// check against FD_SETSIZE quiet.
class MemoryStream : public httplib::Stream {
 public:
  MemoryStream(std::string_view input, std::string& output) : input_(input), output_(output) {}

  using httplib::Stream::write;
  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t count = std::min(size, input_.size());
    std::memcpy(to, input_.data(), count);
    input_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    output_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

 private:
  std::string_view input_;
  std::string& output_;
};

std::string_view before(std::string_view text, char end) { return text.substr(0, text.find(end)); }

// What every answer says (RFC 9110, 6.6.1). Written once a second.
const std::string& date_now() {
  thread_local std::time_t written_at = -1;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != written_at) {
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
    written_at = now;
  }
  return text;
}

bool is_media_type(std::string_view content_type, std::string_view wanted) {
  std::string_view type = before(content_type, ';');
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return std::equal(type.begin(), type.end(), wanted.begin(), wanted.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

// Debian 13's httplib (0.18) passes the addresses to process_request, Debian 12's (0.11) asks the
// stream. Chosen by what there is and not by a version number, which 0.11 has only as text.
template <typename Function>
constexpr bool kTakesAddresses =
    std::is_invocable_v<Function, httplib::Stream&, const std::string&, int, const std::string&,
                        int, bool, bool&, const std::function<void(httplib::Request&)>&>;

}  // namespace

class HttpDispatch::Httplib : public httplib::Server {
 public:
  Httplib(const ServerOptions& options, std::vector<Route> routes)
      : options_(options), routes_(std::move(routes)) {
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      route(request, response);
      return HandlerResponse::Handled;
    });
    // What httplib refuses by itself: a method it does not know, a target that is too long.
    set_error_handler(
        HandlerWithResponse([this](const httplib::Request&, httplib::Response& response) {
          if (!response.body.empty()) return HandlerResponse::Unhandled;
          fill_error(response,
                     {response.status, response.status == 414 ? "the request target is too long"
                                                              : "the request line cannot be read"});
          return HandlerResponse::Handled;
        }));
    set_exception_handler(
        [this](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
          fill_error(response, {500, kInternalError}, "an exception outside a handler");
        });
    set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
      // HTTP/1.1 keeps connections without being told; httplib's header would only add bytes.
      response.headers.erase("Keep-Alive");
      response.set_header("Date", date_now());
      if (current_->head.minor_version == 0 && !current_->close)
        response.set_header("Connection", "keep-alive");
    });
  }

  std::optional<HttpError> judge(const RequestHead& head) const {
    if (!head.content_encoding.empty() && !is_media_type(head.content_encoding, "identity")) {
      return HttpError{415, "Content-Encoding is not supported: send the body as it is"};
    }
    const std::string_view path = before(head.target, '?');
    for (const Route& route : routes_) {
      if (route.path != path || route.method != head.method || route.media_type.empty()) continue;
      if (!is_media_type(head.content_type, route.media_type)) {
        return HttpError{415, fmt::format("the Content-Type must be {}", route.media_type)};
      }
    }
    return std::nullopt;
  }

  void answer(const RequestHead& head, Body body, std::string_view remote, bool close,
              std::string& out) {
    Exchange exchange{.head = head, .body = body, .remote = remote, .close = close};
    current_ = &exchange;
    // httplib sees the request line only. What it would make of the other headers (ranges,
    // compressed answers, a second 100 Continue, reading a body) is not wanted.
    const std::string text =
        fmt::format("{} {} HTTP/1.{}\r\n\r\n", head.method, head.target, head.minor_version);
    MemoryStream stream(text, out);
    bool closed = false;
    const std::size_t begin = out.size();
    call_process_request<Httplib>(stream, close, closed);
    current_ = nullptr;
    if (head.method != "HEAD") return;
    // Where httplib refuses the request line, it has not seen the method.
    constexpr std::string_view kEnd = "\r\n\r\n";
    if (const auto end = out.find(kEnd, begin); end != std::string::npos)
      out.resize(end + kEnd.size());
  }

  void answer_error(const HttpError& error, const RequestHead* head, std::string_view remote,
                    std::string& out) {
    report(error, {}, head, remote);
    const std::string body = body_for(error);
    out += fmt::format(
        "HTTP/1.1 {} {}\r\nConnection: close\r\nDate: {}\r\nContent-Type: {}\r\n"
        "Content-Length: {}\r\n\r\n",
        error.status, reason_phrase(error.status), date_now(), options_.error_content_type,
        body.size());
    if (head == nullptr || head->method != "HEAD") out += body;
  }

 private:
  static constexpr const char* kInternalError = "internal error";

  struct Exchange {
    const RequestHead& head;
    Body body;
    std::string_view remote;
    bool close;
  };

  template <typename Self>
  void call_process_request(MemoryStream& stream, bool close, bool& closed) {
    const auto process =
        [this](auto&&... arguments) -> decltype(static_cast<Self*>(this)->process_request(
                                        std::forward<decltype(arguments)>(arguments)...)) {
      return static_cast<Self*>(this)->process_request(
          std::forward<decltype(arguments)>(arguments)...);
    };
    const std::function<void(httplib::Request&)> no_setup;
    if constexpr (kTakesAddresses<decltype(process)>) {
      process(stream, std::string(), 0, std::string(), 0, close, closed, no_setup);
    } else {
      process(stream, close, closed, no_setup);
    }
  }

  void route(const httplib::Request& request, httplib::Response& response) {
    const Route* found = nullptr;
    std::string allowed;
    // The path as it was sent, like judge(): request.path is decoded, and a path that only one of
    // the two recognises would get past the other.
    const std::string_view target = current_->head.target;
    const std::string_view path = before(target, '?');
    for (const Route& candidate : routes_) {
      if (candidate.path != path) continue;
      const bool get = candidate.method == "GET";
      if (candidate.method == request.method || (get && request.method == "HEAD"))
        found = &candidate;
      allowed += (allowed.empty() ? "" : ", ") + candidate.method + (get ? ", HEAD" : "");
    }
    if (found == nullptr && allowed.empty())
      return fill_error(response, {404, "there is nothing at this path"});
    if (found == nullptr) {
      response.set_header("Allow", allowed);
      return fill_error(response, {405, fmt::format("the method must be {}", allowed)});
    }
    const auto question = target.find('?');
    const Request asked{
        .method = request.method,
        .path = path,
        .query = question == std::string_view::npos ? "" : target.substr(question + 1),
        .content_type = current_->head.content_type,
        .body = current_->body.bytes,
        .readable_behind = current_->body.readable_behind,
        .remote = current_->remote};
    try {
      Response given = found->handler(asked);
      response.status = given.status;
      response.body = std::move(given.body);
      response.set_header("Content-Type", given.content_type);
    } catch (const std::exception& exception) {
      fill_error(response, {500, kInternalError}, exception.what());
    } catch (...) {
      fill_error(response, {500, kInternalError}, "an exception that is not a std::exception");
    }
  }

  void fill_error(httplib::Response& response, const HttpError& error, std::string detail = {}) {
    report(error, std::move(detail), &current_->head, current_->remote);
    response.status = error.status;
    response.body = body_for(error);
    response.headers.erase("Content-Type");
    response.set_header("Content-Type", options_.error_content_type);
  }

  std::string body_for(const HttpError& error) const {
    std::string body =
        options_.error_body ? options_.error_body(error.status, error.message) : std::string();
    return body.empty() ? error.message : body;
  }

  void report(const HttpError& error, std::string detail, const RequestHead* head,
              std::string_view remote) const {
    if (!options_.on_error) return;
    options_.on_error({.status = error.status,
                       .message = error.message,
                       .detail = std::move(detail),
                       .method = head == nullptr ? "" : head->method,
                       .path = std::string(head == nullptr ? "" : before(head->target, '?')),
                       .remote = std::string(remote)});
  }

  const ServerOptions& options_;
  const std::vector<Route> routes_;
  // httplib's handlers have no parameter for what belongs to the caller.
  static thread_local Exchange* current_;
};

thread_local HttpDispatch::Httplib::Exchange* HttpDispatch::Httplib::current_ = nullptr;

HttpDispatch::HttpDispatch(const ServerOptions& options, std::vector<Route> routes)
    : httplib_(std::make_unique<Httplib>(options, std::move(routes))) {}

HttpDispatch::~HttpDispatch() = default;

std::optional<HttpError> HttpDispatch::judge(const RequestHead& head) const {
  return httplib_->judge(head);
}

void HttpDispatch::answer(const RequestHead& head, Body body, std::string_view remote, bool close,
                          std::string& out) {
  httplib_->answer(head, body, remote, close, out);
}

void HttpDispatch::answer_error(const HttpError& error, const RequestHead* head,
                                std::string_view remote, std::string& out) {
  httplib_->answer_error(error, head, remote, out);
}

}  // namespace gracekeeper::io
