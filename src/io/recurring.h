// A function that is called again and again on a thread of its own, and says itself when.
//
//   Recurring work([&] { return keeper.step(); });   // at once, then after the time it returned
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace gracekeeper::io {

class Recurring {
 public:
  static constexpr std::chrono::milliseconds kAfterException{1000};

  // The function returns how long to wait until the next call. What it throws (there was no memory,
  // or no thread to be had) costs that call and not the process.
  explicit Recurring(std::function<std::chrono::milliseconds()> function);
  ~Recurring();  // stops
  Recurring(const Recurring&) = delete;
  Recurring& operator=(const Recurring&) = delete;

  // Returns when the function is not running and will not run again.
  void stop();

 private:
  void run();
  std::chrono::milliseconds call() noexcept;

  std::function<std::chrono::milliseconds()> function_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace gracekeeper::io
