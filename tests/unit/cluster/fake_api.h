// An API server that says what the test wrote down.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "io/api_client.h"

namespace gracekeeper::cluster::test {

class FakeApi : public io::Api {
 public:
  struct Stream {
    std::vector<std::string> lines = {};
    Result<io::ApiResponse> end = io::ApiResponse{.status = 200, .body = {}};
  };

  // What a path (with its query) is answered with, one after the other; the last one stays.
  void answer(const std::string& path, int status, std::string body) {
    const std::lock_guard lock(mutex_);
    answers_[path].push_back(io::ApiResponse{.status = status, .body = std::move(body)});
  }
  void answer_too_large(const std::string& path) {
    const std::lock_guard lock(mutex_);
    answers_[path].push_back(io::ApiResponse{.status = 200, .body = {}, .is_too_large = true});
  }
  void fail_at(const std::string& path, std::string message) {
    const std::lock_guard lock(mutex_);
    answers_[path].push_back(fail(std::move(message)));
  }
  // The next watch of a path, whatever its query is.
  void watch(const std::string& path, Stream stream) {
    const std::lock_guard lock(mutex_);
    streams_[path].push_back(std::move(stream));
    changed_.notify_all();
  }

  Result<io::ApiResponse> request(const io::ApiRequest& request) override {
    const std::lock_guard lock(mutex_);
    asked_.push_back(request.path);
    const auto found = answers_.find(request.path);
    if (found == answers_.end()) return fail("no answer is written down for " + request.path);
    auto answer = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
    return answer;
  }

  // A watch that is not written down lasts until stop(), as a quiet one does.
  Result<io::ApiResponse> stream(const std::string& path,
                                 const std::function<bool(std::string_view)>& on_line) override {
    std::unique_lock lock(mutex_);
    asked_.push_back(path);
    auto& scripted = streams_[path.substr(0, path.find('?'))];
    const bool is_there = changed_.wait_for(lock, std::chrono::seconds(20),
                                            [&] { return stopped_ || !scripted.empty(); });
    if (stopped_ || !is_there) return fail("stopped");
    const auto stream = std::move(scripted.front());
    scripted.pop_front();
    lock.unlock();
    for (const auto& line : stream.lines) {
      if (!on_line(line)) return io::ApiResponse{.status = 200, .body = {}};
    }
    return stream.end;
  }

  void stop() override {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::map<std::string, std::deque<Result<io::ApiResponse>>> answers_;
  std::map<std::string, std::deque<Stream>> streams_;
  std::vector<std::string> asked_;
};

// A Namespace as JSON, and lists and events of such objects.
inline std::string name_space(const std::string& name, const std::string& version,
                              const std::string& annotations = "") {
  return fmt::format(
      R"({{"metadata":{{"name":"{}","resourceVersion":"{}","annotations":{{{}}}}}}})", name,
      version, annotations);
}

inline std::string list_of(const std::vector<std::string>& items, const std::string& version,
                           const std::string& continue_token = "",
                           const std::string& kind = "NamespaceList") {
  return fmt::format(
      R"({{"kind":"{}","apiVersion":"v1","metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})",
      kind, version, continue_token, fmt::join(items, ","));
}

inline std::string event(const std::string& type, const std::string& object) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, object);
}

inline std::string status(int code, const std::string& message) {
  return fmt::format(R"({{"kind":"Status","code":{},"message":"{}"}})", code, message);
}

}  // namespace gracekeeper::cluster::test
