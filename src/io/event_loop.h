// One thread that owns a share of the server's connections. Internal to the server.
//
// epoll, edge-triggered: a descriptor is registered once, and a connection remembers whether its
// socket was readable when last tried. drive() moves a connection forward until it has
// to wait.
//
//   handshake -> first request -> write -> idle -> request -> write -> … -> linger -> closed
//
// A large request is handled by the heavy lane between request and write.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <sys/epoll.h>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/body_room.h"
#include "io/deadlines.h"
#include "io/descriptor.h"
#include "io/heavy_lane.h"
#include "io/http_dispatch.h"
#include "io/http_framing.h"
#include "io/memory.h"
#include "io/peer_counts.h"
#include "io/server.h"
#include "io/transport.h"

namespace gracekeeper::io {

// Buffers above this size are given back as soon as they are empty.
inline constexpr std::size_t kKeptBytes = 4096;

struct Connection : Deadline {
  Connection(Descriptor socket, std::string remote_address, const FramingLimits& limits)
      : transport(std::move(socket)), remote(std::move(remote_address)), reader(limits) {}

  Transport transport;
  std::string remote;
  PeerCounts::Share peer;
  BodyRoom::Place place;  // of its large body
  RequestReader reader;
  std::string in;                // received, not yet consumed by the reader
  std::string out;               // answered, not yet sent
  std::size_t sent = 0;          // of out
  std::size_t accounted = 0;     // bytes of the heap in unfinished requests and large answers
  Clock::time_point held_since;  // more of them than an idle connection may keep
  std::size_t discarded = 0;     // while lingering
  bool readable = true;          // edge-triggered: until a read says otherwise
  bool roomy = false;            // `in` was made for a large body and has only grown since
  bool held_back = false;        // is not read: waits for a place
  bool whole = false;            // its request is complete, and for the lane once it has a place
  bool unparsed = false;         // `in` has bytes that the reader has not been offered
  bool offered = false;          // of `out` something was given to TLS, although none may be sent
  bool served = false;           // has had an answer to a complete request
  bool costly = false;           // its last answer took long to make, or its last records to read
  bool close_after_write = false;
  bool queued = false;       // is in one of the loop's queues
  bool stuck = false;        // its answer waits for the client to take it
  std::uint64_t number = 0;  // of the loop's connections, in the order of their coming
  std::uint64_t turn = 0;    // its last one, in which it was read; none yet: it comes first
  std::uint64_t begun = 0;   // its handshake, of the loop's, in the order of their beginning
  std::uint64_t heavy = 0;   // the key of its request, while that is in the heavy lane
  std::unique_ptr<Connection> next_dead;

  bool is_in_handshake() const { return wait == Wait::kHandshake && transport.has_tls(); }
  bool is_answering() const { return wait == Wait::kWrite || wait == Wait::kHandling; }
  bool has_begun_request() const {
    return (wait == Wait::kRequest || wait == Wait::kFirstRequest) &&
           (!reader.fresh() || !in.empty());
  }
  bool is_reading() const {
    return wait == Wait::kRequest || wait == Wait::kFirstRequest || wait == Wait::kIdle;
  }
  // Its next request waits until others have had theirs: it came before the answer to the last one,
  // or the last one took long, or it sends much that is nothing.
  bool is_patient() const {
    return is_reading() && (costly || (wait == Wait::kRequest && unparsed));
  }
};

// Empties a string and gives its memory back (assigning {} would keep it).
inline void release(std::string& text) { std::string().swap(text); }

// A large request on its way through the heavy lane. It owns all that it needs: its connection may
// be gone before it is done.
struct HeavyRequest {
  BodyRoom::Place place;  // first: it is given back after the memory
  RequestHead head;
  std::string storage;  // the body is in here
  std::size_t offset = 0;
  std::size_t size = 0;
  std::string remote;
  bool close = false;
};

class EventLoop;

// What the loops have in common. Outlives them.
struct ServerShared {
  explicit ServerShared(ServerOptions given, std::vector<Route> routes)
      : options(std::move(given)),
        dispatch(options, std::move(routes)),
        body_room({.bytes = options.max_large_bytes,
                   .stalled = options.deadlines.stalled_body,
                   .slow = options.deadlines.slow_body}),
        peak_trimmer(options.much_resident_bytes) {}

