#include "io/event_loop.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <system_error>

namespace gracekeeper::io {
namespace {

constexpr int kEventsPerRound = 256;
// More that can be read at once than this take turns: who has not had one for longest comes first.
// In the order of their coming, one that asks now and then would wait for hundreds that always ask,
// each time.
constexpr std::size_t kEventsInOrder = 16;
// How often a loop that would have to give some up looks whether it has to.
constexpr std::chrono::milliseconds kHandshakesLookedAtEvery{20};
// Some 20 us each: whoever has something to say does not wait for hundreds that had nothing.
constexpr int kExpiriesPerRound = 64;
// Larger than any TLS record, so that one read takes what one record brought.
constexpr std::size_t kScratchBytes = std::size_t{64} * 1024;

std::array<std::chrono::milliseconds, kWaits> durations(const ServerDeadlines& d) {
  std::array<std::chrono::milliseconds, kWaits> all{};
  const auto set = [&all](Wait wait, std::chrono::milliseconds duration) {
    all[static_cast<std::size_t>(wait)] = duration;
  };
  set(Wait::kHandshake, d.handshake);
  set(Wait::kFirstRequest, d.first_request);
  set(Wait::kRequest, d.request);
  set(Wait::kHandling, d.handling);
  set(Wait::kIdle, d.idle);
  set(Wait::kWrite, d.write);
  set(Wait::kLinger, d.linger);
  return all;
}

}  // namespace

EventLoop::EventLoop(ServerShared& shared)
    : shared_(shared), deadlines_(durations(shared.options.deadlines)), scratch_(kScratchBytes) {}

EventLoop::~EventLoop() { join(); }

Result<void> EventLoop::start() {
  epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  wakeup_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll_ || !wakeup_) {
    return fail(
        fmt::format("cannot start an event loop: {}", std::generic_category().message(errno)));
  }
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &event) != 0) {
    return fail(
        fmt::format("cannot start an event loop: {}", std::generic_category().message(errno)));
  }
  // Signals are for the thread that waits for them, never for this one.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return {};
}

void EventLoop::join() {
  if (thread_.joinable()) thread_.join();
}

void EventLoop::wake() {
  const std::uint64_t one = 1;
  // Full means that a wake-up is pending already.
  [[maybe_unused]] const ssize_t written = ::write(wakeup_.get(), &one, sizeof(one));
}

void EventLoop::adopt(Descriptor socket, std::string remote) {
  ++connections_;
  try {
    const std::lock_guard lock(inbox_mutex_);
    inbox_.push_back({std::move(socket), std::move(remote)});
  } catch (...) {
    --connections_;
    throw;
  }
  wake();
}

void EventLoop::evict_one() {
  evict_requested_ = true;
  wake();
}

void EventLoop::shed_one() {
  shed_requested_ = true;
  wake();
}

int EventLoop::timeout() const {
  if (!ready_.empty() || !finishing_.empty() || !greeting_.empty() || !crowd_.empty() ||
      !patient_.empty() || !in_turn_.empty() || gives_up_handshakes_)
    return 0;
  auto next = deadlines_.next();
  // Bodies that another loop receives may take away their room.
  if (next && handshakes_ > shared_.handshakes_beside_bodies)
    next = std::min(*next, Clock::now() + kHandshakesLookedAtEvery);
  if (!holds_little()) {
    const auto look = Clock::now() + kMemoryLookedAtEvery;
    next = next ? std::min(*next, look) : look;
  }
  if (shared_.ending && !drain_is_over_) {
    const Clock::time_point end{Clock::duration(shared_.end_of_drain.load())};
    if (!next || end < *next) next = end;
  }
  if (!next) return -1;
  if (held_back_ > 0) next = std::min(*next, Clock::now() + BodyRoom::kLooksEvery);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void EventLoop::run() {
  std::array<epoll_event, kEventsPerRound> events;
  while (true) {
    if (shared_.options.before_answers) shared_.options.before_answers();
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerRound, timeout());
    round_began_ = Clock::now();
    holds_answers_ = count > 1;
    serve_events(std::span(events).first(static_cast<std::size_t>(std::max(count, 0))));
    while (has_time_for_others() && look_for_others()) {
    }
    holds_answers_ = false;
    serve_queued();
    take_inbox();
    look_at_places();
    look_at_memory();
    give_up_handshakes();
    expire();
    if (shared_.ending || shared_.cutting) end_drain();
    // A queued connection that was closed since is still in its queue.
    if (dead_) {
      const auto closed = [](const Connection* connection) { return !connection->linked; };
      std::erase_if(ready_, closed);
      std::erase_if(finishing_, closed);
      std::erase_if(greeting_, closed);
      std::erase_if(crowd_, closed);
      const auto closed_too = [&](const auto& entry) { return closed(entry.second); };
      std::erase_if(in_turn_, closed_too);
      std::erase_if(patient_, closed_too);
      // One after the other: a chain that lets go of itself would need a stack as long.
      while (dead_) dead_ = std::move(dead_->next_dead);
    }
    if ((shared_.ending || shared_.cutting) && connections_ == 0) return;
  }
}

