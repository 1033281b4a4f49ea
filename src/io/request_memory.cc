// What large bodies, unfinished requests and untaken answers may hold: the fourth part of
// EventLoop. Large bodies wait for a place before they come; for all else, whoever holds most loses
// it when all together hold too much.
#include <algorithm>
#include <new>
#include <string>
#include <unordered_map>
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
// So many find_heaviest() take a millisecond.
constexpr int kShedAtOnce = 16;

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
  ask_for_place(c, static_cast<std::size_t>(*bytes));
}

void EventLoop::ask_for_place(Connection& c, std::size_t bytes) {
  with_place_.reserve(with_place_.size() + 1);  // may throw, before anything has changed
  c.place = shared_.body_room.ask(c.peer.address(), bytes + kZerosBehindLargeBody, *this);
  with_place_.push_back(&c);
  c.held_back = c.place.state() != BodyRoom::State::kHas;
  if (c.held_back) ++held_back_;
}

// Of a body in chunks, which comes without a place since nobody knows its length: it has to have
// one before it goes to the lane, and is an unfinished request until then. Beside all bodies that
// announce theirs the lane would hold as much once more.
bool EventLoop::waits_for_place(Connection& c) {
  const std::size_t large = shared_.options.large_body_bytes;
  const std::size_t bytes = c.reader.body().size();
  if (large != 0 && bytes >= large && c.reader.head().chunked &&
      c.place.state() == BodyRoom::State::kNone)
    ask_for_place(c, bytes);
  return c.held_back;
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
  if (grown && shared_.buffered_bytes > shared_.buffer_limit()) shed();
}

// Of a closed connection: nothing, whatever it still holds.
void EventLoop::book(Connection& c, std::size_t held) {
  if (held == c.accounted) return;
  if (held != 0) buffers_.emplace(held, &c);  // may throw, before anything has changed
  if (c.accounted <= kKeptBytes && held > kKeptBytes) c.held_since = Clock::now();
  if (c.accounted != 0) buffers_.erase({c.accounted, &c});
  shared_.buffered_bytes += held - c.accounted;  // wraps around as it should when it shrinks
  booked_ += held - c.accounted;
  c.accounted = held;
}

// By what is held times how long, and of the address for which that is most together: many that are
// small must not cost somebody else's that is larger, and an honest request is whole after some
// milliseconds. Two kinds come after the others: a connection that is idle for long, and keeps a
// little for its next request, holds nobody up; and bodies with a place are bounded together, and
// while others wait none stays that does not come on.
EventLoop::Heaviest EventLoop::find_heaviest(bool by_age) const {
  constexpr std::chrono::milliseconds least{10};
  constexpr double after_others = 0.01;
  const auto now = Clock::now();
  const auto weight = [&](const std::pair<std::size_t, Connection*>& entry) {
    const bool keeps_little = entry.first <= kKeptBytes;
    const bool has_place = entry.second->place.state() == BodyRoom::State::kHas;
    std::chrono::duration<double> age = least;
    if (!keeps_little) age += now - entry.second->held_since;
    return (keeps_little || has_place ? after_others : 1) * static_cast<double>(entry.first) *
           (by_age ? age.count() : 1);
  };
  struct Sum {
    double weight = 0;
    double most = 0;
    Connection* heaviest = nullptr;
  };
  std::unordered_map<std::string_view, Sum> addresses;
  Heaviest found;
  for (const auto& entry : buffers_) {
    Sum& sum = addresses[entry.second->peer.address()];
    const double weighs = weight(entry);
    sum.weight += weighs;
    if (sum.heaviest == nullptr || weighs > sum.most) {
      sum.most = weighs;
      sum.heaviest = entry.second;
    }
  }
  for (const auto& [address, sum] : addresses) {
    if (found.connection == nullptr || sum.weight > found.weight)
      found = {.connection = sum.heaviest, .weight = sum.weight};
  }
  return found;
}

// Loops that hold little lose nothing: it would help nobody, and together they hold half of the
// limit.
bool EventLoop::holds_little() const {
  return booked_ < shared_.options.max_buffered_bytes / 2 / shared_.loops.size();
}

// For the other loops: when one of them grows, it has to know where the heaviest is.
void EventLoop::look_at_memory() {
  if (holds_little() || round_began_ - memory_looked_at_ < kMemoryLookedAtEvery) return;
  memory_looked_at_ = round_began_;
  try {
    heaviest_ = find_heaviest(true).weight;
  } catch (const std::bad_alloc&) {
    // As it was.
  }
}

// Answers 503 to an unfinished request, a heavy one: of the loop that has the heaviest address, or
// of this one when the limit is exceeded by so much that another loop cannot be waited for.
void EventLoop::shed() {
  const std::size_t limit = shared_.buffer_limit();
  const std::size_t total = shared_.buffered_bytes;
  if (total <= limit) return;
  const bool is_urgent = total > limit + limit / 4;
  Heaviest own = find_heaviest(true);
  heaviest_ = own.weight;
  const auto heaviest_of = [](const EventLoop& loop) {
    return loop.holds_little() ? 0 : loop.heaviest_.load();
  };
  if (holds_little() || !is_urgent) {
    const auto most = std::max_element(
        shared_.loops.begin(), shared_.loops.end(),
        [&](const auto& a, const auto& b) { return heaviest_of(*a) < heaviest_of(*b); });
    if (heaviest_of(**most) > heaviest_of(*this)) {
      (*most)->shed_one();
      return;
    }
    // Nobody has a heavier one left: perhaps because another loop has just made room.
    if (holds_little() || shared_.buffered_bytes <= limit) return;
  }
  // What grows by megabytes must not cost as many small ones as are old: those whose bytes are
  // most.
  if (is_urgent) own = find_heaviest(false);
  for (int turns = kShedAtOnce; turns > 0 && own.connection != nullptr; --turns) {
    shed(*own.connection, "too many requests are being received at once; try again");
    if (shared_.buffered_bytes <= limit + limit / 4) return;
    own = find_heaviest(false);
  }
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
