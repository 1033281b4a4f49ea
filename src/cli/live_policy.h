// The policy that requests are decided with, replaceable while they are.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "decision/policy.h"

namespace gracekeeper::cli {

class LivePolicy {
 public:
  explicit LivePolicy(Policy policy) : policy_(std::make_shared<const Policy>(std::move(policy))) {}

  // What a request holds for as long as it takes.
  [[nodiscard]] std::shared_ptr<const Policy> get() const {
    const std::lock_guard lock(mutex_);
    return policy_;
  }
  [[nodiscard]] std::uint64_t generation() const {
    const std::lock_guard lock(mutex_);
    return generation_;
  }
  void replace(Policy policy) {
    auto next = std::make_shared<const Policy>(std::move(policy));
    const std::lock_guard lock(mutex_);
    policy_ = std::move(next);
    ++generation_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Policy> policy_;
  std::uint64_t generation_ = 1;
};

}  // namespace gracekeeper::cli
