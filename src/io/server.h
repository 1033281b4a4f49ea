// HTTP/1.1 and HTTPS server that no client can hold up.
//
// A few event-loop threads own all connections. A connection costs a loop nothing while it waits:
// the handshake, the request and the answer move in non-blocking steps, each under an absolute
// deadline; a handler runs only when its whole request is in memory. Who is silent, slow, or sends
// what is not HTTP is cut or answered; an honest client next to a thousand of those does not
// notice.
//
//   ServerOptions options{.listen = {"127.0.0.1", 0}, .certificates = store, .error_body =
//   to_json}; auto server = Server::start(options, {{.method = "POST", .path = "/mutate", .handler
//   = mutate}});
//   (*server)->port();
//   (*server)->begin_drain();      // every answer says Connection: close
//   (*server)->close_listener();   // no new connection; those that are there may ask for `drain`
//   more
//   (*server)->join();             // all answered, all closed
//
// Not for: streaming, uploads beyond memory, HTTP/2, handlers that wait for something (unless its
// request is a large one, a handler runs on the loop's own thread and holds up that loop's other
// connections while it runs).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "io/certificate_store.h"
#include "io/http_framing.h"
#include "io/listen_address.h"
#include "io/memory.h"

namespace gracekeeper::io {

// The server puts them there: a body of megabytes is not to be copied for the want of a few bytes.
inline constexpr std::size_t kZerosBehindLargeBody = 64;

// Views are valid while the handler runs.
struct Request {
  std::string_view method = {};        // "POST"; a GET handler also gets "HEAD"
  std::string_view path = {};          // as sent, without the query
  std::string_view query = {};         // as sent, without the question mark
  std::string_view content_type = {};  // as sent
  std::string_view body = {};
  // How many bytes behind the body may be read, whatever they are. What parses with vectors reads
  // beyond its text, and need not copy this one; where a body has not come in one piece and is no
  // large one, it has to.
  std::size_t readable_behind = 0;
  std::string_view remote = {};  // "10.0.0.1:52114"
};

// A content type of exactly application/json or text/… is not compressed either: answers never are,
// whatever the client accepts (it costs more time than it saves inside a cluster).
struct Response {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json; charset=utf-8";
};

// Called from several threads at once, and for large requests one after the other. What it throws
// becomes a 500 without its text.
using Handler = std::function<Response(const Request&)>;

struct Route {
  std::string method;  // GET also answers HEAD
  std::string path;    // exact
  Handler handler;
  // The media type a request must have ("application/json", parameters aside); others get 415
  // before their body is read. Empty: any.
  std::string media_type = {};
};

// An answer the server gave by itself, for the log and the metrics.
struct ServerError {
  int status = 0;
  std::string message = {};  // what the client was told
  std::string detail = {};   // what it was not told: the text of a handler's exception
  std::string method = {};   // empty when it could not be read; the same for path
  std::string path = {};     // as sent, without the query
  std::string remote = {};
};

struct ServerDeadlines {
  std::chrono::milliseconds handshake{3000};
  std::chrono::milliseconds first_request{5000};  // complete, counted from the end of the handshake
  std::chrono::milliseconds request{5000};        // complete, counted from its first byte
  // Of a large body, while others wait for the room that it has: without a byte (a packet that is
  // lost is sent again after 200 ms), and with less than BodyRoom::kLeastRate.
  std::chrono::milliseconds stalled_body{300};
  std::chrono::milliseconds slow_body{1000};
  std::chrono::milliseconds handling{10000};  // of a large request, its turn included
  std::chrono::milliseconds write{3000};
  std::chrono::milliseconds idle{120000};  // API servers keep idle connections for 90 s
  std::chrono::milliseconds linger{1000};  // after the last answer, until the client closes
  std::chrono::milliseconds drain{1000};   // after close_listener, for connections already accepted
};

// The loops of a server for which that many are wanted; 0: one per core.
std::size_t event_loops(unsigned wanted);

struct ServerOptions {
  ListenAddress listen = {};
  bool share_port = false;                              // SO_REUSEPORT
  std::shared_ptr<CertificateStore> certificates = {};  // null: plain HTTP
  unsigned loops = 0;                                   // threads, as event_loops() has it
  std::size_t max_connections = 2048;                   // also bounded by the limit of open files
  FramingLimits limits = {};
  // Of the limit of open files, the part that connections may have where max_connections is more.
  double share_of_files = 1;
  // Of unfinished bodies and of large answers that nobody takes, over all connections.
  std::size_t max_buffered_bytes = std::size_t{16} * 1024 * 1024;
  // Requests with a body of this size wait for a thread of their own, which handles one at a time:
  // an event loop is not held up by them. 0: there is no such thread.
  std::size_t heavy_body_bytes = std::size_t{128} * 1024;
  // The same for a smaller body that will take as long. Called by the loops; must not throw.
  std::function<bool(std::string_view body)> takes_long = {};
  // Of those that wait for that thread. One more is answered 503, or the latest of the address that
  // has most of them.
  std::size_t max_waiting_bytes = std::size_t{12} * 1024 * 1024;
  // Of a body that is announced with this length and more, which waits for room: all such, those
  // included that wait for that thread and the one in hand, share max_large_bytes. 0: none waits.
  std::size_t large_body_bytes = std::size_t{32} * 1024;
  std::size_t max_large_bytes = std::size_t{12} * 1024 * 1024;
  // Called by that thread when none of them waits any more: to give back what they have left with
  // it. Must not throw. Between two of them too, when the second is large and the process has so
  // much in memory that what the first has left would be too much.
  std::function<void()> after_heavy_requests = {};
  std::size_t much_resident_bytes = PeakTrimmer::kMuch;
  // What handlers put off for several requests together (lines of a log). Called by the threads of
  // the server before an answer is sent and before they wait; must not throw.
  std::function<void()> before_answers = {};
  // How long answers wait at most to be sent together with others. Where they take longer, fewer
  // wait for one another: whoever was first would wait for all.
  std::chrono::microseconds answers_held_for{400};
  std::size_t linger_bytes = std::size_t{256} * 1024;
  ServerDeadlines deadlines = {};
  // The body of an answer the server gives by itself. Must not throw; an empty result becomes
  // `message`.
  std::function<std::string(int status, std::string_view message)> error_body = {};
  std::string error_content_type = "application/json; charset=utf-8";
  std::function<void(const ServerError&)> on_error = {};
  // The listener is gone although nobody asked for it. The process has to end.
  std::function<void(const std::string& reason)> on_fatal = {};
};

struct ServerCounters {
  // Connections there are now, by what they do.
  std::size_t handshake = 0, reading = 0, idle = 0, writing = 0, closing = 0;
  std::size_t waiting = 0;  // with a large request that is not read: others have the room
  // Since the start.
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;    // no room
  std::uint64_t evicted = 0;    // made room before having sent a request
  std::uint64_t timed_out = 0;  // cut at a deadline, idle ones not counted
  std::uint64_t handshakes_failed = 0;
  std::uint64_t shed = 0;  // 503: too many bytes of unfinished bodies, or of large ones that wait

  std::size_t open() const { return handshake + reading + idle + writing + closing + waiting; }
};

class Server {
 public:
  // Binds, listens, starts the threads. Its threads block every signal; the process ignores
  // SIGPIPE.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, std::vector<Route> routes);

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // cuts what is still there

  std::uint16_t port() const;
  ServerCounters counters() const;

  void begin_drain();
  void close_listener();  // begins to drain too
  void join();            // waits for close_listener's drain; closes the listener if nobody has

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gracekeeper::io
