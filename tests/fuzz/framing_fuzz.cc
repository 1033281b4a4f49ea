// HTTP/1.1 framing: the first bytes that a stranger sends.
//
// Held to: what is read does not depend on where the network cuts the bytes; a body is as long as
// was announced and within the limit; a request that was read is read as the same again when it is
// written in the plainest way.
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"
#include "fuzz/fuzzers.h"
#include "io/http_framing.h"

namespace gracekeeper::fuzz {
namespace {

using io::FramingLimits;
using io::RequestHead;
using io::RequestReader;
using State = RequestReader::State;

struct Reading {
  State state = State::kMore;
  RequestHead head;
  std::string body;
  io::HttpError error;
  std::size_t consumed = 0;
  bool operator==(const Reading&) const = default;
};

// Reads one request, given in pieces of these sizes, over and over.
Reading read(std::string_view bytes, std::string_view pieces, FramingLimits limits) {
  RequestReader reader(limits);
  Reading reading;
  std::size_t begin = 0;  // of what is not consumed
  std::size_t end = 0;    // of what has arrived
  std::size_t turn = 0;
  while (true) {
    const auto step = reader.advance(bytes.substr(begin, end - begin));
    require(step.consumed <= end - begin, "more is consumed than there is");
    begin += step.consumed;
    reading.state = step.state;
    // A string that grew by appending may hold twice what it is.
    require(reader.held_bytes() <= 2 * (limits.head_bytes + limits.body_bytes),
            "holds more than a head and a body");
    if (step.state == State::kHead) {
      reading.head = reader.head();
      continue;
    }
    if (step.state == State::kComplete) {
      reading.body = reader.body();
      reading.consumed = begin;
      reader.reset();
      require(reader.fresh(), "not fresh after a reset");
      return reading;
    }
    if (step.state == State::kFailed) {
      reading.error = reader.error();
      return reading;
    }
    if (end == bytes.size()) return reading;
    const std::size_t piece = pieces.empty()
                                  ? bytes.size()
                                  : 1 + static_cast<unsigned char>(pieces[turn++ % pieces.size()]);
    end = std::min(bytes.size(), end + piece);
  }
}

// The request as a careful client would write it.
std::string written(const Reading& reading) {
  const auto& head = reading.head;
  std::string text = head.method + ' ' + head.target + " HTTP/1." +
                     std::to_string(head.minor_version) + "\r\nHost: a\r\n";
  if (!head.content_type.empty()) text += "Content-Type: " + head.content_type + "\r\n";
  if (!head.content_encoding.empty()) text += "Content-Encoding: " + head.content_encoding + "\r\n";
  if (head.expects_continue) text += "Expect: 100-continue\r\n";
  text += head.close ? "Connection: close\r\n" : "Connection: keep-alive\r\n";
  text += "Content-Length: " + std::to_string(reading.body.size()) + "\r\n\r\n";
  return text + reading.body;
}

void check_complete(const Reading& reading, FramingLimits limits) {
  require(reading.body.size() <= limits.body_bytes, "a body larger than the limit");
  const auto& head = reading.head;
  require(!head.chunked || !head.content_length, "two lengths");
  if (!head.chunked)
    require(reading.body.size() == head.content_length.value_or(0),
            "another length than announced");
  auto plain = reading.head;
  plain.chunked = false;
  plain.content_length = reading.body.size();
  // Of several headers, joined by ", ", the last may be empty.
  plain.content_encoding.erase(plain.content_encoding.find_last_not_of(' ') + 1);
  const auto again = read(written(reading), {}, {});
  require(again.state == State::kComplete && again.body == reading.body && again.head == plain,
          "reads as another request when it is written plainly");
}

}  // namespace

int framing_fuzz(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  // Small limits, so that small inputs reach them.
  const FramingLimits limits{.head_bytes = 64U + 8U * input.byte(),
                             .header_lines = 1 + input.below(16),
                             .body_bytes = 4U * input.byte()};
  std::string pieces;
  for (auto left = input.below(4); left > 0; --left) pieces += static_cast<char>(input.byte());
  const auto bytes = input.rest();
  const auto whole = read(bytes, {}, limits);
  require(read(bytes, pieces, limits) == whole, "the pieces matter");
  const char one_byte = 0;
  require(read(bytes, {&one_byte, 1}, limits) == whole, "single bytes matter");
  if (whole.state == State::kComplete) check_complete(whole, limits);
  if (whole.state == State::kFailed) {
    require(whole.error.status >= 400 && whole.error.status < 600 && !whole.error.message.empty(),
            "a failure without an answer");
  }
  return 0;
}

}  // namespace gracekeeper::fuzz
