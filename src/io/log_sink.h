// Lines to a descriptor that somebody else reads, without ever waiting for the reader.
//
// Standard error of a container is a pipe. When the container runtime does not read it (its disk
// hangs, it restarts), a write would wait, and with it every request whose line it is.
//
// Lines are kept until the logger flushes (spdlog's flush_on), or until they are 16 KiB.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <string>
#include <string_view>

#include "io/descriptor.h"

namespace gracekeeper::io {

class LogSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // `report`: the line that says how many were lost, written once there is room again. The
  // descriptor stays the caller's. A pipe is made larger (1 MiB, some 3,000 lines) where the system
  // allows it.
  LogSink(int descriptor, std::function<std::string(std::uint64_t lost)> report);

  // Lines that could not be written, because nobody read or because of an error.
  std::uint64_t lost() const { return lost_; }
  bool keeps_lines() const { return kept_lines_ > 0; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override;

 private:
  enum class Outcome { kWritten, kBlocked, kFailed };

  void open_terminal_anew();
  Outcome put(std::string& lines);
  Outcome put_rest();
  bool is_ready() const;

  int descriptor_;
  Descriptor own_;
  const std::function<std::string(std::uint64_t)> report_;
  bool may_block_ = true;
  std::string kept_;
  std::atomic<std::uint64_t> kept_lines_{0};
  std::string rest_;  // of lines that have been begun
  std::uint64_t unreported_ = 0;
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace gracekeeper::io
