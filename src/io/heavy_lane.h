// One thread for the answers that take long: those to large requests. Internal to the server.
//
// An event loop that worked on one for fifty milliseconds would let everybody else wait. And since
// there is only one such thread, only one large document is parsed at a time, whatever is sent:
// parsing takes several times the document's memory.
//
// The address whose jobs have taken least of the thread's time comes next, so that whoever sends
// one that is soon done waits for the one in hand and not for those of all others (start-time fair
// queueing, by the time that jobs took, of which all that wait are given their share: else those
// who always come from another address would come before all who have been there). What waits is
// bounded in bytes; the address that has most of them gives way.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace gracekeeper::io {

class HeavyLane {
 public:
  struct Job {
    std::string address;    // whose turn it takes
    std::size_t bytes = 0;  // of memory that it holds
    std::uint64_t key = 0;  // for forget(); no other job has had it
    // Both must not throw, and one of them is called at most: `run` on the lane's thread; `refuse`
    // on the one that posts, where there is no room. None when the lane ends or forgets the job.
    std::function<void()> run;
    std::function<void()> refuse;
  };

  HeavyLane() = default;
  HeavyLane(const HeavyLane&) = delete;
  HeavyLane& operator=(const HeavyLane&) = delete;
  ~HeavyLane();  // finishes the job in hand and forgets those that wait

  // Throws std::system_error when there is no thread to be had. Its thread blocks every signal.
  // `most_bytes` may wait, and one job in any case. `at_rest` runs on that thread whenever the last
  // job of a row is done; it must not throw.
  void start(std::size_t most_bytes, std::function<void()> at_rest = {});
  void post(Job job);
  // Of an address, where it still waits: nobody does for what it would give.
  void forget(std::string_view address, std::uint64_t key) noexcept;
  // Bytes of all jobs, the one in hand included. From any thread.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return held_; }

 private:
  // What an address has had of the thread since the lane was last at rest.
  using Had = std::chrono::microseconds;
  struct Queue {
    std::deque<Job> jobs;
    std::size_t bytes = 0;
    Had had{0};
    std::uint64_t turn = 0;  // its last one, or its coming
  };
  using Queues = std::map<std::string, Queue, std::less<>>;

  void run();
  Job take(Queues::iterator queue, const std::deque<Job>::iterator& job);
  Job take_next();
  void book(Had taken) noexcept;
  std::optional<Job> take_surplus(const std::string& newest);

  std::function<void()> at_rest_;
  std::size_t most_bytes_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  Queues queues_;                     // none is empty
  std::size_t bytes_ = 0;             // of those in queues_
  std::atomic<std::size_t> held_{0};  // and of the one in hand
  std::size_t waiting_ = 0;
  std::string last_;                               // whose turn it was
  Had had_{0};                                     // what that one had had
  Had now_{0};                                     // what one that comes new is taken to have had
  std::uint64_t turns_ = 0;                        // until now
  std::map<std::string, Had, std::less<>> ahead_;  // of that, who has no jobs
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace gracekeeper::io
