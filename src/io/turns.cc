// Who comes next: the fifth part of EventLoop.
//
// In a round come those that are ready, for some time those that take turns, some handshakes, and
// for some time those that let all others go first. So a round is short, and none of them starves.
#include <algorithm>

#include "io/event_loop.h"

namespace gracekeeper::io {
namespace {

// A step of a handshake takes up to a third of a millisecond. A storm of them must not hold up
// those who have theirs behind them by more than a few.
constexpr std::size_t kHandshakesPerRound = 8;
constexpr std::chrono::milliseconds kFinishingTimePerRound{2};
// When more of them wait, the latest comes first of the address with fewest handshakes, and of one
// that has many connections already the latest of all. In order, a flood would have all of them
// wait until they are evicted or have given up, and the work would go into those.
constexpr std::size_t kHandshakesInOrder = 64;
// An address with more than this part of all connections is a crowd: the handshakes and requests of
// others come before its own.
constexpr std::size_t kCrowdShare = 4;
// For those that take turns.
constexpr std::chrono::milliseconds kTimePerRound{4};
// For those that let others go first: who sends the next request before there is an answer to the
// last one, whose requests take long, and crowds. At least: half as long as the others took.
constexpr std::chrono::milliseconds kPatientTimePerRound{2};
// Answers that are sent together, once the requests that came with theirs are answered too: a
// client that sleeps is woken once and not for each of them, which takes an eighth of a request's
// time where it is on the same machine (docs/performance.md), and deciding several times in a row
// keeps the code in the processor's caches.
constexpr std::size_t kAnswersHeld = 16;
// Of few connections three quarters of their answers at most, for the client to have something to
// do while the last of them are made, and this side while the client does it: with all of them,
// each would wait for the other in turn. Of more of them the first asks again before the last has
// its answer, and whoever is left out waits for all others: twice as long as they do.
constexpr std::size_t kFewConnections = 8;
constexpr std::size_t kHeldOf = 4;
constexpr std::size_t kMostHeld = 3;

}  // namespace

// One that an event names.
void EventLoop::serve_or_queue(Connection& connection, bool are_many) {
  if (connection.wait == Wait::kHandshake || connection.queued ||
      lets_others_go_first(connection)) {
    queue(connection);
  } else if (are_many && connection.is_reading()) {
    queue(connection, in_turn_);
  } else {
    drive(connection);
    if (holds_enough()) serve_ready();
  }
}

bool EventLoop::is_of_crowd(const Connection& connection) const {
  return connection.peer.count() > shared_.connections_per_loop / kCrowdShare;
}

// What comes from a crowd takes long together.
bool EventLoop::lets_others_go_first(const Connection& connection) const {
  return connection.is_patient() || (connection.is_reading() && is_of_crowd(connection));
}

void EventLoop::queue(Connection& connection) {
  if (connection.queued) return;
  if (lets_others_go_first(connection)) return queue(connection, patient_);
  connection.queued = true;
  const auto queue_of_its_kind = [&]() -> std::deque<Connection*>& {
    if (connection.wait != Wait::kHandshake) return ready_;
    if (connection.transport.has_agreed_keys()) return finishing_;
    return is_of_crowd(connection) ? crowd_ : greeting_;
  };
  try {
    queue_of_its_kind().push_back(&connection);
  } catch (const std::bad_alloc&) {
    connection.queued = false;
    connection.transport.abort();
    close(connection);
  }
}

void EventLoop::queue(Connection& connection, Turns& queued) {
  if (connection.queued) return;
  try {
    connection.queued = queued.emplace(connection.turn, &connection).second;
  } catch (const std::bad_alloc&) {
    connection.transport.abort();
    close(connection);
  }
}

void EventLoop::serve_first_of(std::deque<Connection*>& queued) {
  Connection& connection = *queued.front();
  queued.pop_front();
  connection.queued = false;
  if (connection.linked) drive(connection);
}

void EventLoop::serve_last_of(std::deque<Connection*>& queued) {
  Connection& connection = *queued.back();
  queued.pop_back();
  connection.queued = false;
  if (connection.linked) drive(connection);
}

// That of the address with fewest handshakes, of those one that is known, the latest of those: many
// addresses together are no crowd, and would bury those who come seldom.
void EventLoop::serve_rarest_of(std::deque<Connection*>& queued) {
  const auto rank = [](const Connection* one) {
    return std::pair(one->peer.handshakes(), !one->peer.is_known());
  };
  constexpr std::pair<std::size_t, bool> kFirst{0, false};
  auto found = queued.end() - 1;
  for (auto place = queued.end(); place != queued.begin() && rank(*found) != kFirst;) {
    --place;
    if (rank(*place) < rank(*found)) found = place;
  }
  std::rotate(found, found + 1, queued.end());
  serve_last_of(queued);
}

void EventLoop::serve_handshakes() {
  // What has the most of it behind it comes first: that would be lost, and it holds memory. These
  // steps neither sign nor agree on keys, and hundreds that send their last bytes one by one must
  // not hold up those that send them at once.
  const auto end = Clock::now() + kFinishingTimePerRound;
  for (std::size_t turns = finishing_.size(); turns > 0 && !finishing_.empty(); --turns) {
    serve_first_of(finishing_);
    if (Clock::now() >= end) break;
  }
  for (std::size_t turns = kHandshakesPerRound; turns > 0; --turns) {
    if (greeting_.size() > kHandshakesInOrder) {
      serve_rarest_of(greeting_);
    } else if (!greeting_.empty()) {
      serve_first_of(greeting_);
    } else if (!crowd_.empty()) {
      serve_last_of(crowd_);
    }
  }
}

bool EventLoop::holds_enough() const {
  return held_ >= kAnswersHeld ||
         (held_ > 0 && Clock::now() - held_since_ > shared_.options.answers_held_for);
}

// Whether answers may wait for those of requests that have come since: where the next ones are
// still to come, those that are due are sent now.
bool EventLoop::has_time_for_others() const {
  if (held_ == 0 || holds_enough()) return false;
  return connections_ < kFewConnections ? held_ * kHeldOf < connections_ * kMostHeld
                                        : held_ < connections_;
}

void EventLoop::serve_ready() {
  for (std::size_t turns = ready_.size(); turns > 0 && !ready_.empty(); --turns)
    serve_first_of(ready_);
  held_ = 0;
}

// Each once at most, and one at least; answers that are held wait for who has asked meanwhile, so
// that as many are sent together each time. By sixteens and tens in turn, half of the requests
// would wait half as long again as the others. Who lets all others go first does not wait for more
// of them: they come in the next round.
void EventLoop::serve_in_turn(Turns& queued, Clock::time_point end) {
  holds_answers_ = true;
  bool has_time = true;
  do {
    for (std::size_t turns = queued.size(); turns > 0 && !queued.empty() && has_time; --turns) {
      Connection& connection = *queued.begin()->second;
      queued.erase(queued.begin());
      connection.queued = false;
      if (connection.linked) drive(connection);
      if (holds_enough()) serve_ready();
      has_time = Clock::now() < end;
    }
  } while (has_time && &queued == &in_turn_ && has_time_for_others() && look_for_others());
  holds_answers_ = false;
  serve_ready();
}

void EventLoop::serve_queued() {
  serve_ready();
  if (!in_turn_.empty()) serve_in_turn(in_turn_, Clock::now() + kTimePerRound);
  serve_handshakes();
  if (patient_.empty()) return;
  const auto now = Clock::now();
  serve_in_turn(patient_,
                now + std::max<Clock::duration>(kPatientTimePerRound, (now - round_began_) / 2));
}

}  // namespace gracekeeper::io
