#include "io/heavy_lane.h"

#include <csignal>
#include <sys/resource.h>
#include <utility>

namespace gracekeeper::io {
namespace {

constexpr int kNiceness = 10;

}  // namespace

HeavyLane::~HeavyLane() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void HeavyLane::start(Job at_rest) {
  at_rest_ = std::move(at_rest);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void HeavyLane::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void HeavyLane::run() {
  // Of this thread alone: the event loops go first, with what all of them share in time.
  ::setpriority(PRIO_PROCESS, 0, kNiceness);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (stop_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds goes before the next one begins
    lock.lock();
    if (!at_rest_ || !jobs_.empty()) continue;
    lock.unlock();
    at_rest_();
    lock.lock();
  }
}

}  // namespace gracekeeper::io
