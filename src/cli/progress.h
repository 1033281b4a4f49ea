// How far long work has come, in one line on a terminal that is gone when the work is.
//
//   check: 1,204 of 10,000 files, 5,118 documents
//
// Nothing is shown for work that ends within kPatience, and nothing where standard error is no
// terminal or TERM is "dumb". Counting is safe from several threads; show() is for one of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace gracekeeper::cli {

class Progress {
 public:
  static constexpr std::chrono::milliseconds kPatience{1000};
  static constexpr std::chrono::milliseconds kPeriod{200};

  // Null where nobody would see it.
  static std::unique_ptr<Progress> on_terminal(std::size_t files);
  explicit Progress(std::size_t files) : files_(files) {}
  ~Progress();  // takes the line away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void document_done() { ++documents_done_; }
  void file_done() { ++files_done_; }

  void show();
  [[nodiscard]] std::string line() const;

 private:
  const std::size_t files_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::atomic<std::size_t> files_done_ = 0;
  std::atomic<std::size_t> documents_done_ = 0;
  bool is_shown_ = false;
};

}  // namespace gracekeeper::cli
