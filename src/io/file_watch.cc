#include "io/file_watch.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "io/files.h"

namespace gracekeeper::io {
namespace {

std::uint64_t fingerprint(const std::string& path) {
  const auto content = read_kept_file(path);
  // The two never meet: an error's text begins with something no file of interest begins with.
  return std::hash<std::string>{}(content ? *content : '\0' + content.error().message);
}

}  // namespace

Periodic::Periodic(std::function<void()> function, std::chrono::milliseconds period)
    : recurring_([function = std::move(function), period, is_first = true]() mutable {
        if (!std::exchange(is_first, false)) function();
        return period;
      }) {}

FileWatch::FileWatch(std::vector<std::string> paths, Callback callback,
                     std::chrono::milliseconds period)
    : callback_(std::move(callback)), period_(period) {
  watch(std::move(paths));
}

void FileWatch::watch(std::vector<std::string> paths) {
  std::vector<File> files;
  for (std::string& path : paths) {
    const auto known = std::find_if(files_.begin(), files_.end(),
                                    [&](const File& file) { return file.path == path; });
    File file = known == files_.end() ? File{.path = path, .content = fingerprint(path)} : *known;
    files.push_back(std::move(file));
  }
  files_ = std::move(files);
}

bool FileWatch::step() {
  std::vector<std::string> changed;
  for (File& file : files_) {
    const std::uint64_t content = fingerprint(file.path);
    if (content != std::exchange(file.content, content)) file.is_news = true;
    if (file.is_news) changed.push_back(file.path);
  }
  if (changed.empty()) return false;
  callback_(changed);
  for (File& file : files_) file.is_news = false;
  return true;
}

void FileWatch::start() {
  if (!thread_) thread_.emplace([this] { step(); }, period_);
}

void FileWatch::stop() { thread_.reset(); }

}  // namespace gracekeeper::io
