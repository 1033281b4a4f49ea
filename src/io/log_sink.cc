#include "io/log_sink.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace gracekeeper::io {
namespace {

// What a pipe that poll(2) calls ready takes without waiting.
constexpr std::size_t kAtOnce = 4096;
constexpr int kPipeBytes = 1024 * 1024;
constexpr std::size_t kMostKept = std::size_t{16} * 1024;

// Whole lines where they fit: another process may write to the same pipe, and what is written at
// once stands together.
std::size_t piece_of(std::string_view lines, std::size_t begin) {
  const auto left = lines.substr(begin);
  if (left.size() <= kAtOnce) return left.size();
  const auto end = left.rfind('\n', kAtOnce - 1);
  return end == std::string_view::npos ? kAtOnce : end + 1;
}

}  // namespace

LogSink::LogSink(int descriptor, std::function<std::string(std::uint64_t lost)> report)
    : descriptor_(descriptor), report_(std::move(report)) {
  struct stat facts {};
  if (::fstat(descriptor_, &facts) != 0) return;
  may_block_ = !S_ISREG(facts.st_mode);
  if (S_ISFIFO(facts.st_mode)) ::fcntl(descriptor_, F_SETPIPE_SZ, kPipeBytes);
  if (S_ISCHR(facts.st_mode) && ::isatty(descriptor_) == 1) open_terminal_anew();
}

// A terminal that poll(2) calls ready may have room for less than is written, and the rest waits
// for its reader. With an open file of our own it need not: its flags are nobody else's. Where that
// cannot be had the given one stays.
void LogSink::open_terminal_anew() {
  const auto name = "/proc/self/fd/" + std::to_string(descriptor_);
  own_ = Descriptor(::open(name.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (own_) descriptor_ = own_.get();
}

void LogSink::sink_it_(const spdlog::details::log_msg& message) {
  // A line that begins beside others and would be more than is kept together starts anew.
  if (kept_lines_ > 0 && kept_.size() + message.payload.size() >= kMostKept) flush_();
  kept_.append(message.payload.data(), message.payload.size());
  kept_ += '\n';
  ++kept_lines_;
}

void LogSink::flush_() {
  const std::uint64_t lines = kept_lines_;
  if (lines == 0) return;
  Outcome outcome = put_rest();
  if (outcome == Outcome::kWritten && unreported_ > 0) {
    std::string report = report_(unreported_) + "\n";
    outcome = put(report);
    if (outcome == Outcome::kWritten) unreported_ = 0;
  }
  if (outcome != Outcome::kBlocked) outcome = put(kept_);
  kept_.clear();
  kept_lines_ = 0;
  if (outcome == Outcome::kWritten) return;
  lost_ += lines;
  if (outcome == Outcome::kBlocked) unreported_ += lines;
}

// kBlocked: none of it is written. Lines of which a part is written will be completed.
LogSink::Outcome LogSink::put(std::string& lines) {
  rest_.swap(lines);
  const std::size_t whole = rest_.size();
  const Outcome outcome = put_rest();
  if (outcome != Outcome::kBlocked) return outcome;
  if (rest_.size() < whole) return Outcome::kWritten;
  rest_.clear();
  return Outcome::kBlocked;
}

LogSink::Outcome LogSink::put_rest() {
  std::size_t done = 0;
  Outcome outcome = Outcome::kWritten;
  while (done < rest_.size()) {
    if (!is_ready()) {
      outcome = Outcome::kBlocked;
      break;
    }
    const ssize_t count = ::write(descriptor_, rest_.data() + done, piece_of(rest_, done));
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {  // somebody made it non-blocking
      outcome = Outcome::kBlocked;
      break;
    } else if (errno != EINTR) {
      done = rest_.size();
      outcome = Outcome::kFailed;
    }
  }
  rest_.erase(0, done);
  return outcome;
}

bool LogSink::is_ready() const {
  if (!may_block_) return true;
  pollfd one{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  // An error too: the write says which.
  return ::poll(&one, 1, 0) > 0;
}

}  // namespace gracekeeper::io
