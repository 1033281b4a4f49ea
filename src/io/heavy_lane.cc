#include "io/heavy_lane.h"

#include <algorithm>
#include <csignal>
#include <new>
#include <sys/resource.h>
#include <utility>

#include "io/thread_time.h"

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
    const auto [queue, is_new] = queues_.try_emplace(address);
    if (is_new) {
      const auto before = ahead_.find(address);
      queue->second.had = before == ahead_.end() ? now_ : std::max(now_, before->second);
      queue->second.turn = ++turns_;
    }
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

// The oldest of the address that has had least; of some that have had as much, of the one whose
// turn is longest ago.
HeavyLane::Job HeavyLane::take_next() {
  const auto next =
      std::min_element(queues_.begin(), queues_.end(), [](const auto& a, const auto& b) {
        return std::pair(a.second.had, a.second.turn) < std::pair(b.second.had, b.second.turn);
      });
  last_ = next->first;
  had_ = next->second.had;
  next->second.turn = ++turns_;
  now_ = std::max(now_, had_);
  std::erase_if(ahead_, [this](const auto& entry) { return entry.second <= now_; });
  return take(next, next->second.jobs.begin());
}

// Of the job that was in hand.
void HeavyLane::book(Had taken) noexcept {
  const Had had = had_ + taken;
  now_ += taken / (queues_.size() + 1);
  if (const auto queue = queues_.find(last_); queue != queues_.end()) {
    queue->second.had = std::max(queue->second.had, had);
    return;
  }
  try {
    ahead_[last_] = had;
  } catch (const std::bad_alloc&) {
    // Its next job comes sooner than it should.
  }
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
    const auto begun = thread_time();
    {
      Job job = take_next();
      bytes = job.bytes;
      lock.unlock();
      job.run();
    }  // what it holds goes before the next one begins
    held_ -= bytes;
    // Whole milliseconds: what is less is nobody's advantage.
    const auto taken = std::chrono::ceil<std::chrono::milliseconds>(thread_time() - begun);
    lock.lock();
    book(taken);
    if (waiting_ > 0) continue;
    ahead_.clear();
    now_ = Had{0};
    if (!at_rest_) continue;
    lock.unlock();
    at_rest_();
    lock.lock();
  }
}

}  // namespace gracekeeper::io
