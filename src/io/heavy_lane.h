// One thread for the answers that take long: those to large requests. Internal to the server.
//
// An event loop that worked on one for fifty milliseconds would let everybody else wait. And since
// there is only one such thread, only one large document is parsed at a time, whatever is sent:
// parsing takes several times the document's memory.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace gracekeeper::io {

class HeavyLane {
 public:
  // A job must not throw; nor must what is called when none is left.
  using Job = std::function<void()>;

  HeavyLane() = default;
  HeavyLane(const HeavyLane&) = delete;
  HeavyLane& operator=(const HeavyLane&) = delete;
  ~HeavyLane();  // finishes the job in hand and forgets those that wait

  // Throws std::system_error when there is no thread to be had. Its thread blocks every signal.
  // `at_rest` runs on that thread whenever the last job of a row is done.
  void start(Job at_rest = {});
  // In the order of their coming.
  void post(Job job);

 private:
  void run();

  Job at_rest_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace gracekeeper::io
