// An answer that the HTTP server gives by itself, without asking a handler.
#pragma once

#include <string>
#include <string_view>

namespace gracekeeper::io {

// status is an HTTP status of 400 or more; message is one sentence for the client: what was wrong
// and what would have worked, never anything of the server's insides.
struct HttpError {
  int status = 400;
  std::string message = {};
  bool operator==(const HttpError&) const = default;
};

// The reason phrase of RFC 9110 for the statuses this server sends by itself ("Bad Request" for
// 400); "Error" for any other.
std::string_view reason_phrase(int status);

}  // namespace gracekeeper::io
