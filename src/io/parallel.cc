#include "io/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "io/cores.h"

namespace gracekeeper::io {
namespace {

class Run {
 public:
  Run(std::size_t count, const std::function<void(std::size_t)>& work)
      : count_(count), work_(work) {}

  void go(const Watch& watch) {
    const std::size_t threads = std::min(core_count(), count_);
    std::unique_lock lock(mutex_);
    std::vector<std::thread> workers;
    workers.reserve(threads);
    while (workers.size() < threads) {
      try {
        workers.emplace_back([this] { work_until_done(); });
      } catch (const std::system_error&) {
        break;  // a limit on threads: fewer will do, or this one
      }
    }
    running_ = std::max<std::size_t>(1, workers.size());
    if (workers.empty()) {
      lock.unlock();
      work_until_done();
      lock.lock();
    }
    const auto done = [this] { return running_ == 0; };
    if (watch.look) {
      while (!ended_.wait_for(lock, watch.period, done)) watch.look();
    }
    ended_.wait(lock, done);
    lock.unlock();
    for (auto& worker : workers) worker.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work_until_done() {
    std::exception_ptr failure;
    try {
      for (auto i = next_++; i < count_; i = next_++) work_(i);
    } catch (...) {
      failure = std::current_exception();
      next_ = count_;
    }
    const std::lock_guard lock(mutex_);
    if (failure && !failure_) failure_ = failure;
    if (--running_ == 0) ended_.notify_one();
  }

  const std::size_t count_;
  const std::function<void(std::size_t)>& work_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

void for_each_index(std::size_t count, const std::function<void(std::size_t)>& work,
                    const Watch& watch) {
  Run(count, work).go(watch);
}

}  // namespace gracekeeper::io
