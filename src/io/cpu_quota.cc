#include "io/cpu_quota.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace gracekeeper::io {
namespace {

namespace fs = std::filesystem;

struct Hierarchy {
  bool is_v2 = false;
  fs::path group;  // the process's, as /proc/self/cgroup names it
};

// Where a hierarchy can be seen, and which of its groups is on top there.
struct Mount {
  fs::path at;
  fs::path top;
};

bool names_cpu(std::string_view list) {
  for (std::size_t begin = 0; begin <= list.size();) {
    const auto end = std::min(list.find(',', begin), list.size());
    if (list.substr(begin, end - begin) == "cpu") return true;
    begin = end + 1;
  }
  return false;
}

// Lines as "4:cpu,cpuacct:/a" and, of v2, "0::/a". Where there are both, it is in one of them that
// the controller is.
std::vector<Hierarchy> hierarchies(const std::string& root) {
  std::vector<Hierarchy> found;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = std::string_view(line).substr(first + 1, second - first - 1);
    if (controllers.empty() || names_cpu(controllers))
      found.push_back({.is_v2 = controllers.empty(), .group = line.substr(second + 1)});
  }
  return found;
}

// "31 23 0:26 /top /sys/fs/cgroup/cpu rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct"
std::optional<Mount> mount_of(const Hierarchy& hierarchy, const std::string& root) {
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    const std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 5 || fields.end() - dash < 4) continue;
    const bool is_it =
        hierarchy.is_v2 ? dash[1] == "cgroup2" : dash[1] == "cgroup" && names_cpu(dash[3]);
    if (is_it) return Mount{.at = fields[4], .top = fields[3]};
  }
  return std::nullopt;
}

std::optional<double> quota_of(const fs::path& group, bool is_v2) {
  std::string quota;  // "max", or -1, where there is none
  double period = 0;
  if (is_v2) {
    std::ifstream(group / "cpu.max") >> quota >> period;
  } else {
    std::ifstream(group / "cpu.cfs_quota_us") >> quota;
    std::ifstream(group / "cpu.cfs_period_us") >> period;
  }
  double time = 0;
  if (!(std::istringstream(quota) >> time) || time <= 0 || period <= 0) return std::nullopt;
  return time / period;
}

}  // namespace

std::optional<double> cpu_quota(const std::string& root) {
  std::optional<double> least;
  for (const auto& hierarchy : hierarchies(root)) {
    const auto mount = mount_of(hierarchy, root);
    if (!mount) continue;
    // In a container without a namespace of its own for them the group is named as on the host,
    // where what is mounted is that group itself.
    auto below = hierarchy.group.lexically_relative(mount->top);
    if (below.empty() || *below.begin() == "..") below = ".";
    const fs::path top = root + mount->at.string();
    for (auto group = (top / below).lexically_normal();;) {
      if (const auto quota = quota_of(group, hierarchy.is_v2))
        least = std::min(least.value_or(*quota), *quota);
      if (below == "." || below.empty()) break;
      below = below.parent_path();
      group = (top / below).lexically_normal();
    }
  }
  return least;
}

}  // namespace gracekeeper::io
