#include "io/body_room.h"

#include <algorithm>
#include <utility>

namespace gracekeeper::io {

bool BodyRoom::Place::reprieve() noexcept { return room_ != nullptr && room_->reprieve(*entry_); }

void BodyRoom::Place::complete(std::size_t bytes) noexcept {
  if (room_ != nullptr) room_->complete(*entry_, bytes);
}

void BodyRoom::Place::give_back() noexcept {
  if (auto* room = std::exchange(room_, nullptr)) room->give_back(entry_);
}

BodyRoom::Place BodyRoom::ask(std::string_view address, std::size_t bytes, Owner& owner) {
  const std::lock_guard lock(mutex_);
  const auto whose = addresses_.try_emplace(std::string(address)).first;
  try {
    waiting_.emplace_back(whose, bytes, owner);
  } catch (...) {
    if (whose->second.places == 0) addresses_.erase(whose);
    throw;
  }
  ++whose->second.places;
  ++whose->second.waiting;
  const auto entry = std::prev(waiting_.end());
  if (waiting_.size() == 1 && has_room_for(*entry, of_all_.held)) {
    admit(entry, of_all_);
  } else {
    admit_those_that_fit(Order::kOldestFirst);
    make_way();
    refuse_surplus();
  }
  return {*this, entry};
}

void BodyRoom::look(Clock::time_point now) noexcept {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() || now - last_look_ < kLooksEvery) return;
  last_look_ = now;
  for (Entry& entry : admitted_) {
    ++entry.looks;
    ++entry.idle_looks;
  }
  make_way();
}

bool BodyRoom::comes_on(const Entry& entry) const {
  constexpr auto looks_a_second = std::chrono::seconds(1) / kLooksEvery;
  const auto whole_within = static_cast<std::size_t>(kSlowTimesToBeWhole * limits_.slow.count());
  const auto least_rate = std::max(kLeastRate, entry.bytes * 1000 / std::max(whole_within, 1UL));
  const bool is_slow =
      entry.looks * kLooksEvery >= limits_.slow &&
      entry.received * looks_a_second < static_cast<std::size_t>(entry.looks) * least_rate;
  return entry.whole || (!is_slow && entry.idle_looks.load() * kLooksEvery < limits_.stalled);
}

// Of those that wait; their end where none is meant. O(their number).
template <typename Predicate>
BodyRoom::Entries::iterator BodyRoom::next(Order order, Predicate is_meant) {
  const auto rank = [order](const Entry& entry) {
    return std::pair(entry.address->second.held, order == Order::kSmallestFirst ? entry.bytes : 0);
  };
  auto found = waiting_.end();
  for (auto entry = waiting_.begin(); entry != waiting_.end(); ++entry) {
    if (is_meant(*entry) && (found == waiting_.end() || rank(*entry) < rank(*found))) found = entry;
  }
  return found;
}

BodyRoom::Entries::iterator BodyRoom::next(Order order) {
  return next(order, [](const Entry&) { return true; });
}

void BodyRoom::admit(Entries::iterator entry, Share& share) noexcept {
  if (entry->state == State::kRefused) --refused_;
  --entry->address->second.waiting;
  entry->share = &share;
  share.held += entry->bytes;
  entry->address->second.held += entry->bytes;
  entry->state = State::kHas;
  admitted_.splice(admitted_.end(), waiting_, entry);
}

// In their order: a small one that came past a large one would let it wait for ever.
void BodyRoom::admit_those_that_fit(Order order) noexcept {
  while (!waiting_.empty()) {
    const auto first = next(Order::kOldestFirst);
    if (given_past_next_ >= first->bytes) order = Order::kOldestFirst;
    auto entry = next(order);
    Share* share = &of_all_;
    if (!has_room_for(*entry, share->held)) {
      share = &of_few_;
      entry = next(order, [this](const Entry& other) {
        return asks_for_little(other) && of_few_.held + other.bytes <= for_few_;
      });
      if (entry == waiting_.end()) return;
    }
    if (entry == first)
      given_past_next_ = 0;
    else if (share == &of_all_)
      given_past_next_ += entry->bytes;
    admit(entry, *share);
    entry->owner->places_changed();
  }
}

// Where it would not be enough for the one that is next, then for the smallest: the room of those
// that give way is offered to that one first.
void BodyRoom::make_way() noexcept {
  if (waiting_.empty()) return;
  for (const Order order : {Order::kOldestFirst, Order::kSmallestFirst}) {
    const Entry& entry = *next(order);
    if (make_way_in(of_all_, [&](std::size_t held) { return has_room_for(entry, held); })) return;
  }
  const auto entry =
      next(Order::kSmallestFirst, [this](const Entry& other) { return asks_for_little(other); });
  if (entry == waiting_.end()) return;
  make_way_in(of_few_, [&](std::size_t held) { return held + entry->bytes <= for_few_; });
}

template <typename Fits>
bool BodyRoom::make_way_in(Share& share, Fits fits) noexcept {
  const auto is_in_the_way = [&](const Entry& entry) {
    return entry.state == State::kHas && entry.share == &share && !comes_on(entry);
  };
  std::size_t stays = share.held - share.leaving;
  for (const Entry& entry : admitted_) {
    if (is_in_the_way(entry)) stays -= entry.bytes;
  }
  if (!fits(stays)) return false;
  for (Entry& entry : admitted_) {
    if (fits(share.held - share.leaving)) break;
    if (!is_in_the_way(entry)) continue;
    entry.state = State::kGivesWay;
    share.leaving += entry.bytes;
    entry.owner->places_changed();
  }
  return true;
}

// Of the address with most that wait, the one that came last.
void BodyRoom::refuse_surplus() noexcept {
  while (waiting_.size() - refused_ > kMostWaiting) {
    auto found = waiting_.end();
    for (auto entry = waiting_.begin(); entry != waiting_.end(); ++entry) {
      if (entry->state != State::kRefused &&
          (found == waiting_.end() ||
           entry->address->second.waiting >= found->address->second.waiting))
        found = entry;
    }
    found->state = State::kRefused;
    ++refused_;
    found->owner->places_changed();
  }
}

bool BodyRoom::reprieve(Entry& entry) noexcept {
  const std::lock_guard lock(mutex_);
  if (entry.state != State::kGivesWay) return true;
  if (!comes_on(entry)) return false;
  entry.share->leaving -= entry.bytes;
  entry.state = State::kHas;
  return true;
}

void BodyRoom::complete(Entry& entry, std::size_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  if (entry.state == State::kGivesWay) {
    entry.share->leaving -= entry.bytes;
    entry.state = State::kHas;
  }
  entry.share->held += bytes - entry.bytes;  // wraps around as it should when it shrinks
  entry.address->second.held += bytes - entry.bytes;
  entry.bytes = bytes;
  entry.whole = true;
}

void BodyRoom::give_back(Entries::iterator entry) noexcept {
  const std::lock_guard lock(mutex_);
  const State state = entry->state;
  const auto whose = entry->address;
  Order order = Order::kOldestFirst;
  if (state == State::kRefused) --refused_;
  if (state == State::kWaits || state == State::kRefused) {
    --whose->second.waiting;
    waiting_.erase(entry);
  } else {
    if (!entry->whole) order = Order::kSmallestFirst;
    if (state == State::kGivesWay) entry->share->leaving -= entry->bytes;
    entry->share->held -= entry->bytes;
    whose->second.held -= entry->bytes;
    admitted_.erase(entry);
  }
  if (--whose->second.places == 0) addresses_.erase(whose);
  admit_those_that_fit(order);
}

}  // namespace gracekeeper::io
