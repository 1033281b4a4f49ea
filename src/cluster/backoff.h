// How long to wait before trying an API server again.
#pragma once

#include <chrono>
#include <random>

namespace gracekeeper::cluster {

// 0.8 s, 1.6 s, … up to 30 s, each spread by up to half of itself downwards: many replicas that
// lost the same server do not come back to it at the same moment. (client-go's reflector waits
// 0.8 s to 30 s too.)
class Backoff {
 public:
  using Duration = std::chrono::milliseconds;
  static constexpr Duration kFirst{800};
  static constexpr Duration kMost{30'000};

  explicit Backoff(std::uint32_t seed = std::random_device{}()) : random_(seed) {}

  Duration next();
  // After a success: the next wait is the first one again.
  void reset() { ceiling_ = kFirst; }

 private:
  std::mt19937 random_;
  Duration ceiling_ = kFirst;
};

}  // namespace gracekeeper::cluster
