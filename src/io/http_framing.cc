#include "io/http_framing.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>
#include <tl/expected.hpp>
#include <utility>

#include "io/http_target.h"

namespace gracekeeper::io {
namespace {

// Longest chunk-size line that is waited for, extensions included (RFC 9112, 7.1.1 asks for a
// bound).
constexpr std::size_t kChunkLineBytes = 256;
// Longest line of a trailer section; trailers are read past, never used.
constexpr std::size_t kTrailerLineBytes = 8 * 1024;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A character of a token (RFC 9110, 5.6.2): methods and header names are made of these.
constexpr bool is_token_char(char c) {
  return is_digit(c) || is_alpha(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

// Calls found for every element of a comma-separated list.
template <typename Found>
void for_each_element(std::string_view list, Found found) {
  while (true) {
    const auto comma = list.find(',');
    found(trimmed(list.substr(0, comma)));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

HttpError bad_request(std::string message) { return {400, std::move(message)}; }

struct Field {
  std::string_view name;
  std::string_view value;  // without the blanks around it
};

// A line of the head or of the trailer section, without its CR LF. what: "header", "trailer".
tl::expected<Field, HttpError> split_field(std::string_view line, std::string_view what) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return tl::make_unexpected(bad_request(fmt::format("a {} is not `Name: value`", what)));
  const Field field{.name = line.substr(0, colon), .value = trimmed(line.substr(colon + 1))};
  if (has_control_character(field.value)) {
    return tl::make_unexpected(
        bad_request(fmt::format("a {}'s value has a control character", what)));
  }
  return field;
}

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

RequestReader::Step RequestReader::failed(HttpError error) {
  error_ = std::move(error);
  phase_ = Phase::kDone;
  return {State::kFailed, 0};
}

std::size_t RequestReader::held_bytes() const {
  static const std::size_t kInline = std::string().capacity();
  std::size_t sum = 0;
  for (const std::string* text :
       {&decoded_, &head_.method, &head_.target, &head_.content_type, &head_.content_encoding}) {
    if (text->capacity() > kInline) sum += text->capacity();
  }
  return sum;
}

void RequestReader::reset() {
  const FramingLimits limits = limits_;
  // Assignment alone would keep the memory of strings; what has been moved from has none.
  [[maybe_unused]] const RequestReader old = std::exchange(*this, RequestReader(limits));
}

RequestReader::Step RequestReader::advance(std::string_view pending) {
  switch (phase_) {
    case Phase::kHead:
      return read_head(pending);
    case Phase::kLength: {
      const auto length = static_cast<std::size_t>(head_.content_length.value_or(0));
      if (pending.size() < length) return {State::kMore, 0};
      body_ = pending.substr(0, length);
      phase_ = Phase::kDone;
      return {State::kComplete, length};
    }
    case Phase::kDone:
      return {State::kFailed, 0};
    default:
      return read_chunks(pending);
  }
}

RequestReader::Step RequestReader::read_head(std::string_view pending) {
  // Empty lines before a request line are passed over (RFC 9112, 2.2).
  std::size_t skipped = 0;
  if (scanned_ == 0) {
    while (pending.substr(skipped, 2) == "\r\n") skipped += 2;
    pending.remove_prefix(skipped);
    if (pending.empty() || pending == "\r") return {State::kMore, skipped};
    // Garbage, TLS on a plain port, HTTP/0.9: answered at once and not at the deadline.
    if (!is_token_char(pending.front())) return failed(bad_request("this is not an HTTP request"));
  }
  while (true) {
    const auto newline = pending.find('\n', scanned_);
    const std::size_t seen = newline == std::string_view::npos ? pending.size() : newline + 1;
    if (seen > limits_.head_bytes) {
      return failed({431, fmt::format("the request line and headers are larger than {} bytes",
                                      limits_.head_bytes)});
    }
    scanned_ = seen;
    if (newline == std::string_view::npos) return {State::kMore, skipped};
    if (newline == line_start_ || pending[newline - 1] != '\r') {
      return failed(bad_request("a line of the request's head does not end with CR LF"));
    }
    const bool empty_line = newline == line_start_ + 1;
    line_start_ = newline + 1;
    if (empty_line) break;
    // The first line is the request line.
    if (lines_++ > limits_.header_lines) {
      return failed(
          {431, fmt::format("the request has more than {} headers", limits_.header_lines)});
    }
  }
  if (auto error = parse_head(pending.substr(0, line_start_))) return failed(*std::move(error));
  phase_ = head_.chunked ? Phase::kChunkSize : Phase::kLength;
  return {State::kHead, skipped + line_start_};
}

std::optional<HttpError> RequestReader::parse_head(std::string_view text) {
  const auto take_line = [&text] {
    const auto end = text.find("\r\n");
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 2);
    return line;
  };
  const std::string_view request_line = take_line();
  const auto first = request_line.find(' ');
  const auto last = request_line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return bad_request("the request line is not `METHOD target HTTP/1.1`");
  }
  const auto method = request_line.substr(0, first);
  const auto target = request_line.substr(first + 1, last - first - 1);
  const auto version = request_line.substr(last + 1);
  if (!is_token(method) || target.empty() || target.find(' ') != std::string_view::npos ||
      has_control_character(target) || target.find('\t') != std::string_view::npos) {
    return bad_request("the request line is not `METHOD target HTTP/1.1`");
  }
  if (version == "HTTP/1.1") {
    head_.minor_version = 1;
  } else if (version == "HTTP/1.0") {
    head_.minor_version = 0;
    head_.close = true;  // unless a Connection header says keep-alive
  } else if (version.substr(0, 5) == "HTTP/") {
    return HttpError{505, "only HTTP/1.1 is served"};
  } else {
    return bad_request("the request line is not `METHOD target HTTP/1.1`");
  }
  head_.method = method;
  auto resource = origin_form(target);
  if (!resource) {
    return bad_request(
        "the request's target is neither a path nor https://HOST[:PORT] with a path behind it");
  }
  head_.target = *std::move(resource);
  while (true) {
    const auto line = take_line();
    if (line.empty()) break;
    if (auto error = parse_header(line)) return error;
  }
  if (head_.minor_version == 1 && !has_host_) return bad_request("the request has no Host");
  if (has_transfer_encoding_) {
    if (head_.content_length) {
      return bad_request("the request has both Content-Length and Transfer-Encoding");
    }
    if (head_.minor_version == 0) return bad_request("Transfer-Encoding needs HTTP/1.1");
  }
  if (head_.content_length.value_or(0) > limits_.body_bytes) {
    return HttpError{413, fmt::format("the body is larger than {} bytes", limits_.body_bytes)};
  }
  return std::nullopt;
}

std::optional<HttpError> RequestReader::parse_header(std::string_view line) {
  const auto field = split_field(line, "header");
  if (!field) return field.error();
  const auto [name, value] = *field;

  if (equal_ignoring_case(name, "host")) {
    if (has_host_) return bad_request("the request has more than one Host");
    has_host_ = true;
    if (!is_host(value))
      return bad_request("Host is not a name or an address with or without a port");
  } else if (equal_ignoring_case(name, "content-length")) {
    if (head_.content_length) return bad_request("the request has more than one Content-Length");
    if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) {
      return bad_request("Content-Length is not a number of bytes");
    }
    constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t length = 0;
    for (const char c : value) {
      const auto digit = static_cast<std::uint64_t>(c - '0');
      length = length > (kMax - digit) / 10 ? kMax : length * 10 + digit;
    }
    head_.content_length = length;
  } else if (equal_ignoring_case(name, "transfer-encoding")) {
    if (has_transfer_encoding_)
      return bad_request("the request has more than one Transfer-Encoding");
    has_transfer_encoding_ = true;
    if (!equal_ignoring_case(value, "chunked")) {
      return HttpError{501, "the only Transfer-Encoding that is understood is chunked"};
    }
    head_.chunked = true;
  } else if (equal_ignoring_case(name, "connection")) {
    for_each_element(value, [this](std::string_view element) {
      if (equal_ignoring_case(element, "close")) head_.close = says_close_ = true;
      if (equal_ignoring_case(element, "keep-alive") && head_.minor_version == 0)
        head_.close = says_close_;  // close goes first (RFC 9112, 9.3)
    });
  } else if (equal_ignoring_case(name, "expect")) {
    if (!equal_ignoring_case(value, "100-continue")) {
      return HttpError{417, "the only expectation that can be met is 100-continue"};
    }
    // HTTP/1.0 clients do not wait for an interim answer (RFC 9110, 10.1.1).
    head_.expects_continue = head_.minor_version == 1;
  } else if (equal_ignoring_case(name, "content-type")) {
    if (!head_.content_type.empty())
      return bad_request("the request has more than one Content-Type");
    head_.content_type = value;
  } else if (equal_ignoring_case(name, "content-encoding")) {
    if (!head_.content_encoding.empty()) head_.content_encoding += ", ";
    head_.content_encoding += value;
  }
  return std::nullopt;
}

std::optional<HttpError> RequestReader::parse_chunk_size(std::string_view line) {
  const auto semicolon = line.find(';');
  auto digits = line.substr(0, semicolon);
  // Blanks may stand before an extension and nowhere else (RFC 9112, 7.1.1).
  while (semicolon != std::string_view::npos && !digits.empty() && is_blank(digits.back()))
    digits.remove_suffix(1);
  if (digits.empty() || has_control_character(line))
    return bad_request("a chunk's size is not a number");
  std::uint64_t size = 0;
  for (const char c : digits) {
    const char l = lower(c);
    std::uint64_t digit = 0;
    if (is_digit(l)) {
      digit = static_cast<std::uint64_t>(l - '0');
    } else if (l >= 'a' && l <= 'f') {
      digit = static_cast<std::uint64_t>(l - 'a') + 10;
    } else {
      return bad_request("a chunk's size is not a number");
    }
    // Over the limit it can only grow, and must not overflow.
    if (size <= limits_.body_bytes) size = size * 16 + digit;
  }
  if (size > limits_.body_bytes - decoded_.size()) {
    return HttpError{413, fmt::format("the body is larger than {} bytes", limits_.body_bytes)};
  }
  chunk_left_ = size;
  return std::nullopt;
}

RequestReader::Step RequestReader::read_chunks(std::string_view pending) {
  std::size_t used = 0;
  while (true) {
    const auto rest = pending.substr(used);
    switch (phase_) {
      case Phase::kChunkSize: {
        const auto end = rest.substr(0, kChunkLineBytes).find("\r\n");
        if (end == std::string_view::npos) {
          if (rest.size() >= kChunkLineBytes)
            return failed(bad_request("a chunk's size line is too long"));
          return {State::kMore, used};
        }
        if (auto error = parse_chunk_size(rest.substr(0, end))) return failed(*std::move(error));
        used += end + 2;
        lines_ = 0;
        phase_ = chunk_left_ == 0 ? Phase::kTrailer : Phase::kChunkData;
        break;
      }
      case Phase::kChunkData: {
        const auto count =
            static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, rest.size()));
        if (count == 0) return {State::kMore, used};
        decoded_.append(rest.substr(0, count));
        used += count;
        chunk_left_ -= count;
        if (chunk_left_ == 0) phase_ = Phase::kChunkEnd;
        break;
      }
      case Phase::kChunkEnd:
        if (rest.size() < 2) return {State::kMore, used};
        if (rest.substr(0, 2) != "\r\n")
          return failed(bad_request("a chunk is longer than its size says"));
        used += 2;
        phase_ = Phase::kChunkSize;
        break;
      default: {  // kTrailer
        const auto end = rest.substr(0, kTrailerLineBytes).find("\r\n");
        if (end == std::string_view::npos) {
          if (rest.size() >= kTrailerLineBytes) return failed({431, "a trailer line is too long"});
          return {State::kMore, used};
        }
        // Not used, but read as strictly as a header: what ends a line for a parser in front must
        // not be a part of it here.
        if (end > 0) {
          const auto field = split_field(rest.substr(0, end), "trailer");
          if (!field) return failed(field.error());
        }
        used += end + 2;
        if (end == 0) {
          body_ = decoded_;
          phase_ = Phase::kDone;
          return {State::kComplete, used};
        }
        if (lines_++ >= limits_.header_lines) {
          return failed(
              {431, fmt::format("the request has more than {} trailers", limits_.header_lines)});
        }
      }
    }
  }
}

}  // namespace gracekeeper::io