// Whether anybody has asked since, who is served or queued then.
bool EventLoop::look_for_others() {
  std::array<epoll_event, kEventsPerRound> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerRound, 0);
  if (count <= 0) return false;
  serve_events(std::span(events).first(static_cast<std::size_t>(count)));
  return true;
}

void EventLoop::serve_events(std::span<const epoll_event> events) {
  const bool are_many = events.size() > kEventsInOrder || !in_turn_.empty();
  for (const auto& event : events) {
    if (event.data.ptr == nullptr) {
      std::uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t got = ::read(wakeup_.get(), &ignored, sizeof(ignored));
      continue;
    }
    Connection& connection = *static_cast<Connection*>(event.data.ptr);
    if (!connection.linked) continue;  // closed earlier in this round
    const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    if (broken || (event.events & EPOLLIN) != 0) connection.readable = true;
    serve_or_queue(connection, are_many);
  }
}

void EventLoop::take_inbox() {
  std::vector<Arrival> arrivals;
  std::vector<Finished> finished;
  {
    const std::lock_guard lock(inbox_mutex_);
    arrivals.swap(inbox_);
    finished.swap(finished_);
  }
  for (Arrival& arrival : arrivals) {
    try {
      admit(std::move(arrival));
    } catch (const std::bad_alloc&) {
      // The deadline ends the connection. The same below.
    }
  }
  for (Finished& one : finished) {
    try {
      take_answer(std::move(one));
    } catch (const std::bad_alloc&) {
    }
  }
  if (evict_requested_.exchange(false)) evict_one_for_another();
  try {
    if (shed_requested_.exchange(false)) shed();
  } catch (const std::exception&) {
    // No memory for the answer that says so: the next one that grows asks again.
  }
}

void EventLoop::places_changed() noexcept {
  places_changed_ = true;
  wake();
}

// Who has room is read again, with all the time that a request has; who gives way is told so.
void EventLoop::look_at_places() {
  if (held_back_ > 0) shared_.body_room.look(round_began_);
  if (!places_changed_.exchange(false)) return;
  // From the end: whoever loses its place leaves it to the last, who has had its turn.
  for (std::size_t i = with_place_.size(); i > 0; --i) {
    i = std::min(i, with_place_.size());  // making room may have taken another's place
    if (i == 0) break;
    Connection& connection = *with_place_[i - 1];
    const auto state = connection.place.state();
    if (state == BodyRoom::State::kRefused) {
      shed(connection, "too many large requests wait; try again");
    } else if (state == BodyRoom::State::kGivesWay && !connection.place.reprieve()) {
      shed(connection, "a large request was too slow, and others wait; try again");
    } else if (state == BodyRoom::State::kHas && connection.held_back) {
      connection.held_back = false;
      --held_back_;
      wait_for(connection, connection.wait);
      queue(connection);
    }
  }
}

void EventLoop::admit(Arrival arrival) {
  const auto refuse_it = [this] {
    ++shared_.refused;
    --connections_;
  };
  if (owned_.size() >= shared_.connections_per_loop && !evict_one_for_another()) return refuse_it();
  Connection* place = nullptr;
  try {
    auto owner = std::make_unique<Connection>(std::move(arrival.socket), std::move(arrival.remote),
                                              shared_.options.limits);
    place = owner.get();
    owner->peer = peers_.add(owner->remote);
    owned_.emplace(place, std::move(owner));
  } catch (const std::bad_alloc&) {
    return refuse_it();
  }
  Connection& connection = *place;
  connection.number = ++last_number_;
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = &connection}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.transport.descriptor(), &event) != 0) {
    owned_.erase(place);
    return refuse_it();
  }
  ++waiting_[static_cast<std::size_t>(connection.wait)];
  if (shared_.options.certificates) {
    wait_for(connection, Wait::kHandshake);
    queue(connection);
  } else {
    // Its request is here as a rule: with an answer it is not one of those that go first when more
    // arrive.
    wait_for(connection, Wait::kFirstRequest);
    drive(connection);
  }
}