  const ServerOptions options;
  HttpDispatch dispatch;
  BodyRoom body_room;  // before all that have places in it
  std::vector<std::unique_ptr<EventLoop>> loops;
  std::size_t connections_per_loop = 0;
  std::size_t served_per_loop = 0;      // of those, with an answer: new ones have room beside them
  std::size_t handshakes_per_loop = 0;  // of those, in a handshake that has begun
  std::size_t handshakes_beside_bodies = 0;  // the same, while requests hold much
  std::atomic<bool> draining{false};         // answers say Connection: close
  std::atomic<bool> ending{false};   // no new connection comes; loops end when theirs have ended
  std::atomic<bool> cutting{false};  // loops end now
  std::atomic<Clock::rep> end_of_drain{0};  // valid once `ending` is set
  std::atomic<std::size_t> buffered_bytes{0};
  std::atomic<std::uint64_t> accepted{0}, refused{0}, evicted{0}, timed_out{0},
      handshakes_failed{0}, shed{0};
  std::atomic<std::uint64_t> heavy_requests{0};

  // Handshakes were given up: before the lane takes memory, theirs goes back to the system.
  std::atomic<bool> heap_has_room{false};
  PeakTrimmer peak_trimmer;  // for the lane's thread

  // Whether requests and untaken answers hold so much memory that handshakes may hold less of it.
  bool holds_much() const {
    return buffered_bytes + heavy_lane.held_bytes() > options.max_buffered_bytes / 8;
  }

  // For unfinished requests and untaken answers. What the lane holds comes out of it, since parsing
  // that takes several times as much: up to a quarter, so that a body that comes on has its room
  // whoever waits there.
  std::size_t buffer_limit() const {
    const std::size_t most = options.max_buffered_bytes;
    return most - std::min(heavy_lane.held_bytes(), most / 4);
  }

  HeavyLane heavy_lane;  // last: its job in hand uses what stands above
};

class EventLoop final : private BodyRoom::Owner {
 public:
  explicit EventLoop(ServerShared& shared);
  ~EventLoop();

  Result<void> start();
  void join();

  // For other threads.
  void adopt(Descriptor socket, std::string remote);
  void evict_one();  // to make room for another one
  void shed_one();   // of the unfinished requests, when all loops together hold too much
  void wake();
  std::size_t connections() const { return connections_; }
  std::size_t served() const { return served_; }
  std::size_t held_back() const { return held_back_; }
  std::size_t count(Wait wait) const { return waiting_[static_cast<std::size_t>(wait)]; }

 private:
  // With hundreds of unfinished requests a look takes some 50 us.
  static constexpr std::chrono::milliseconds kMemoryLookedAtEvery{20};

  enum class Next { kGoOn, kBlocked, kClosed };
  // By their last turn: the one for which that is longest ago comes first.
  using Turns = std::set<std::pair<std::uint64_t, Connection*>>;
  struct Arrival {
    Descriptor socket;
    std::string remote;
  };
  struct Finished {
    Connection* connection;  // if it is still there
    std::uint64_t number;
    std::string answer;  // empty: there was no memory for it
    bool close = false;  // the answer says so
  };

  // event_loop.cc: the loop itself
  void run();
  bool look_for_others();
  void serve_events(std::span<const epoll_event> events);
  int timeout() const;
  void take_inbox();
  void admit(Arrival arrival);
  void take_answer(Finished finished);
  void expire();
  void end_drain();
  void close(Connection& connection);
  void wait_for(Connection& connection, Wait wait);

  void look_at_places();
  void places_changed() noexcept override;  // for other threads

  // turns.cc: who comes next
  void serve_or_queue(Connection& connection, bool are_many);
  void queue(Connection& connection);
  void queue(Connection& connection, Turns& queued);
  bool is_of_crowd(const Connection& connection) const;
  bool lets_others_go_first(const Connection& connection) const;
  void serve_queued();
  bool holds_enough() const;
  bool has_time_for_others() const;
  void serve_ready();
  void serve_in_turn(Turns& queued, Clock::time_point end);
  void serve_first_of(std::deque<Connection*>& queued);
  void serve_last_of(std::deque<Connection*>& queued);
  void serve_rarest_of(std::deque<Connection*>& queued);
  void serve_handshakes();

