// Who may send a large body now, and who waits for that. Internal to the server.
//
// All large requests that come in, wait for their answer or are being answered share some memory.
// What finds no room is not refused: it is not read for a while, and the kernels of both sides hold
// its client back, as TCP does with every slow reader. Room is given for a whole body: many that
// each have a part of theirs would wait for one another without end.
//
// Next is the request of the address that holds least, of those the one that came first. While
// somebody waits, a body that does not come on gives way. The room of a body that never became
// whole, whoever ended it, goes to the smallest first: many that all stop or leave after they have
// begun hold up a usual one least. Not for ever: once as much has been given past the one that is
// next as that one asks for, its turn has come.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace gracekeeper::io {

class BodyRoom {
 public:
  using Clock = std::chrono::steady_clock;

  // Looks are this far apart. What is looked for is counted in them, and not in time: on a machine
  // that stood still for a while, nobody had the chance to come on.
  static constexpr std::chrono::milliseconds kLooksEvery{50};

  // Of all: what the kernel holds of each is some 130 KB, and in no other book.
  static constexpr std::size_t kMostWaiting = 256;
  // A second, of a body that is not slow, unless it is so large that it would not be whole within
  // kSlowTimesToBeWhole * Limits::slow: the largest would have its room until its deadline. At some
  // 60 KB a round trip, 3 MB need one of less than 80 ms for that.
  static constexpr std::size_t kLeastRate = std::size_t{256} * 1024;
  static constexpr int kSlowTimesToBeWhole = 4;

  struct Limits {
    std::size_t bytes = 0;  // of all; one body has room in any case
    // How long one may stay while others wait: without a byte, and slow (kLeastRate).
    std::chrono::milliseconds stalled{0};
    std::chrono::milliseconds slow{0};
  };

  // Whose place it is. From any thread, and with the room's lock held: only to be told.
  class Owner {
   public:
    virtual void places_changed() noexcept = 0;

   protected:
    ~Owner() = default;
  };

  enum class State {
    kNone,      // has not asked
    kWaits,     // must not be read
    kRefused,   // too many wait: is to be ended, unless it has room by then
    kHas,       // may come
    kGivesWay,  // others wait and it does not come on: is to be ended, unless reprieve()
  };

 private:
  struct Sums {
    std::size_t held = 0;  // bytes that it has room for
    std::size_t places = 0;
    std::size_t waiting = 0;  // of those
  };
  using Addresses = std::map<std::string, Sums, std::less<>>;
  // A part of the room.
  struct Share {
    std::size_t held = 0;
    std::size_t leaving = 0;  // of that, what gives way
  };
  struct Entry {
    Entry(Addresses::iterator whose, std::size_t size, Owner& told)
        : address(whose), bytes(size), owner(&told) {}

    Addresses::iterator address;
    std::size_t bytes;
    Owner* owner;
    Share* share = nullptr;  // it has its room in
    bool whole = false;
    int looks = 0;                   // since it has room
    std::atomic<int> idle_looks{0};  // since the last byte
    std::atomic<std::size_t> received{0};
    std::atomic<State> state{State::kWaits};
  };
  using Entries = std::list<Entry>;

 public:
  // A request's, from the moment it asks to the end of its answer. Empty unless ask() made it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : room_(std::exchange(other.room_, nullptr)), entry_(other.entry_) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(room_, other.room_);
      std::swap(entry_, other.entry_);
      return *this;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { give_back(); }

    [[nodiscard]] State state() const {
      return room_ == nullptr ? State::kNone : entry_->state.load();
    }
    // Some of the body has come.
    void progress(std::size_t bytes) noexcept {
      if (room_ == nullptr) return;
      entry_->idle_looks = 0;
      entry_->received += bytes;
    }
    // Of one that gives way: whether it may stay after all, since it has come on meanwhile.
    [[nodiscard]] bool reprieve() noexcept;
    // The body is here, in so many bytes of memory: it does not give way any more.
    void complete(std::size_t bytes) noexcept;
    void give_back() noexcept;

   private:
    friend BodyRoom;
    Place(BodyRoom& room, Entries::iterator entry) : room_(&room), entry_(entry) {}

    BodyRoom* room_ = nullptr;
    Entries::iterator entry_;
  };

  explicit BodyRoom(const Limits& limits)
      : for_few_(limits.bytes / 8), for_all_(limits.bytes - for_few_), limits_(limits) {}
  BodyRoom(const BodyRoom&) = delete;
  BodyRoom& operator=(const BodyRoom&) = delete;
  ~BodyRoom() = default;  // all places have been given back

  // For a body of so many bytes. Its owner is told when the state changes later.
  [[nodiscard]] Place ask(std::string_view address, std::size_t bytes, Owner& owner);
  // To be called every kLooksEvery while somebody waits, more often does no harm: what does not
  // come on gives way.
  void look(Clock::time_point now) noexcept;

 private:
  [[nodiscard]] bool has_room_for(const Entry& entry, std::size_t held) const {
    return held == 0 || held + entry.bytes <= for_all_;
  }
  [[nodiscard]] bool asks_for_little(const Entry& entry) const {
    return entry.address->second.held + entry.bytes <= for_few_;
  }
  [[nodiscard]] bool comes_on(const Entry& entry) const;
  enum class Order { kOldestFirst, kSmallestFirst };  // of the address that holds least
  template <typename Predicate>
  Entries::iterator next(Order order, Predicate is_meant);
  Entries::iterator next(Order order);
  void admit(Entries::iterator entry, Share& share) noexcept;
  void admit_those_that_fit(Order order) noexcept;
  void make_way() noexcept;
  // False: not even all that do not come on hold enough, and none of them gives way.
  template <typename Fits>
  bool make_way_in(Share& share, Fits fits) noexcept;
  void refuse_surplus() noexcept;
  bool reprieve(Entry& entry) noexcept;
  void complete(Entry& entry, std::size_t bytes) noexcept;
  void give_back(Entries::iterator entry) noexcept;

  // For addresses that have no more than this in all: who asks for little does not wait until those
  // who asked for much have come on or given way.
  const std::size_t for_few_;
  const std::size_t for_all_;
  const Limits limits_;
  std::mutex mutex_;
  Addresses addresses_;
  std::size_t refused_ = 0;  // of waiting_
  Entries waiting_;          // in the order of their coming
  Entries admitted_;         // in the order in which they had room
  Share of_all_;
  Share of_few_;
  std::size_t given_past_next_ = 0;  // bytes, since the one that was next had room
  Clock::time_point last_look_{};
};

}  // namespace gracekeeper::io
