#include "cli/progress.h"

#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <string_view>
#include <unistd.h>

namespace gracekeeper::cli {
namespace {

// "10,000": numbers that change are read at a glance.
std::string grouped(std::size_t number) {
  std::string text = fmt::format("{}", number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

// Back to the begin of the line, and away with what stands in it.
constexpr std::string_view kFreshLine = "\r\x1b[K";

}  // namespace

std::unique_ptr<Progress> Progress::on_terminal(std::size_t files) {
  const char* term = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): no thread yet
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  if (isatty(STDERR_FILENO) != 1 || dumb) return nullptr;
  return std::make_unique<Progress>(files);
}

Progress::~Progress() {
  if (is_shown_) fmt::print(stderr, "{}", kFreshLine);
}

std::string Progress::line() const {
  const std::string documents = fmt::format("{} documents", grouped(documents_done_));
  if (files_ == 1) return "check: " + documents;
  return fmt::format("check: {} of {} files, {}", grouped(files_done_), grouped(files_), documents);
}

void Progress::show() {
  if (std::chrono::steady_clock::now() - start_ < kPatience) return;
  is_shown_ = true;
  fmt::print(stderr, "{}{}", kFreshLine, line());
  std::fflush(stderr);
}

}  // namespace gracekeeper::cli
