#include <cstdlib>
#include <dirent.h>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include "io/files.h"
#include "io/metrics.h"

namespace gracekeeper::io {
namespace {

double to_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double count_open_fds() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  double count = -1;  // the folder's own
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(folder);
  return count;
}

// Seconds since 1970 at which the machine started; process start times count from there.
double boot_time() {
  const std::string text = read_file("/proc/stat").value_or("");
  const auto at = text.find("\nbtime ");
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + 7, nullptr);
}

}  // namespace

ProcessFacts process_facts() {
  ProcessFacts facts;
  // proc(5): the command's name, field 2, may hold spaces and brackets; what follows its last
  // bracket starts with field 3. threads is field 20, start time 22 (in ticks), resident pages 24.
  const std::string stat = read_file("/proc/self/stat").value_or("");
  if (const auto bracket = stat.rfind(')'); bracket != std::string::npos) {
    std::istringstream fields(stat.substr(bracket + 1));
    std::string field;
    for (int number = 3; number <= 24 && fields >> field; ++number) {
      const double value = std::strtod(field.c_str(), nullptr);
      if (number == 20) facts.threads = value;
      if (number == 22)
        facts.start_time_seconds =
            boot_time() + value / static_cast<double>(::sysconf(_SC_CLK_TCK));
      if (number == 24)
        facts.resident_memory_bytes = value * static_cast<double>(::sysconf(_SC_PAGESIZE));
    }
  }
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    facts.cpu_seconds = to_seconds(usage.ru_utime) + to_seconds(usage.ru_stime);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.max_fds = static_cast<double>(limit.rlim_cur);
  facts.open_fds = count_open_fds();
  return facts;
}

std::uint64_t raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

}  // namespace gracekeeper::io