// For other threads too. What there is no memory for is ended by the connection's deadline.
void EventLoop::finish(Finished finished) {
  try {
    const std::lock_guard lock(inbox_mutex_);
    finished_.push_back(std::move(finished));
  } catch (const std::bad_alloc&) {
  }
  wake();
}

// A connection is known by its number too: another one may have its place in memory by now.
void EventLoop::take_answer(Finished finished) {
  const auto found = owned_.find(finished.connection);
  if (found == owned_.end() || found->second->number != finished.number ||
      found->second->wait != Wait::kHandling)
    return;
  Connection& connection = *found->second;
  connection.heavy = 0;
  if (finished.close) connection.close_after_write = true;
  if (finished.answer.empty()) {
    connection.transport.abort();
    close(connection);
    return;
  }
  if (connection.out.empty()) {
    connection.out = std::move(finished.answer);
  } else {
    connection.out += finished.answer;  // behind what is left of a 100 Continue
  }
  wait_for(connection, Wait::kWrite);
  account(connection);
  queue(connection);
}

void EventLoop::wait_for(Connection& connection, Wait wait) {
  --waiting_[static_cast<std::size_t>(connection.wait)];
  deadlines_.start(connection, wait, Clock::now());
  ++waiting_[static_cast<std::size_t>(wait)];
}

void EventLoop::close(Connection& connection) {
  const auto found = owned_.find(&connection);
  if (found == owned_.end()) return;
  --waiting_[static_cast<std::size_t>(connection.wait)];
  if (connection.is_in_handshake()) end_handshake(connection);
  if (connection.heavy != 0) shared_.heavy_lane.forget(connection.peer.address(), connection.heavy);
  deadlines_.remove(connection);
  take_place(connection);
  release(connection.in);
  release(connection.out);
  connection.reader.reset();
  // The descriptor is closed at once, the object lives until the end of the round.
  connection.transport.close();
  book(connection, 0);
  if (connection.served) --served_;
  --connections_;
  connection.peer = {};
  found->second->next_dead = std::move(dead_);
  dead_ = std::move(found->second);
  owned_.erase(found);
}

// What came before a deadline was seen in this round: later ones are looked at in the next.
void EventLoop::expire() {
  for (int turns = kExpiriesPerRound; turns > 0; --turns) {
    Deadline* due = deadlines_.expired(round_began_);
    if (due == nullptr) return;
    auto& connection = *static_cast<Connection*>(due);
    if (connection.held_back) {
      shed(connection, "too many large requests wait; try again");
      continue;
    }
    switch (connection.wait) {
      case Wait::kIdle:
        if (connection.queued) {  // it has asked
          wait_for(connection, Wait::kIdle);
          continue;
        }
        connection.transport.end_writing();
        break;
      case Wait::kLinger:
        break;
      case Wait::kHandling:
      case Wait::kWrite:
        connection.transport.abort();
        ++shared_.timed_out;
        break;
      case Wait::kHandshake:
        ++shared_.timed_out;
        break;
      case Wait::kFirstRequest:
      case Wait::kRequest:
        ++shared_.timed_out;
        try {
          answer_unfinished(connection, {408, "the request was not complete in time"});
        } catch (const std::exception&) {
          // No memory for an answer: it ends without one.
        }
        break;
    }
    close(connection);
  }
}

// A request of which a part has come may still be completed, and an answer that is being made or
// sent go out to its end: their deadlines are set.
void EventLoop::end_drain() {
  const bool over =
      shared_.cutting || round_began_.time_since_epoch().count() >= shared_.end_of_drain;
  if (!over) return;
  drain_is_over_ = true;
  for (auto place = owned_.begin(); place != owned_.end();) {
    Connection& connection = *place->first;
    ++place;  // close() takes out this one only
    const bool has_asked = connection.queued && connection.is_reading();
    if (!shared_.cutting &&
        (connection.is_answering() || connection.has_begun_request() || has_asked)) {
      connection.close_after_write = connection.close_after_write || connection.is_answering();
      continue;
    }
    if (!shared_.cutting && connection.wait != Wait::kLinger) connection.transport.end_writing();
    close(connection);
  }
}

}  // namespace gracekeeper::io
