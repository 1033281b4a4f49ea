// The share of the processors that a process's control groups leave it: a container's CPU limit.
#pragma once

#include <optional>
#include <string>

namespace gracekeeper::io {

// In cores, more than 0: 0.5 where half of one may be used. The least of the process's group and of
// those above it that can be seen. Nothing where none of them has a limit, or they cannot be read.
//
// Of cgroup v2 `cpu.max`, of v1 `cpu.cfs_quota_us` of `cpu.cfs_period_us` (Linux, Documentation:
// admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst), found by cgroups(7)'s /proc/self/cgroup and
// proc_pid_mountinfo(5). `root` stands before all of these paths.
std::optional<double> cpu_quota(const std::string& root = {});

}  // namespace gracekeeper::io
