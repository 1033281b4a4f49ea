// How many connections each address has: whoever has most gives way first.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace gracekeeper::io {

class PeerCounts {
  struct Sums {
    std::size_t connections = 0;
    std::size_t handshakes = 0;
    std::size_t served = 0;
  };
  using Entry = std::pair<const std::string, Sums>;

  // Who has had answers, as an API server has, may open a few more at once without being taken for
  // one of many strangers that have one each. No more than a few: the rank costs one request.
  static constexpr std::size_t kFew = 4;
  static std::pair<std::size_t, std::size_t> burden(std::size_t count, const Sums& sums) {
    return {count - (sums.served > 0 ? std::min(count, kFew) : 0), count};
  }

 public:
  // One connection, counted for as long as this lives. The counts live longer.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept
        : counts_(std::exchange(other.counts_, nullptr)),
          entry_(other.entry_),
          served_(other.served_) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(counts_, other.counts_);
      std::swap(entry_, other.entry_);
      std::swap(served_, other.served_);
      return *this;
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() {
      if (counts_ == nullptr) return;
      if (served_) --entry_->second.served;
      counts_->remove(*entry_);
    }

    // "" when it counts nothing.
    [[nodiscard]] std::string_view address() const {
      return counts_ == nullptr ? std::string_view() : entry_->first;
    }

    // Connections of that address, this one included.
    [[nodiscard]] std::size_t count() const {
      return counts_ == nullptr ? 0 : entry_->second.connections;
    }

    // Of its handshakes, those that have begun.
    void begin_handshake() {
      if (counts_ != nullptr) ++entry_->second.handshakes;
    }
    void end_handshake() {
      if (counts_ != nullptr) --entry_->second.handshakes;
    }
    [[nodiscard]] std::size_t handshakes() const {
      return counts_ == nullptr ? 0 : entry_->second.handshakes;
    }
    // How much they weigh when one of somebody's has to go.
    [[nodiscard]] std::pair<std::size_t, std::size_t> burden_of_handshakes() const {
      return counts_ == nullptr ? std::pair<std::size_t, std::size_t>()
                                : burden(entry_->second.handshakes, entry_->second);
    }

    // Of its connections, those that have had an answer; for as long as this lives.
    void serve() {
      if (counts_ == nullptr || served_) return;
      served_ = true;
      ++entry_->second.served;
    }
    // Whether the address has any: it is no stranger.
    [[nodiscard]] bool is_known() const { return counts_ != nullptr && entry_->second.served > 0; }

   private:
    friend PeerCounts;
    Share(PeerCounts& counts, Entry& entry) : counts_(&counts), entry_(&entry) {}

    PeerCounts* counts_ = nullptr;
    Entry* entry_ = nullptr;
    bool served_ = false;
  };

  // One more connection of "10.0.0.7:4711", "[fd00::7]:4711".
  [[nodiscard]] Share add(std::string_view remote) {
    auto& entry = *counts_.try_emplace(std::string(remote.substr(0, remote.rfind(':')))).first;
    ++entry.second.connections;
    return {*this, entry};
  }

  struct Most {
    std::string_view address;  // "" when there is none
    std::size_t count = 0;
    bool is_known = false;
  };
  // The address with most connections. O(addresses).
  [[nodiscard]] Most most() const {
    const auto found = std::max_element(
        counts_.begin(), counts_.end(),
        [](const auto& a, const auto& b) { return a.second.connections < b.second.connections; });
    return found == counts_.end()
               ? Most{}
               : Most{found->first, found->second.connections, found->second.served > 0};
  }

  // The address that is to lose a connection that has had no answer: that with most of them, and
  // how many. O(addresses).
  [[nodiscard]] Most most_unserved() const {
    const auto found =
        std::max_element(counts_.begin(), counts_.end(), [](const auto& a, const auto& b) {
          return burden(a.second.connections - a.second.served, a.second) <
                 burden(b.second.connections - b.second.served, b.second);
        });
    if (found == counts_.end()) return {};
    const auto& sums = found->second;
    return {found->first, sums.connections - sums.served, sums.served > 0};
  }

 private:
  using Counts = std::unordered_map<std::string, Sums>;

  void remove(Entry& entry) {
    if (--entry.second.connections == 0) counts_.erase(counts_.find(entry.first));
  }

  Counts counts_;
};

}  // namespace gracekeeper::io
