// Deadlines of many connections, with O(1) work for each change.
//
// For: one event loop, on its own thread. Every connection waits for exactly one thing at a time,
// and everything that waits for the same thing waits equally long. So each kind of wait is a list
// in the order of arrival, its head is always the next to expire, and no heap or tree is needed.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>

namespace gracekeeper::io {

using Clock = std::chrono::steady_clock;

// What a connection waits for.
enum class Wait { kHandshake, kFirstRequest, kRequest, kHandling, kIdle, kWrite, kLinger };
inline constexpr std::size_t kWaits = 7;

// A member of the lists: base class of what has a deadline. Neither copied nor moved while it is
// linked.
struct Deadline {
  Wait wait = Wait::kHandshake;
  Clock::time_point at{};
  Deadline* previous = nullptr;
  Deadline* next = nullptr;
  bool linked = false;
};

class DeadlineLists {
 public:
  // durations is indexed by Wait.
  explicit DeadlineLists(const std::array<std::chrono::milliseconds, kWaits>& durations)
      : durations_(durations) {}

  // Starts a new wait, whatever the entry waited for before.
  void start(Deadline& entry, Wait wait, Clock::time_point now) {
    remove(entry);
    List& list = lists_[static_cast<std::size_t>(wait)];
    entry.wait = wait;
    entry.at = now + durations_[static_cast<std::size_t>(wait)];
    entry.previous = list.last;
    entry.next = nullptr;
    entry.linked = true;
    (list.last != nullptr ? list.last->next : list.first) = &entry;
    list.last = &entry;
  }

  void remove(Deadline& entry) {
    if (!entry.linked) return;
    List& list = lists_[static_cast<std::size_t>(entry.wait)];
    (entry.previous != nullptr ? entry.previous->next : list.first) = entry.next;
    (entry.next != nullptr ? entry.next->previous : list.last) = entry.previous;
    entry.previous = entry.next = nullptr;
    entry.linked = false;
  }

  // The entry that has waited longest in one kind of wait; null when none does.
  Deadline* oldest(Wait wait) const { return lists_[static_cast<std::size_t>(wait)].first; }

  // An entry whose time is up; null when there is none.
  Deadline* expired(Clock::time_point now) const {
    for (const List& list : lists_) {
      if (list.first != nullptr && list.first->at <= now) return list.first;
    }
    return nullptr;
  }

  // The earliest deadline; nothing when nobody waits.
  std::optional<Clock::time_point> next() const {
    std::optional<Clock::time_point> earliest;
    for (const List& list : lists_) {
      if (list.first != nullptr && (!earliest || list.first->at < *earliest))
        earliest = list.first->at;
    }
    return earliest;
  }

 private:
  struct List {
    Deadline* first = nullptr;
    Deadline* last = nullptr;
  };
  std::array<std::chrono::milliseconds, kWaits> durations_;
  std::array<List, kWaits> lists_{};
};

}  // namespace gracekeeper::io
