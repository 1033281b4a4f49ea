// What one connection does between two waits: the second part of EventLoop.
#include <algorithm>
#include <functional>
#include <utility>

#include "io/event_loop.h"
#include "io/memory.h"
#include "io/thread_time.h"

namespace gracekeeper::io {
namespace {

// A turn, in bytes that are read: so many take about as long as a usual request. Go's TLS, which is
// the API server's, sends records of 1 KB first and of 16 KB in the end
// (crypto/tls, recordSizeBoostThreshold): by their number, its first request would take several.
constexpr std::size_t kBytesPerTurn = std::size_t{256} * 1024;
// What a record takes at least, however short it is, and what any other step is taken for.
constexpr std::size_t kBytesOfShortRead = kBytesPerTurn / 32;
constexpr std::size_t kBytesOfStep = kBytesPerTurn / 4;
// A usual answer takes a tenth of this.
constexpr std::chrono::milliseconds kCostly{2};
// A body of this size has room for all of it when an eighth is there. Buffers that double until it
// fits are copied and touched once more: of a review of 3 MB, a fifth of the time.
constexpr std::size_t kLargeBody = std::size_t{512} * 1024;
}  // namespace

void EventLoop::drive(Connection& connection) {
  // What may throw here is an allocation. It costs one connection and not the process.
  try {
    for (std::size_t taken = 0; taken < kBytesPerTurn && connection.linked;) {
      received_ = 0;
      switch (step(connection)) {
        case Next::kGoOn:
          if (connection.is_patient()) taken = kBytesPerTurn;  // in the next turn
          if (connection.wait == Wait::kWrite && holds_answers_ && !connection.costly) {
            if (held_++ == 0) held_since_ = Clock::now();
            queue(connection);
            return;
          }
          taken += received_ > 0 && connection.is_reading() ? std::max(received_, kBytesOfShortRead)
                                                            : kBytesOfStep;
          break;
        case Next::kBlocked:
          return;
        case Next::kClosed:
          close(connection);
          return;
      }
    }
    if (!connection.linked) return;
    // Whoever goes on reading does so in its next turn: what is ready goes before the turns.
    const bool has_turns = connection.is_reading() && !lets_others_go_first(connection);
    has_turns ? queue(connection, in_turn_) : queue(connection);
  } catch (const std::exception&) {
    close(connection);
  }
}

EventLoop::Next EventLoop::step(Connection& connection) {
  switch (connection.wait) {
    case Wait::kHandshake:
      return shake_hands(connection);
    case Wait::kFirstRequest:
    case Wait::kRequest:
    case Wait::kIdle:
      return read(connection);
    case Wait::kHandling:
      return Next::kBlocked;
    case Wait::kWrite:
      return write(connection);
    case Wait::kLinger:
      return discard(connection);
  }
  return Next::kClosed;
}

EventLoop::Next EventLoop::shake_hands(Connection& c) {
  if (!c.transport.has_tls()) {
    const IoStatus first = c.transport.peek_handshake();
    if (first == IoStatus::kWantsRead) return Next::kBlocked;
    if (first == IoStatus::kOk) {
      make_room_for_handshake();
      c.transport.start_tls(shared_.options.certificates->context().get());
    }
    if (!c.transport.has_tls()) {
      if (first != IoStatus::kEnd) ++shared_.handshakes_failed;
      return Next::kClosed;
    }
    begin_handshake(c);
  }
  switch (c.transport.handshake()) {
    case IoStatus::kOk:
      end_handshake(c);
      wait_for(c, Wait::kFirstRequest);
      return Next::kGoOn;
    case IoStatus::kWantsRead:
    case IoStatus::kWantsWrite:
      return Next::kBlocked;
    default:
      ++shared_.handshakes_failed;
      return Next::kClosed;
  }
}

EventLoop::Next EventLoop::read(Connection& c) {
  if (c.held_back) return Next::kBlocked;
  if (!c.out.empty()) {  // a 100 Continue
    c.offered = true;
    const IoResult io = c.transport.write(std::string_view(c.out).substr(c.sent));
    if (io.status == IoStatus::kFailed || io.status == IoStatus::kEnd) return Next::kClosed;
    if (io.status == IoStatus::kOk) {
      c.sent += io.count;
      if (c.sent == c.out.size()) {
        c.out.clear();
        c.sent = 0;
        c.offered = false;
      }
    }
  }
  if (c.whole) {
    c.whole = false;
    c.turn = ++turns_;
    hand_to_lane(c, {}, 0);
    if (c.close_after_write) release(c.in);
    c.unparsed = !c.in.empty();
    account(c);
    return Next::kGoOn;
  }
  if (c.unparsed) {
    c.turn = ++turns_;
    drop(c, parse(c, c.in));
    c.unparsed = c.is_answering() && !c.in.empty();
    rest_after_empty_lines(c);
    ask_for_place(c);
    account(c);
    return Next::kGoOn;
  }
  if (!c.readable) return Next::kBlocked;
  const IoResult io = c.transport.read(scratch_);
  // Where nothing came it was no turn: behind a handshake the request is on its way.
  if (io.status != IoStatus::kWantsRead || c.transport.holds_part_of_record()) c.turn = ++turns_;
  switch (io.status) {
    case IoStatus::kOk:
      break;
    case IoStatus::kWantsRead:
      c.readable = false;
      account(c);
      return Next::kBlocked;
    case IoStatus::kWantsTurn:
      c.costly = true;
      return Next::kGoOn;
    case IoStatus::kWantsWrite:
      return Next::kBlocked;
    case IoStatus::kEnd:  // everything complete has been answered
      answer_unfinished(c, {400, "the request ended before it was complete"});
      return Next::kClosed;
    case IoStatus::kFailed:
      return Next::kClosed;
  }
  received_ = io.count;
  c.place.progress(io.count);
  const std::string_view arrived(scratch_.data(), io.count);
  if (c.in.empty()) {
    // The common case: a whole request in one piece, answered from where it was read to.
    const std::size_t used = parse(c, arrived);
    if (!c.close_after_write) c.in = arrived.substr(used);
  } else {
    make_space(c, arrived.size());
    c.in += arrived;
    drop(c, parse(c, c.in));
  }
  c.unparsed = c.is_answering() && !c.in.empty();
  if (c.wait == Wait::kIdle && !c.reader.fresh()) wait_for(c, Wait::kRequest);
  rest_after_empty_lines(c);
  if (c.in.empty() && c.in.capacity() > kKeptBytes) release(c.in);
  ask_for_place(c);
  account(c);
  return Next::kGoOn;
}

// Empty lines behind a request (RFC 9112, 2.2) do not begin another one.
void EventLoop::rest_after_empty_lines(Connection& c) {
  if (c.wait == Wait::kRequest && c.reader.fresh() && c.in.empty()) wait_for(c, Wait::kIdle);
}

// Room for more of a body: twice as much each time, and not beyond the length the body has.
// Address space that is never written to is bounded too (ulimit -v): by eight times what has come.
void EventLoop::make_space(Connection& c, std::size_t size) {
  const std::size_t needed = c.in.size() + size;
  if (needed <= c.in.capacity()) return;
  const std::uint64_t whole = c.reader.head().content_length.value_or(0);
  std::size_t wanted = 2 * needed;
  const bool is_large = whole >= kLargeBody && whole <= 8 * needed;
  if (whole >= needed && (is_large || whole <= wanted))
    wanted = static_cast<std::size_t>(whole) + kZerosBehindLargeBody;
  // A string that grows in place at least doubles, whatever is asked of it: a new one takes the
  // size.
  std::string larger;
  larger.reserve(wanted);
  larger += c.in;
  c.in = std::move(larger);
  c.roomy = is_large;
}

// Of what has been received. What is left moves to the front, and where it stood is memory still.
void EventLoop::drop(Connection& c, std::size_t used) {
  if (used == 0) return;
  c.in.erase(0, used);
  c.roomy = false;
}

// Offers data to the reader until it wants more or there is something to write. Returns how much of
// it is done with.
std::size_t EventLoop::parse(Connection& c, std::string_view data) {
  std::size_t used = 0;
  while (true) {
    const RequestReader::Step step = c.reader.advance(data.substr(used));
    used += step.consumed;
    switch (step.state) {
      case RequestReader::State::kMore:
        return used;
      case RequestReader::State::kHead:
        if (!judge_head(c, used < data.size())) return data.size();
        break;
      case RequestReader::State::kComplete:
        if (is_heavy(c)) {
          c.whole = waits_for_place(c);
          return c.whole ? used : hand_to_lane(c, data, used);
        }
        complete(c);
        return c.close_after_write ? data.size() : used;
      case RequestReader::State::kFailed:
        refuse(c, HttpError(c.reader.error()));
        return data.size();
    }
  }
}

bool EventLoop::judge_head(Connection& c, bool body_has_begun) {
  const RequestHead& head = c.reader.head();
  if (const auto error = shared_.dispatch.judge(head)) {
    refuse(c, *error);
    return false;
  }
  const bool has_body = head.chunked || head.content_length.value_or(0) > 0;
  if (head.expects_continue && has_body && !body_has_begun)
    c.out += "HTTP/1.1 100 Continue\r\n\r\n";
  return true;
}

// Of a body that is handled where it was read to, the rest of the scratch: whatever is there.
std::size_t EventLoop::readable_behind(std::string_view body) const {
  const char* const begin = scratch_.data();
  const char* const end = begin + scratch_.size();
  const bool is_inside = std::less_equal<>()(begin, body.data()) && std::less<>()(body.data(), end);
  return is_inside ? static_cast<std::size_t>(end - (body.data() + body.size())) : 0;
}

void EventLoop::complete(Connection& c) {
  c.close_after_write = c.reader.head().close || shared_.draining;
  const auto begun = thread_time();
  const std::string_view body = c.reader.body();
  shared_.dispatch.answer(c.reader.head(), {body, readable_behind(body)}, c.remote,
                          c.close_after_write, c.out);
  c.costly = thread_time() - begun > kCostly;
  c.place.complete(c.reader.body().size());
  take_place(c);
  count_as_served(c);
  c.reader.reset();
  wait_for(c, Wait::kWrite);
}

bool EventLoop::is_heavy(const Connection& c) const {
  const auto& options = shared_.options;
  if (options.heavy_body_bytes == 0) return false;
  const std::string_view body = c.reader.body();
  return body.size() >= options.heavy_body_bytes ||
         (options.takes_long && options.takes_long(body));
}

// Gives a complete request to the heavy lane, and its memory with it. Returns how much of the data
// is done with, as parse() does.
std::size_t EventLoop::hand_to_lane(Connection& c, std::string_view data, std::size_t used) {
  c.close_after_write = c.reader.head().close || shared_.draining;
  auto request = std::make_shared<HeavyRequest>();
  request->place = take_place(c);
  request->head = c.reader.head();
  request->remote = c.remote;
  request->close = c.close_after_write;
  const std::string_view body = c.reader.body();
  request->size = body.size();
  std::size_t left_to_erase = used;
  if (c.reader.head().chunked) {
    request->storage = c.reader.take_decoded();
  } else if (data.data() == c.in.data()) {
    std::string rest(data.substr(used));
    request->offset = used - body.size();
    request->storage = std::move(c.in);
    c.in = std::move(rest);
    c.roomy = false;
    left_to_erase = 0;
  } else {
    request->storage.reserve(body.size() + kZerosBehindLargeBody);
    request->storage = body;
  }
  request->storage.resize(request->offset + request->size);  // without the requests behind it
  if (request->storage.capacity() < request->storage.size() + kZerosBehindLargeBody) {
    std::string larger;  // appending would double it
    larger.reserve(request->storage.size() + kZerosBehindLargeBody);
    larger += request->storage;
    request->storage = std::move(larger);
  }
  request->storage.append(kZerosBehindLargeBody, '\0');
  request->place.complete(request->storage.capacity());
  count_as_served(c);
  c.reader.reset();
  wait_for(c, Wait::kHandling);
  c.heavy = ++shared_.heavy_requests;
  const Finished to{.connection = &c, .number = c.number, .answer = {}};
  HeavyLane::Job job{.address = std::string(c.peer.address()),
                     .bytes = request->storage.capacity(),
                     .key = c.heavy};
  job.refuse = [this, request, to] {
    Finished finished = to;
    finished.close = true;
    ++shared_.shed;
    try {
      shared_.dispatch.answer_error({503, "too many large requests wait; try again"},
                                    &request->head, request->remote, finished.answer);
    } catch (const std::exception&) {
      finished.answer.clear();  // memory has run out: it costs one connection. The same below.
    }
    finish(std::move(finished));
  };
  job.run = [this, request = std::move(request), to] {
    if (shared_.heap_has_room.exchange(false)) return_free_heap();
    if (request->size >= kLargeBody)
      shared_.peak_trimmer.make_room(shared_.options.after_heavy_requests);
    Finished finished = to;
    try {
      shared_.dispatch.answer(
          request->head,
          {std::string_view(request->storage).substr(request->offset, request->size),
           kZerosBehindLargeBody},
          request->remote, request->close, finished.answer);
    } catch (const std::exception&) {
      finished.answer.clear();
    }
    release(request->storage);
    finish(std::move(finished));
  };
  book(c, 0);  // before the lane counts it: both together would be twice as much
  shared_.heavy_lane.post(std::move(job));
  return c.close_after_write ? data.size() : left_to_erase;
}

// Answers by the server itself and ends the connection.
void EventLoop::refuse(Connection& c, const HttpError& error) {
  const RequestHead& head = c.reader.head();
  // A 100 Continue that nobody has seen. Once TLS has a record of it, that is what is sent next,
  // and counts as the begin of `out`.
  if (!c.offered) c.out.clear();
  shared_.dispatch.answer_error(error, head.method.empty() ? nullptr : &head, c.remote, c.out);
  c.close_after_write = true;
  c.unparsed = false;
  c.whole = false;
  take_place(c);
  c.reader.reset();
  wait_for(c, Wait::kWrite);
}

// Before a connection is closed in the middle of a request: the answer is for a client that still
// listens, and for the log. One attempt to send it; whoever lets others wait is not waited for.
void EventLoop::answer_unfinished(Connection& c, const HttpError& error) {
  const bool has_begun = !c.reader.fresh() || !c.in.empty();
  if (!has_begun || c.sent != 0) return;  // in the middle of a 100 Continue nothing fits
  const RequestHead& head = c.reader.head();
  shared_.dispatch.answer_error(error, head.method.empty() ? nullptr : &head, c.remote, c.out);
  if (shared_.options.before_answers) shared_.options.before_answers();
  c.transport.write(c.out);
  c.transport.end_writing();
}

EventLoop::Next EventLoop::write(Connection& c) {
  if (shared_.options.before_answers) shared_.options.before_answers();
  while (c.sent < c.out.size()) {
    const IoResult io = c.transport.write(std::string_view(c.out).substr(c.sent));
    if (io.status == IoStatus::kWantsRead || io.status == IoStatus::kWantsWrite) {
      c.stuck = true;
      account(c);
      return Next::kBlocked;
    }
    if (io.status != IoStatus::kOk) return Next::kClosed;
    c.sent += io.count;
  }
  c.out.clear();
  c.sent = 0;
  c.offered = false;
  c.stuck = false;
  if (c.out.capacity() > kKeptBytes) release(c.out);
  account(c);
  if (c.close_after_write) return begin_linger(c);
  wait_for(c, c.unparsed ? Wait::kRequest : Wait::kIdle);
  return Next::kGoOn;
}

// A socket closed while bytes are unread is reset, and the reset can destroy an answer that the
// client has not read yet. So: no more writing, read past what still comes, and close when the
// client does.
EventLoop::Next EventLoop::begin_linger(Connection& c) {
  release(c.in);
  account(c);
  c.transport.end_writing();
  c.readable = true;
  wait_for(c, Wait::kLinger);
  return Next::kGoOn;
}

EventLoop::Next EventLoop::discard(Connection& c) {
  if (!c.readable) return Next::kBlocked;
  const IoResult io = c.transport.discard(scratch_);
  if (io.status == IoStatus::kWantsRead) {
    c.readable = false;
    return Next::kBlocked;
  }
  if (io.status != IoStatus::kOk) return Next::kClosed;
  c.discarded += io.count;
  return c.discarded > shared_.options.linger_bytes ? Next::kClosed : Next::kGoOn;
}

}  // namespace gracekeeper::io
