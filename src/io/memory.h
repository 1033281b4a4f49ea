// Keeps a process small that has been large for a moment: after an attack, or a few huge requests.
//
// The C library keeps what has been freed, for the next time. It learns from each large block that
// is freed to keep larger ones, and memory of a thousand connections stays with it for good when
// one that is still there lies above it.
#pragma once

#include <cstddef>
#include <functional>

namespace gracekeeper::io {

// A request allocates and frees some 270 small blocks in a row, of which glibc has a thread keep 7
// of each size and works its way through shared lists for the others: with 32 a request takes 6 %
// less of a processor's time. That can only be asked for in the environment of a starting program,
// so the process starts itself anew, with the same arguments and the same id, unless GLIBC_TUNABLES
// is set already. Call it first of all; where it is not possible, it does nothing.
void keep_more_small_blocks();

// Large blocks go back to the system as soon as they are freed, as does what is free at the end of
// a thread's memory: for two `threads` that receive reviews blocks of 4 MB and what is beyond 8 MB,
// for more of them less, down to 256 KB and 1 MB, since each keeps memory of its own. All comes
// from the system by pages of 4 KB: with transparent huge pages a byte that is written to would
// take two megabytes. Call it once, before any thread.
void return_large_blocks(std::size_t threads);

// Gives the pages of code back that starting needed and serving may not: what is used again comes
// back from the file by itself. Most of what a small process weighs is such pages.
void return_code();

// Gives all free pages back, which takes some milliseconds.
void return_free_heap();

// Gives free pages back. For a thread of its own: it works only when there is much more to give
// back than it had to leave the last time.
class MemoryTrimmer {
 public:
  // Every second: what one flood leaves is not to be there when the next one comes.
  void trim_after_flood() { trim_heap(kFlood); }
  // Every second: the code of handshakes, when many connections are new and not many more come.
  // `connections`: how many are open.
  void return_code_of_handshakes(std::size_t connections);
  // Every few seconds, since what is still needed has to come back: less free memory too.
  void trim() { trim_heap(kWorthTheWork); }

 private:
  static constexpr std::size_t kFlood = std::size_t{4} * 1024 * 1024;
  static constexpr std::size_t kWorthTheWork = std::size_t{1024} * 1024;

  void trim_heap(std::size_t worth_the_work);

  std::size_t left_ = 0;    // free bytes after the last time
  std::size_t fewest_ = 0;  // connections since code was given back
  std::size_t latest_ = 0;  // connections at the last look
};

// Keeps what was needed for a moment from adding up with what is needed next: what connections,
// handshakes and the last large request have left is free, and with the process still. For a thread
// of its own.
class PeakTrimmer {
 public:
  // Of a process that is smaller nothing is taken: what comes back from the system page by page
  // makes a large request take twice the time (docs/performance.md).
  static constexpr std::size_t kMuch = std::size_t{64} * 1024 * 1024;

  explicit PeakTrimmer(std::size_t much = kMuch) : much_(much) {}

  // Before something that takes much. When as much is resident, `release` (unless it is empty)
  // gives up what the thread keeps for the next time, and if there is much more than the last time
  // after that, what is free goes back to the system. All threads keep as little as each of many
  // would (return_large_blocks) until less is resident at another call.
  void make_room(const std::function<void()>& release);

 private:
  const std::size_t much_;
  bool keeps_least_ = false;
  std::size_t left_ = 0;  // bytes that were resident after the last time, or fewer since
};

}  // namespace gracekeeper::io
