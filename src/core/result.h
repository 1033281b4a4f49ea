// Errors as values.
//
// A function that can fail in a way its caller expects returns Result<T>. Exceptions of libraries
// stop in the one file that calls the library.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace gracekeeper {

// Where in an input something was written. Lines and columns count from 1; 0 means unknown.
struct Position {
  int line = 0;
  int column = 0;
  bool operator==(const Position&) const = default;
};

// One failure: where (file and position when known, field path when known) and what, with what
// would have worked. Rendered as `file:line:column: path: message`, parts that are unknown left
// out.
struct Error {
  std::string message;
  std::string file;
  Position position;
  std::string path;
  bool operator==(const Error&) const = default;
};

std::string to_string(const Error& error);

template <typename T>
using Result = tl::expected<T, Error>;

// Failure with a message only; callers add where it happened.
[[nodiscard]] inline tl::unexpected<Error> fail(std::string message) {
  return tl::make_unexpected(
      Error{.message = std::move(message), .file = {}, .position = {}, .path = {}});
}

}  // namespace gracekeeper
