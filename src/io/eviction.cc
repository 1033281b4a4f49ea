// Who has to go when there are too many connections: the third part of EventLoop.
//
// A port in a cluster can be reached by every pod. Whoever opens connections until there is no room
// for more, silent ones or such as have had an answer, is to lose its own ones and nobody else's.
#include "io/event_loop.h"

namespace gracekeeper::io {
namespace {

constexpr std::string_view kAnyAddress;

}  // namespace

Connection* EventLoop::oldest(Wait wait, std::string_view address) const {
  for (auto* entry = deadlines_.oldest(wait); entry != nullptr; entry = entry->next) {
    auto* connection = static_cast<Connection*>(entry);
    if (address.empty() || connection->peer.address() == address) return connection;
  }
  return nullptr;
}

bool EventLoop::evict_oldest_unserved() {
  for (const auto address : {peers_.most(), kAnyAddress}) {
    Connection* found = nullptr;
    for (const Wait wait : {Wait::kHandshake, Wait::kFirstRequest}) {
      auto* candidate = oldest(wait, address);
      if (candidate != nullptr && (found == nullptr || candidate->at < found->at))
        found = candidate;
    }
    if (found == nullptr) continue;
    ++shared_.evicted;
    found->transport.abort();
    close(*found);
    return true;
  }
  return false;
}

bool EventLoop::evict_longest_idle() {
  for (const auto address : {peers_.most(), kAnyAddress}) {
    auto* found = oldest(Wait::kIdle, address);
    if (found == nullptr) continue;
    ++shared_.evicted;
    found->transport.end_writing();
    close(*found);
    return true;
  }
  return false;
}

void EventLoop::count_as_served(Connection& connection) {
  if (connection.served) return;
  connection.served = true;
  if (++served_ > shared_.served_per_loop) evict_longest_idle();
}

}  // namespace gracekeeper::io
