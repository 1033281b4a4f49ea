#include "io/http_framing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gracekeeper::io {
namespace {

// Feeds bytes in pieces of a size and says in one line what came of it: the request's parts, the
// error, or that more is wanted; then what is left over.
std::string dump(const std::string& bytes, std::size_t piece, FramingLimits limits = {}) {
  RequestReader reader(limits);
  std::string pending;
  std::size_t given = 0;
  while (true) {
    const auto step = reader.advance(pending);
    // The body must be looked at before its bytes move.
    if (step.state == RequestReader::State::kComplete) {
      const RequestHead& head = reader.head();
      return fmt::format("{} {} 1.{} type={} body={}{}{} left={}", head.method, head.target,
                         head.minor_version, head.content_type, reader.body(),
                         head.close ? " close" : "", head.expects_continue ? " continue" : "",
                         pending.substr(step.consumed) + bytes.substr(given));
    }
    pending.erase(0, step.consumed);
    if (step.state == RequestReader::State::kFailed) {
      return fmt::format("{} {}", reader.error().status, reader.error().message);
    }
    if (step.state == RequestReader::State::kHead) continue;
    if (given == bytes.size()) return "more";
    pending += bytes.substr(given, piece);
    given = std::min(bytes.size(), given + piece);
  }
}

TEST(HttpFraming, ReadsOrRefusesWhateverTheSizeOfThePieces) {
  const struct {
    std::string bytes, expected;
  } rows[] = {
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / 1.1 type= body= left="},
      {"GET / HTTP/1.0\r\n\r\n", "GET / 1.0 type= body= close left="},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 1.0 type= body= left="},
      {"GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n",
       "GET / 1.0 type= body= close left="},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
       "GET / 1.0 type= body= close left="},
      {"GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, CLOSE\r\n\r\n",
       "GET / 1.1 type= body= close left="},
      {"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nrest", "GET / 1.1 type= body= left=rest"},
      {"POST /m?t=2s HTTP/1.1\r\nHost: x\r\nContent-Type:  application/json \r\nContent-Length: "
       "2\r\n\r\n{}GET",
       "POST /m?t=2s 1.1 type=application/json body={} left=GET"},
      {"POST / HTTP/1.1\r\nHost: x\r\ncontent-length:0\r\n\r\n", "POST / 1.1 type= body= left="},
      {"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
       "POST / 1.1 type= body=x continue left="},
      {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
       "POST / 1.0 type= body=x close left="},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
       "Chunked\r\n\r\n4\r\nab\r\n\r\nA;x=\"1\"\r\n0123456789\r\n0\r\n\r\nrest",
       "POST / 1.1 type= body=ab\r\n0123456789 left=rest"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\nZ: w\r\n\r\n",
       "POST / 1.1 type= body= left="},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n1234", "more"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n12", "more"},
      {"GET / HTTP/1.1\r\nHost: x\r\n", "more"},
      {"\x16\x03\x01", "400 this is not an HTTP request"},
      {std::string("\0", 1), "400 this is not an HTTP request"},
      {"GET / HTTP/1.1\n\n", "400 a line of the request's head does not end with CR LF"},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n",
       "400 a line of the request's head does not end with CR LF"},
      {"GET /\r\n\r\n", "400 the request line is not `METHOD target HTTP/1.1`"},
      {"GET  / HTTP/1.1\r\n\r\n", "400 the request line is not `METHOD target HTTP/1.1`"},
      {"GET / FTP/1.1\r\n\r\n", "400 the request line is not `METHOD target HTTP/1.1`"},
      {"PRI * HTTP/2.0\r\n\r\n", "505 only HTTP/1.1 is served"},
      {"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", "400 a header is not `Name: value`"},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", "400 a header is not `Name: value`"},
      {"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "400 a header is not `Name: value`"},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n",
       "400 a header's value has a control character"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       "400 the request has more than one Content-Length"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n",
       "400 Content-Length is not a number of bytes"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
       "400 Content-Length is not a number of bytes"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
       "400 Content-Length is not a number of bytes"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\n",
       "400 Content-Length is not a number of bytes"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n",
       "400 Content-Length is not a number of bytes"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8388609\r\n\r\n",
       "413 the body is larger than 8388608 bytes"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
       "413 the body is larger than 8388608 bytes"},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400 the request has both Content-Length and Transfer-Encoding"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
       "501 the only Transfer-Encoding that is understood is chunked"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
       "chunked\r\n\r\n",
       "400 the request has more than one Transfer-Encoding"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400 Transfer-Encoding needs HTTP/1.1"},
      {"POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n",
       "417 the only expectation that can be met is 100-continue"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
       "400 a chunk's size is not a number"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
       "400 a chunk's size is not a number"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
       "400 a chunk is longer than its size says"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
       "413 the body is larger than 8388608 bytes"},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
           std::string(300, 'x') + "\r\n",
       "400 a chunk's size line is too long"},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(33000, 'x'),
       "431 the request line and headers are larger than 32768 bytes"},
  };
  for (const auto& row : rows) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, row.bytes.size()}) {
      EXPECT_EQ(dump(row.bytes, piece), row.expected)
          << row.bytes.substr(0, 200) << " in pieces of " << piece;
    }
  }
}

