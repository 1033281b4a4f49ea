#include "cluster/backoff.h"

#include <algorithm>

namespace gracekeeper::cluster {

Backoff::Duration Backoff::next() {
  std::uniform_int_distribution<Duration::rep> spread(ceiling_.count() / 2, ceiling_.count());
  const Duration wait{spread(random_)};
  ceiling_ = std::min(ceiling_ * 2, kMost);
  return wait;
}

}  // namespace gracekeeper::cluster
