// What large bodies, unfinished requests and untaken answers may hold: the fourth part of
// EventLoop. Large bodies wait for a place before they come; for all else, whoever holds most loses
// it when all together hold too much.
#include <algorithm>
#include <string>
#include <utility>

#include "io/event_loop.h"

namespace gracekeeper::io {
namespace {

constexpr std::size_t kPageBytes = 4096;
// What OpenSSL holds while a record has come or gone in part only (SSL_MODE_RELEASE_BUFFERS).
constexpr std::size_t kRecordBytes = std::size_t{17} * 1024;
// What the kernel holds at most for a connection whose answer is not taken, and which is not read
// meanwhile: twice SO_SNDBUF and SO_RCVBUF (server.cc).
constexpr std::size_t kKernelBytes = std::size_t{160} * 1024;

// Of a string's capacity.
std::size_t heap(std::size_t capacity) {
  static const std::size_t kInline = std::string().capacity();
  return capacity > kInline ? capacity : 0;
}

}  // namespace

// Of a large body that is to come. While others have the room, it is not read: what has come with
// its head is all that it takes.
void EventLoop::ask_for_place(Connection& c) {
  const auto bytes = c.reader.expected_bytes();
  const std::size_t large = shared_.options.large_body_bytes;
  if (large == 0 || bytes.value_or(0) < large || c.place.state() != BodyRoom::State::kNone) return;
  with_place_.reserve(with_place_.size() + 1);  // may throw, before anything has changed
  c.place = shared_.body_room.ask(c.peer.address(),
                                  static_cast<std::size_t>(*bytes) + kZerosBehindLargeBody, *this);
  with_place_.push_back(&c);
  c.held_back = c.place.state() != BodyRoom::State::kHas;
  if (c.held_back) ++held_back_;
}

// Empty where it has none.
BodyRoom::Place EventLoop::take_place(Connection& c) {
  if (c.place.state() == BodyRoom::State::kNone) return {};
  const auto found = std::find(with_place_.begin(), with_place_.end(), &c);
  *found = with_place_.back();
  with_place_.pop_back();
  if (c.held_back) --held_back_;
  c.held_back = false;
  return std::move(c.place);
}

// Bytes of the heap that what has been received takes. Of the room for a large body, which comes
// from the kernel page by page (return_large_blocks in memory.h), only what has been written to.
std::size_t EventLoop::held_by_input(const Connection& c) {
  const std::size_t capacity = heap(c.in.capacity());
  return c.roomy ? std::min(capacity, c.in.size() + kPageBytes) : capacity;
}

// Brings the books up to date with the memory that a connection's unfinished request or untaken
// answer holds, and makes room when all together hold too much. An answer that goes out at once is
// not booked.
void EventLoop::account(Connection& c) {
  std::size_t held = held_by_input(c) + heap(c.reader.held_bytes());
  if (c.transport.holds_part_of_record()) held += kRecordBytes;
  if (c.stuck) held += heap(c.out.capacity()) + kRecordBytes + kKernelBytes;
  const bool grown = held > c.accounted;
  book(c, held);
  if (grown && shared_.buffered_bytes > shared_.options.max_buffered_bytes) shed();
}

// Of a closed connection: nothing, whatever it still holds.
void EventLoop::book(Connection& c, std::size_t held) {
  if (held == c.accounted) return;
  if (held != 0) buffers_.emplace(held, &c);  // may throw, before anything has changed
  if (c.accounted <= kKeptBytes && held > kKeptBytes) c.held_since = Clock::now();
  if (c.accounted != 0) buffers_.erase({c.accounted, &c});
  shared_.buffered_bytes += held - c.accounted;  // wraps around as it should when it shrinks
  booked_ += held - c.accounted;
  c.peer.book(c.accounted, held);
  c.accounted = held;
  largest_ = buffers_.empty() ? 0 : buffers_.rbegin()->first;
}

// Of the address that holds most: many that are small must not cost somebody else's that is larger.
// Of those, what is held times how long: an honest request is whole after some milliseconds. Two
// kinds come after the others: a connection that is idle for long, and keeps a little for its next
// request, holds nobody up; and bodies with a place are bounded together, and while others wait
// none stays that does not come on.
Connection& EventLoop::heaviest() const {
  constexpr std::chrono::milliseconds least{50};
  constexpr double after_others = 0.01;
  const auto now = Clock::now();
  const auto address = peers_.heaviest();
  const auto weight = [&](const std::pair<std::size_t, Connection*>& entry) {
    if (entry.second->peer.address() != address) return 0.0;
    const bool keeps_little = entry.first <= kKeptBytes;
    const bool has_place = entry.second->place.state() == BodyRoom::State::kHas;
    std::chrono::duration<double> age = least;
    if (!keeps_little) age += now - entry.second->held_since;
    return (keeps_little || has_place ? after_others : 1) * static_cast<double>(entry.first) *
           age.count();
  };
  return *std::max_element(buffers_.begin(), buffers_.end(), [&](const auto& a, const auto& b) {
            return weight(a) < weight(b);
          })->second;
}

// Answers 503 to an unfinished request, a heavy one: of the loop that holds the largest, or of this
// one when the limit is exceeded by so much that another loop cannot be waited for. A loop that
// holds little loses nothing: it would help nobody, and all such loops hold half of the limit.
void EventLoop::shed() {
  const std::size_t limit = shared_.options.max_buffered_bytes;
  const std::size_t total = shared_.buffered_bytes;
  if (total <= limit) return;
  const std::size_t little = limit / 2 / shared_.loops.size();
  const auto largest_of = [little](const EventLoop& loop) {
    return loop.booked_ < little ? 0 : loop.largest_.load();
  };
  if (booked_ < little || total <= limit + limit / 4) {
    const auto largest = std::max_element(
        shared_.loops.begin(), shared_.loops.end(),
        [&](const auto& a, const auto& b) { return largest_of(*a) < largest_of(*b); });
    if (largest_of(**largest) > largest_of(*this)) {
      (*largest)->shed_one();
      return;
    }
    // Nobody has a larger one left: perhaps because another loop has just made room.
    if (booked_ < little || shared_.buffered_bytes <= limit) return;
  }
  if (!buffers_.empty())
    shed(heaviest(), "too many requests are being received at once; try again");
}

// One that is unfinished: answered 503. An answer that is not taken: cut.
void EventLoop::shed(Connection& victim, std::string_view reason) {
  ++shared_.shed;
  try {
    if (victim.is_reading()) {
      refuse(victim, {503, std::string(reason)});
      release(victim.in);
      account(victim);
      queue(victim);
      return;
    }
  } catch (const std::exception&) {
    // No memory for the answer.
  }
  victim.transport.abort();
  close(victim);
}

}  // namespace gracekeeper::io