TEST(HttpFraming, WantsOneHostThatIsOne) {
  const std::string none = "400 the request has no Host";
  const std::string two = "400 the request has more than one Host";
  const std::string bad = "400 Host is not a name or an address with or without a port";
  const std::string good = "GET / 1.1 type= body= left=";
  const struct {
    std::string headers, expected;
  } rows[] = {
      {"", none},
      {"A: Host: x\r\n", none},
      {"Host: x\r\nHost: x\r\n", two},
      {"Host:\r\nA: b\r\nhOST: x\r\n", two},
      {"Host: a b\r\n", bad},
      {"Host: user@a\r\n", bad},
      {"Host: https://a\r\n", bad},
      {"Host: a/b\r\n", bad},
      {"Host: a?b\r\n", bad},
      {"Host: a:b\r\n", bad},
      {"Host: a:1:2\r\n", bad},
      {"Host: :443\r\n", bad},
      {"Host: fd00::1\r\n", bad},
      {"Host: [fd00::1\r\n", bad},
      {"Host: []\r\n", bad},
      {"Host: [fd00::1]443\r\n", bad},
      {"Host: [fd00::1]]\r\n", bad},
      {"Host: a%2\r\n", bad},
      {"Host: a%zz\r\n", bad},
      {"Host: \xc3\xa4\r\n", bad},
      {"Host: \"a\"\r\n", bad},
      {"Host:\r\n", good},
      {"Host: web.shop.svc\r\n", good},
      {"HOST:web_1.shop.svc:443 \r\n", good},
      {"Host: a:\r\n", good},
      {"Host: a%c3%A4\r\n", good},
      {"Host: 10.0.0.1:8443\r\n", good},
      {"Host: [fd00::1]\r\n", good},
      {"Host: [fe80::1%25eth0]:8443\r\n", good},
  };
  for (const auto& row : rows)
    EXPECT_EQ(dump("GET / HTTP/1.1\r\n" + row.headers + "\r\n", 4096), row.expected) << row.headers;
  EXPECT_EQ(dump("GET / HTTP/1.0\r\n\r\n", 1), "GET / 1.0 type= body= close left=");
  EXPECT_EQ(dump("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 1), two);
  EXPECT_EQ(dump("GET / HTTP/1.0\r\nHost: a b\r\n\r\n", 1), bad);
}

TEST(HttpFraming, TakesATargetWithSchemeAndHostAsItsPath) {
  const struct {
    std::string target, expected;
  } rows[] = {
      {"https://a:8443/mutate", "/mutate"},
      {"HTTP://[fd00::1]:80/mutate?timeout=10s", "/mutate?timeout=10s"},
      {"https://a", "/"},
      {"https://a?b=/c", "/?b=/c"},
      {"https://a#b", "/#b"},
      {"https://a/https://b/", "/https://b/"},
      {"https://a//b", "//b"},
      {"/https://a/b", "/https://a/b"},
      {"ftp://a/b", "ftp://a/b"},
      {"*", "*"},
      {"https://", ""},
      {"https:///mutate", ""},
      {"https://:443/mutate", ""},
      {"https://user:word@a/mutate", ""},
      {"https://a:b/mutate", ""},
      {"https://[::1/mutate", ""},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(dump("GET " + row.target + " HTTP/1.1\r\nHost: other\r\n\r\n", 7),
              row.expected.empty() ? "400 the request's target is neither a path nor "
                                     "https://HOST[:PORT] with a path behind it"
                                   : "GET " + row.expected + " 1.1 type= body= left=")
        << row.target;
  }
  EXPECT_EQ(dump("GET https://a/b HTTP/1.1\r\n\r\n", 7), "400 the request has no Host");
}

// What ends a line for a lenient front end would begin a request there that is none here, or the
// other way about.
TEST(HttpFraming, ReadsChunkSizesAndTrailersAsStrictlyAsHeaders) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string no_field = "400 a trailer is not `Name: value`";
  const std::string no_number = "400 a chunk's size is not a number";
  const struct {
    std::string bytes, expected;
  } rows[] = {
      {"0\r\nX: y\n\n" + smuggled, "400 a trailer's value has a control character"},
      {"0\r\nX: y\r\r\n\r\n", "400 a trailer's value has a control character"},
      {"0\r\nX: \x01\r\n\r\n", "400 a trailer's value has a control character"},
      {"0\r\n\n" + smuggled, no_field},
      {"0\r\nno colon\r\n\r\n", no_field},
      {"0\r\nX : y\r\n\r\n", no_field},
      {"0\r\nX: y\r\n z\r\n\r\n", no_field},
      {"0\r\n: y\r\n\r\n", no_field},
      {"0\r\nX:\ty z \r\nZ:\r\n\r\nrest", "POST / 1.1 type= body= left=rest"},
      {" 0\r\n\r\n", no_number},
      {"0 \r\n\r\n", no_number},
      {"\t2\r\nab\r\n0\r\n\r\n", no_number},
      {" ;x\r\n\r\n", no_number},
      {"2\n;x\r\nab\r\n0\r\n\r\n", no_number},
      {"2 \t;x=1\r\nab\r\n0\r\n\r\n", "POST / 1.1 type= body=ab left="},
  };
  for (const auto& row : rows) {
    for (const std::size_t piece : {std::size_t{1}, head.size() + row.bytes.size()})
      EXPECT_EQ(dump(head + row.bytes, piece), row.expected) << row.bytes;
  }
}

TEST(HttpFraming, CountsHeaders) {
  const auto request = [](int headers) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 1; i < headers; ++i) bytes += "A: b\r\n";
    return bytes + "\r\n";
  };
  EXPECT_EQ(dump(request(100), 4096), "GET / 1.1 type= body= left=");
  EXPECT_EQ(dump(request(101), 4096), "431 the request has more than 100 headers");
  EXPECT_EQ(dump(request(3), 1, {.header_lines = 2}), "431 the request has more than 2 headers");
}

