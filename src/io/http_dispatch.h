// From a complete request to the bytes of its answer. Internal to the server.
//
// cpp-httplib parses the request line and writes the answer; which handler is asked is decided here
// by the path as it was sent, never decoded (a table look-up instead of one regular expression per
// route), and the body reaches the handler as a view without passing through httplib.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/http_framing.h"
#include "io/server.h"

namespace gracekeeper::io {

class HttpDispatch {
 public:
  // Keeps a reference to options.
  HttpDispatch(const ServerOptions& options, std::vector<Route> routes);
  ~HttpDispatch();

  // What is wrong with a request whose body is not there yet: a coding or a media type that is
  // refused.
  std::optional<HttpError> judge(const RequestHead& head) const;

  // Views of what the handler may read: the body, and behind it so many bytes that are none of its
  // own.
  struct Body {
    std::string_view bytes;
    std::size_t readable_behind = 0;
  };

  // Appends the answer to out. close: say that the connection ends.
  void answer(const RequestHead& head, Body body, std::string_view remote, bool close,
              std::string& out);

  // Appends an answer that ends the connection, and reports it. head: null when there is none.
  void answer_error(const HttpError& error, const RequestHead* head, std::string_view remote,
                    std::string& out);

 private:
  class Httplib;
  std::unique_ptr<Httplib> httplib_;
};

}  // namespace gracekeeper::io
