// Tells when files change.
//
// For: certificates and configuration, which operators replace under a running server. Looks at the
// content and not at times: it works for files renamed into place, for Kubernetes' volumes (where a
// symbolic link above the file is switched) and for two writes within one tick of the file system's
// clock. A file that cannot be read counts as a content of its own, so its going and coming are
// changes.
//
//   FileWatch watch({"tls.crt", "tls.key"}, [&](const std::vector<std::string>& changed) { … });
//   watch.start();                       // looks twice a second on a thread of its own
//
// The first look is taken by the constructor: construct the watch before reading the files, so that
// no change falls between.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/recurring.h"

namespace gracekeeper::io {

// Calls a function every period, the first time after one, until it is destroyed or stopped.
class Periodic {
 public:
  Periodic(std::function<void()> function, std::chrono::milliseconds period);

  // Returns when the function is not running and will not run again.
  void stop() { recurring_.stop(); }

 private:
  Recurring recurring_;
};

class FileWatch {
 public:
  using Callback = std::function<void(const std::vector<std::string>& changed)>;

  FileWatch(std::vector<std::string> paths, Callback callback,
            std::chrono::milliseconds period = std::chrono::milliseconds(500));

  // One look, on the calling thread: calls back and returns true when something has changed since
  // the look before. What the callback throws goes on to the caller, and the next look calls again.
  bool step();

  // From now on these files; those that were looked at before keep what was seen of them. Before
  // start(), or from the callback.
  void watch(std::vector<std::string> paths);

  void start();
  // Returns when the callback is not running and will not run again. At once, whatever the period.
  void stop();

 private:
  struct File {
    std::string path;
    std::uint64_t content = 0;
    bool is_news = false;  // until the callback has returned
  };

  std::vector<File> files_;
  Callback callback_;
  std::chrono::milliseconds period_;
  std::optional<Periodic> thread_;
};

}  // namespace gracekeeper::io