TEST(HttpFraming, BoundsChunkedBodiesByTheirSum) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(dump(head + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 1, {.body_bytes = 5}),
            "POST / 1.1 type= body=abcde left=");
  EXPECT_EQ(dump(head + "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 1, {.body_bytes = 5}),
            "413 the body is larger than 5 bytes");
}

TEST(HttpFraming, GivesItsMemoryBack) {
  RequestReader reader;
  const std::string head = "POST /" + std::string(1000, 'x') +
                           " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n";
  ASSERT_EQ(reader.advance(head).state, RequestReader::State::kHead);
  EXPECT_GE(reader.held_bytes(), 1000U);
  ASSERT_EQ(reader.advance("100000\r\n" + std::string(1'000'000, 'x')).state,
            RequestReader::State::kMore);
  EXPECT_GE(reader.held_bytes(), 1'000'000U);
  reader.reset();
  EXPECT_EQ(reader.held_bytes(), 0U);
}

TEST(HttpFraming, KeepsNothingOfOneRequestForTheNext) {
  RequestReader reader;
  const std::string first =
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: x/y\r\nConnection: close\r\nContent-Length: "
      "0\r\n\r\n";
  ASSERT_EQ(reader.advance(first),
            (RequestReader::Step{RequestReader::State::kHead, first.size()}));
  ASSERT_EQ(reader.advance(""), (RequestReader::Step{RequestReader::State::kComplete, 0}));
  reader.reset();
  EXPECT_TRUE(reader.fresh());
  const std::string second = "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(reader.advance(second).state, RequestReader::State::kHead);
  EXPECT_EQ(reader.head(), (RequestHead{.method = "GET", .target = "/b"}));
}

}  // namespace
}  // namespace gracekeeper::io
