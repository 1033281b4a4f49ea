#include "io/cpu_quota.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>

#include "temporary_folder.h"

namespace gracekeeper::io::test {
namespace {

constexpr auto kMountOfV2 =
    "24 30 0:22 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

// What a process sees of its machine.
class CpuQuota : public ::testing::Test {
 protected:
  void put(const std::string& path, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path(root_.at(path)).parent_path());
    root_.put(path, content);
  }
  void groups(const std::string& lines) { put("proc/self/cgroup", lines); }
  void mounts(const std::string& lines) {
    put("proc/self/mountinfo", "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n" + lines);
  }
  std::optional<double> quota() { return cpu_quota(root_.at("")); }

  TemporaryFolder root_;
};

TEST_F(CpuQuota, IsThatOfTheContainersGroup) {
  groups("0::/\n");
  mounts(kMountOfV2);
  put("sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(CpuQuota, IsNoneWhereNoneIsSet) {
  groups("0::/user.slice\n");
  mounts(kMountOfV2);
  put("sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuota, IsTheLeastOfThoseAbove) {
  groups("0::/kubepods.slice/pod1/container\n");
  mounts(kMountOfV2);
  put("sys/fs/cgroup/kubepods.slice/pod1/container/cpu.max", "400000 100000\n");
  put("sys/fs/cgroup/kubepods.slice/pod1/cpu.max", "50000 100000\n");
  put("sys/fs/cgroup/kubepods.slice/cpu.max", "300000 100000\n");
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuQuota, IsThatOfTheTopWhereThoseBelowHaveNone) {
  groups("0::/a/b\n");
  mounts(kMountOfV2);
  put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  put("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 2);
}

TEST_F(CpuQuota, IsReadOfV1) {
  groups("5:memory:/pod1\n4:cpu,cpuacct:/pod1\n1:name=systemd:/pod1\n");
  mounts(
      "31 23 0:26 / /sys/fs/cgroup/memory rw shared:8 - cgroup cgroup rw,memory\n"
      "32 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n");
  put("sys/fs/cgroup/cpu,cpuacct/pod1/cpu.cfs_quota_us", "250000\n");
  put("sys/fs/cgroup/cpu,cpuacct/pod1/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2.5);
  put("sys/fs/cgroup/cpu,cpuacct/pod1/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(quota(), std::nullopt);
}

// As `docker run --cpus` of v1 shows it: the group is named as on the host, and mounted as the top.
TEST_F(CpuQuota, IsReadWhereTheGroupItselfIsMounted) {
  groups("4:cpu,cpuacct:/docker/0123\n0::/\n");
  mounts("40 39 0:27 /docker/0123 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "75000\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 0.75);
}

TEST_F(CpuQuota, IsReadWhereOnlyAnotherGroupIsMounted) {
  groups("0::/../../other\n");
  mounts("40 39 0:27 /docker/0123 /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  put("sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(quota(), 1);
}

TEST_F(CpuQuota, IsNoneOfWhatCannotBeRead) {
  EXPECT_EQ(quota(), std::nullopt);
  groups("0::/\nrubbish\n:\n\n");
  EXPECT_EQ(quota(), std::nullopt);
  mounts("rubbish\n- - -\n" + std::string(kMountOfV2));
  EXPECT_EQ(quota(), std::nullopt);
  for (const auto* text : {"", "100000", "0 100000", "100000 0", "-5 100000", "rubbish 100000"}) {
    put("sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(quota(), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace gracekeeper::io::test