  // eviction.cc: who has to go
  // From there; "": of all.
  template <typename Predicate>
  Connection* oldest(Wait wait, std::string_view address, Predicate is_meant) const;
  template <typename Predicate>
  Connection* oldest_unserved(std::string_view address, Predicate is_meant) const;
  void evict(Connection& connection);
  bool evict_one_for_another();  // false: there is none
  std::size_t room_for_handshakes();
  void make_room_for_handshake();
  void give_up_handshakes();
  bool evict_handshake();  // false: there is none
  void begin_handshake(Connection& connection);
  void end_handshake(Connection& connection);
  void count_as_served(Connection& connection);

  // connection_steps.cc: what a connection does
  void drive(Connection& connection);
  Next step(Connection& connection);
  Next shake_hands(Connection& connection);
  Next read(Connection& connection);
  Next write(Connection& connection);
  Next discard(Connection& connection);
  Next begin_linger(Connection& connection);
  void rest_after_empty_lines(Connection& connection);
  static void make_space(Connection& connection, std::size_t size);
  static void drop(Connection& connection, std::size_t used);
  std::size_t parse(Connection& connection, std::string_view data);
  bool judge_head(Connection& connection, bool body_has_begun);
  std::size_t readable_behind(std::string_view body) const;
  void complete(Connection& connection);
  bool is_heavy(const Connection& connection) const;
  std::size_t hand_to_lane(Connection& connection, std::string_view data, std::size_t used);
  void finish(Finished finished);
  void refuse(Connection& connection, const HttpError& error);
  void answer_unfinished(Connection& connection, const HttpError& error);

  // request_memory.cc: what requests and answers may hold
  void ask_for_place(Connection& connection);
  void ask_for_place(Connection& connection, std::size_t bytes);
  bool waits_for_place(Connection& connection);
  BodyRoom::Place take_place(Connection& connection);
  static std::size_t held_by_input(const Connection& connection);
  void account(Connection& connection);
  void book(Connection& connection, std::size_t held);
  void shed();
  void shed(Connection& victim, std::string_view reason);
  struct Heaviest {
    Connection* connection = nullptr;  // there is none
    double weight = 0;                 // of all of its address
  };
  Heaviest find_heaviest(bool by_age) const;
  bool holds_little() const;
  void look_at_memory();

  ServerShared& shared_;
  DeadlineLists deadlines_;
  Descriptor epoll_;
  Descriptor wakeup_;
  std::thread thread_;

  PeerCounts peers_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> owned_;
  // Closed during this round, chained by `next_dead`: events may still name them.
  std::unique_ptr<Connection> dead_;
  std::deque<Connection*> ready_;      // can go on without an event
  std::deque<Connection*> finishing_;  // the same, in a handshake whose keys are agreed upon
  std::deque<Connection*> greeting_;   // the same, before that
  std::deque<Connection*> crowd_;      // the same, from an address that has many
  Turns in_turn_;                      // can be read, when these are many
  Turns patient_;                      // the same, after all others
  std::uint64_t turns_ = 0;            // until now
  std::size_t received_ = 0;           // bytes, by the step in hand
  std::size_t held_ = 0;               // of those, answers that are to be sent with others
  Clock::time_point held_since_;       // the first of them
  bool holds_answers_ = false;         // others are coming in this round
  Clock::time_point round_began_;
  Clock::time_point memory_looked_at_;
  std::set<std::pair<std::size_t, Connection*>> buffers_;  // by accounted bytes
  std::vector<char> scratch_;
  std::vector<Connection*> with_place_;
  std::atomic<std::size_t> held_back_{0};  // of those
  std::size_t handshakes_ = 0;             // that have begun and not ended
  std::uint64_t handshakes_begun_ = 0;     // since the start
  Clock::time_point bodies_need_room_until_;
  bool gives_up_handshakes_ = false;  // more of them in the next round
  std::size_t given_up_ = 0;          // since their memory was last to be given back

  std::mutex inbox_mutex_;
  std::vector<Arrival> inbox_;
  std::vector<Finished> finished_;  // with inbox_mutex_, too
  std::uint64_t last_number_ = 0;
  std::atomic<bool> evict_requested_{false};
  std::atomic<bool> shed_requested_{false};
  std::atomic<bool> places_changed_{false};

  std::atomic<std::size_t> connections_{0};  // those on their way here included
  std::atomic<std::size_t> served_{0};
  std::atomic<double> heaviest_{0};     // of buffers_: the weight of an address
  std::atomic<std::size_t> booked_{0};  // their sum
  std::array<std::atomic<std::size_t>, kWaits> waiting_{};
  bool drain_is_over_ = false;
};

}  // namespace gracekeeper::io
