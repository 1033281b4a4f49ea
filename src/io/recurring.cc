#include "io/recurring.h"

#include <csignal>
#include <exception>
#include <utility>

namespace gracekeeper::io {

Recurring::Recurring(std::function<std::chrono::milliseconds()> function)
    : function_(std::move(function)) {
  // Signals are for the thread that waits for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Recurring::~Recurring() { stop(); }

void Recurring::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::chrono::milliseconds Recurring::call() noexcept {
  try {
    return function_();
  } catch (const std::exception&) {
    return kAfterException;
  }
}

void Recurring::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const auto wait = call();
    lock.lock();
    stopping_.wait_for(lock, wait, [this] { return stop_; });
  }
}

}  // namespace gracekeeper::io
