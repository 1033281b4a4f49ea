// How many connections each address has: whoever has most of them gives way first.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace gracekeeper::io {

class PeerCounts {
  using Entry = std::pair<const std::string, std::size_t>;

 public:
  // One connection, counted for as long as this lives. The counts live longer.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept
        : counts_(std::exchange(other.counts_, nullptr)), entry_(other.entry_) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(counts_, other.counts_);
      std::swap(entry_, other.entry_);
      return *this;
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() {
      if (counts_ != nullptr) counts_->remove(*entry_);
    }

    // "" when it counts nothing.
    [[nodiscard]] std::string_view address() const {
      return counts_ == nullptr ? std::string_view() : entry_->first;
    }

    // Connections of that address, this one included.
    [[nodiscard]] std::size_t count() const { return counts_ == nullptr ? 0 : entry_->second; }

   private:
    friend PeerCounts;
    Share(PeerCounts& counts, Entry& entry) : counts_(&counts), entry_(&entry) {}

    PeerCounts* counts_ = nullptr;
    Entry* entry_ = nullptr;
  };

  // One more connection of "10.0.0.7:4711", "[fd00::7]:4711".
  [[nodiscard]] Share add(std::string_view remote) {
    auto& entry = *counts_.try_emplace(std::string(remote.substr(0, remote.rfind(':'))), 0).first;
    ++entry.second;
    return {*this, entry};
  }

  // The address with most connections, "" when there is none. O(addresses).
  [[nodiscard]] std::string_view most() const {
    const auto found =
        std::max_element(counts_.begin(), counts_.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    return found == counts_.end() ? std::string_view() : found->first;
  }

 private:
  void remove(Entry& entry) {
    if (--entry.second == 0) counts_.erase(counts_.find(entry.first));
  }

  std::unordered_map<std::string, std::size_t> counts_;
};

}  // namespace gracekeeper::io
