#include "io/heavy_lane.h"

#include <algorithm>
#include <csignal>
#include <sys/resource.h>
#include <utility>

namespace gracekeeper::io {
namespace {

constexpr int kNiceness = 10;
constexpr std::size_t kLongestAddress = 64;

}  // namespace

HeavyLane::~HeavyLane() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void HeavyLane::start(std::size_t most_bytes, std::function<void()> at_rest) {
  most_bytes_ = most_bytes;
  at_rest_ = std::move(at_rest);
  last_.reserve(kLongestAddress);  // its thread has nowhere to tell that there is no memory
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void HeavyLane::post(Job job) {
  const std::string address = job.address;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = job.bytes;
    const auto queue = queues_.try_emplace(address).first;
    try {
      queue->second.jobs.push_back(std::move(job));
    } catch (...) {
      if (queue->second.jobs.empty()) queues_.erase(queue);
      throw;
    }
    queue->second.bytes += bytes;
    bytes_ += bytes;
    held_ += bytes;
    ++waiting_;
  }
  changed_.notify_all();
  while (true) {
    std::optional<Job> surplus;
    {
      const std::lock_guard lock(mutex_);
      surplus = take_surplus(address);
    }
    if (!surplus) return;
    surplus->refuse();
    held_ -= surplus->bytes;
  }
}

void HeavyLane::forget(std::string_view address, std::uint64_t key) noexcept {
  std::optional<Job> forgotten;  // its memory goes without the lock
  const std::lock_guard lock(mutex_);
  const auto queue = queues_.find(address);
  if (queue == queues_.end()) return;
  auto& jobs = queue->second.jobs;
  const auto found =
      std::find_if(jobs.begin(), jobs.end(), [key](const Job& job) { return job.key == key; });
  if (found == jobs.end()) return;
  forgotten = take(queue, found);
  held_ -= forgotten->bytes;
}

HeavyLane::Job HeavyLane::take(Queues::iterator queue, const std::deque<Job>::iterator& job) {
  Job taken = std::move(*job);
  queue->second.jobs.erase(job);
  queue->second.bytes -= taken.bytes;
  bytes_ -= taken.bytes;
  --waiting_;
  if (queue->second.jobs.empty()) queues_.erase(queue);
  return taken;
}

// The oldest of the address behind the one whose turn it was.
HeavyLane::Job HeavyLane::take_next() {
  auto queue = queues_.upper_bound(last_);
  if (queue == queues_.end()) queue = queues_.begin();
  last_ = queue->first;
  return take(queue, queue->second.jobs.begin());
}

// The latest of the address that has most, where there is too much; of two that have as much, the
// one that came last.
std::optional<HeavyLane::Job> HeavyLane::take_surplus(const std::string& newest) {
  if (bytes_ <= most_bytes_ || waiting_ < 2) return std::nullopt;
  auto most = queues_.find(newest);
  for (auto queue = queues_.begin(); queue != queues_.end(); ++queue) {
    if (most == queues_.end() || queue->second.bytes > most->second.bytes) most = queue;
  }
  return take(most, most->second.jobs.end() - 1);
}

void HeavyLane::run() {
  // Of this thread alone: the event loops go first, with what all of them share in time.
  ::setpriority(PRIO_PROCESS, 0, kNiceness);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || waiting_ > 0; });
    if (stop_) return;
    std::size_t bytes = 0;
    {
      Job job = take_next();
      bytes = job.bytes;
      lock.unlock();
      job.run();
    }  // what it holds goes before the next one begins
    held_ -= bytes;
    lock.lock();
    if (!at_rest_ || waiting_ > 0) continue;
    lock.unlock();
    at_rest_();
    lock.lock();
  }
}

}  // namespace gracekeeper::io
