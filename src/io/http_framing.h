// Finds where one HTTP/1.1 request ends and the next begins.
//
// For: the server's event loop, which must own a whole request before it runs a handler, so that no
// slow client can hold a thread. Pure: bytes in, a state out; no socket, no clock. The caller keeps
// the bytes that were not consumed and offers them again with what arrived since:
//
//   RequestReader reader(limits);
//   auto step = reader.advance(pending);  // "POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: ..."
//   // {State::kHead, 48}: judge reader.head() before the body is read
//   pending.remove_prefix(step.consumed);
//   step = reader.advance(pending);       // {State::kComplete, 2}: reader.body() == "{}"
//
// Strict where leniency has let requests be smuggled (RFC 9112, 2.2, 5.1, 6.3, 7.1): a bare LF, a
// folded header, white space before a colon, two lengths, a length together with a transfer coding,
// blanks around a chunk's size are all refused, in trailers as in headers. So is HTTP/1.1 without
// exactly one Host (RFC 9112, 3.2). What is refused ends the connection: after a framing error
// nobody knows where the next request begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/http_error.h"

namespace gracekeeper::io {

struct FramingLimits {
  std::size_t head_bytes = std::size_t{32} * 1024;
  std::size_t header_lines = 100;
  std::size_t body_bytes = std::size_t{8} * 1024 * 1024;
};

// What the framing layer needs to know of a request line and its headers. Values are as sent, white
// space around them removed.
struct RequestHead {
  std::string method = {};
  std::string target = {};  // path and query, not decoded, without scheme and authority
  std::string content_type = {};
  std::string content_encoding = {};
  int minor_version = 1;                             // HTTP/1.x
  std::optional<std::uint64_t> content_length = {};  // saturates at the largest value
  bool chunked = false;
  bool expects_continue = false;
  bool close = false;  // the client will not send another request on this connection
  bool operator==(const RequestHead&) const = default;
};

class RequestReader {
 public:
  enum class State {
    kMore,      // offer the same bytes again with more behind them
    kHead,      // head() can be judged; call advance again for the body
    kComplete,  // head() and body() are the request; call reset before the next one
    kFailed     // error() is the answer; the connection has to end after it
  };
  struct Step {
    State state = State::kMore;
    std::size_t consumed = 0;  // bytes of `pending` that need not be offered again
    bool operator==(const Step&) const = default;
  };

  explicit RequestReader(FramingLimits limits = {}) : limits_(limits) {}

  Step advance(std::string_view pending);

  const RequestHead& head() const { return head_; }
  // Valid after kComplete, as long as the bytes given to that call stay where they are.
  std::string_view body() const { return body_; }
  // The same, of a chunked request, to keep: body() is empty after it.
  std::string take_decoded() {
    body_ = {};
    return std::move(decoded_);
  }
  const HttpError& error() const { return error_; }

  // True when nothing of a request has been seen since the last reset.
  bool fresh() const { return phase_ == Phase::kHead && scanned_ == 0; }
  // How long the body is that is to come, or come on: nothing unless its head announced that.
  std::optional<std::uint64_t> expected_bytes() const {
    return phase_ == Phase::kLength ? head_.content_length : std::nullopt;
  }
  // Bytes of the heap held: for a head that has been read, and for a body that is being put
  // together from chunks.
  std::size_t held_bytes() const;

  // Ready for the next request; gives its memory back.
  void reset();

 private:
  enum class Phase { kHead, kLength, kChunkSize, kChunkData, kChunkEnd, kTrailer, kDone };

  Step read_head(std::string_view pending);
  Step read_chunks(std::string_view pending);
  std::optional<HttpError> parse_head(std::string_view text);
  std::optional<HttpError> parse_header(std::string_view line);
  std::optional<HttpError> parse_chunk_size(std::string_view line);
  Step failed(HttpError error);

  FramingLimits limits_;
  Phase phase_ = Phase::kHead;
  std::size_t scanned_ = 0;     // of the head: bytes already looked at
  std::size_t line_start_ = 0;  // of the head: where the current line begins
  std::size_t lines_ = 0;       // of the head or the trailer: complete lines
  std::uint64_t chunk_left_ = 0;
  bool has_transfer_encoding_ = false;
  bool says_close_ = false;
  bool has_host_ = false;  // what it says is not kept: every name is served alike
  RequestHead head_;
  std::string decoded_;
  std::string_view body_;
  HttpError error_;
};

}  // namespace gracekeeper::io
