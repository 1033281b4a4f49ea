// Who has to go when there are too many connections: the third part of EventLoop.
//
// A port in a cluster can be reached by every pod. Whoever opens connections until there is no room
// for more, silent ones or such as have had an answer or are always in the middle of a request, is
// to lose its own ones and nobody else's.
#include <functional>

#include "io/event_loop.h"

namespace gracekeeper::io {
namespace {

constexpr std::string_view kAnyAddress;
// An address with more than this part of a loop's connections gives way in whatever they do. One
// with fewer, such as an API server's, does not where others have such as are not served yet.
constexpr std::size_t kLargeShare = 8;
// Silent ones of an address with more than this part go before anything of another that works: API
// servers behind one address may be many too. Where none has more, whoever has most has not many:
// beside hundreds of addresses with one connection each that is an API server. There the longest
// idle goes, of whomever.
constexpr std::size_t kNotableShare = 32;
// One takes some 30 microseconds, which all others wait for.
constexpr std::size_t kGivenUpPerRound = 8;
constexpr std::chrono::seconds kBodiesNeedRoomFor{1};
// A megabyte and more, of handshakes that were given up: giving it back to the system is worth the
// milliseconds that it takes.
constexpr std::size_t kManyHandshakes = 32;
// What its connections do, that which is lost with least harm first.
constexpr std::array kInOrder{Wait::kLinger, Wait::kIdle, Wait::kRequest, Wait::kWrite,
                              Wait::kHandling};

// Its next request has come, though its turn has not, or nobody has looked yet.
bool has_asked(const Connection& one) {
  return one.wait == Wait::kIdle && (one.queued || one.transport.has_arrived());
}

}  // namespace

template <typename Predicate>
Connection* EventLoop::oldest(Wait wait, std::string_view address, Predicate is_meant) const {
  for (auto* entry = deadlines_.oldest(wait); entry != nullptr; entry = entry->next) {
    auto* connection = static_cast<Connection*>(entry);
    if ((address.empty() || connection->peer.address() == address) && is_meant(*connection))
      return connection;
  }
  return nullptr;
}

template <typename Predicate>
Connection* EventLoop::oldest_unserved(std::string_view address, Predicate is_meant) const {
  auto* greeting = oldest(Wait::kHandshake, address, is_meant);
  auto* silent = oldest(Wait::kFirstRequest, address, is_meant);
  if (greeting == nullptr || silent == nullptr) return greeting != nullptr ? greeting : silent;
  return silent->at < greeting->at ? silent : greeting;
}

void EventLoop::evict(Connection& connection) {
  ++shared_.evicted;
  if (connection.wait == Wait::kIdle)
    connection.transport.end_writing();
  else if (connection.wait != Wait::kLinger)
    connection.transport.abort();
  close(connection);
}

bool EventLoop::evict_one_for_another() {
  const auto in_order = [&](std::string_view address) -> Connection* {
    for (const Wait wait : kInOrder) {
      if (auto* found = oldest(wait, address, std::not_fn(has_asked))) return found;
    }
    return oldest(Wait::kIdle, address, has_asked);
  };
  const std::size_t notable = shared_.connections_per_loop / kNotableShare;
  const auto is_any = [](const Connection&) { return true; };
  const auto is_of_many = [&](const Connection& one) { return one.peer.count() > notable; };
  const auto is_strangers = [](const Connection& one) { return !one.peer.is_known(); };
  // A stranger with a few more than other strangers may be an API server that has just come: of all
  // of them the oldest goes.
  const auto silent = peers_.most_unserved();
  const bool is_one_of_many = !silent.is_known && silent.count <= notable;
  Connection* found = is_one_of_many ? oldest_unserved(kAnyAddress, is_strangers)
                                     : oldest_unserved(silent.address, is_any);
  if (found == nullptr) found = oldest_unserved(kAnyAddress, is_of_many);
  if (found == nullptr) {
    const auto most = peers_.most();
    if (most.count > shared_.connections_per_loop / kLargeShare) found = in_order(most.address);
    if (found == nullptr) found = oldest_unserved(kAnyAddress, is_any);
    if (found == nullptr && most.count > notable) found = in_order(most.address);
    if (found == nullptr) found = in_order(kAnyAddress);
  }
  if (found == nullptr) return false;
  evict(*found);
  return true;
}

// For some time after: whoever makes requests come and go must not have handshakes given up each
// time.
std::size_t EventLoop::room_for_handshakes() {
  if (shared_.holds_much()) bodies_need_room_until_ = round_began_ + kBodiesNeedRoomFor;
  return round_began_ < bodies_need_room_until_ ? shared_.handshakes_beside_bodies
                                                : shared_.handshakes_per_loop;
}

// What OpenSSL keeps for a handshake is some three times what it keeps for a connection (40 KB
// and 13), and costs a stranger one packet. A client may open many connections at once, though.
void EventLoop::make_room_for_handshake() {
  if (handshakes_ >= room_for_handshakes()) evict_handshake();
}

// Those that there is no room for any more, some in each round.
void EventLoop::give_up_handshakes() {
  const std::size_t room = room_for_handshakes();
  std::size_t count = 0;
  while (handshakes_ > room && count < kGivenUpPerRound && evict_handshake()) ++count;
  gives_up_handshakes_ = handshakes_ > room && count == kGivenUpPerRound;
  given_up_ += count;
  if (given_up_ < kManyHandshakes) return;
  given_up_ = 0;
  shared_.heap_has_room = true;
}

// Of the address with most of them, the one that began first. When they came says less: one may
// have waited for its turn, and its client answers within a moment now.
bool EventLoop::evict_handshake() {
  const auto goes_before = [](const Connection& a, const Connection& b) {
    const auto one = a.peer.burden_of_handshakes();
    const auto other = b.peer.burden_of_handshakes();
    return one != other ? one > other : a.begun < b.begun;
  };
  Connection* found = nullptr;
  for (auto* entry = deadlines_.oldest(Wait::kHandshake); entry != nullptr; entry = entry->next) {
    auto& one = *static_cast<Connection*>(entry);
    // About to leave by itself.
    const bool is_finishing = one.queued && one.transport.has_agreed_keys();
    if (!one.is_in_handshake() || is_finishing) continue;
    if (found == nullptr || goes_before(one, *found)) found = &one;
  }
  if (found == nullptr) return false;
  evict(*found);
  return true;
}

void EventLoop::begin_handshake(Connection& connection) {
  ++handshakes_;
  connection.begun = ++handshakes_begun_;
  connection.peer.begin_handshake();
}

void EventLoop::end_handshake(Connection& connection) {
  --handshakes_;
  connection.peer.end_handshake();
}

void EventLoop::count_as_served(Connection& connection) {
  if (connection.served) return;
  connection.served = true;
  connection.peer.serve();
  if (++served_ <= shared_.served_per_loop) return;
  const auto is_another = [&](const Connection& other) {
    return other.served && &other != &connection;
  };
  const auto is_one_to_go = [&](const Connection& other) {
    return is_another(other) && !has_asked(other);
  };
  // Too many at once come from whoever has most of them. Where that one has none that is served, or
  // not many, the longest idle of all.
  const auto most = peers_.most();
  Connection* found = nullptr;
  if (most.count > shared_.connections_per_loop / kNotableShare) {
    for (const Wait wait : {Wait::kIdle, Wait::kLinger, Wait::kRequest, Wait::kWrite}) {
      if (found == nullptr) found = oldest(wait, most.address, is_one_to_go);
    }
    if (found == nullptr) found = oldest(Wait::kIdle, most.address, is_another);
  }
  if (found == nullptr) found = oldest(Wait::kIdle, kAnyAddress, is_one_to_go);
  if (found == nullptr) found = oldest(Wait::kIdle, kAnyAddress, is_another);
  if (found != nullptr) evict(*found);
}

}  // namespace gracekeeper::io
