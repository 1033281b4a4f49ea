#include "core/kubernetes_version.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gracekeeper {
namespace {

TEST(KubernetesVersion, IsReadAsPeopleAndServersWriteIt) {
  const std::vector<std::pair<std::string, KubernetesVersion>> rows{
      {"1.34", {1, 34}},   {"v1.34", {1, 34}},
      {"1.34.2", {1, 34}}, {"v1.34.2-eks-abc123", {1, 34}},
      {"1.29+", {1, 29}},  {"1.28-gke.100", {1, 28}},
      {"1.0", {1, 0}},     {"1.100", {1, 100}},
  };
  for (const auto& [text, version] : rows) {
    SCOPED_TRACE(text);
    const auto parsed = parse_kubernetes_version(text);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, version);
  }
}

TEST(KubernetesVersion, RefusesEverythingElse) {
  for (const std::string text :
       {"", "v", "1", "1.", "1.x", "34", "2.1", "0.9", "-1.34", "1.-34", "1.+34", "vv1.34", " 1.34",
        "1.34 ", "1.34x", "1,34", "latest", "1.99999999999999999999"}) {
    SCOPED_TRACE(text);
    const auto parsed = parse_kubernetes_version(text);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(to_string(parsed.error()),
              "\"" + text + "\" is not a Kubernetes version: write it as \"1.34\"");
  }
}

TEST(KubernetesVersion, SaysWhatTheClusterCan) {
  struct Row {
    int minor;
    bool native_sidecars;
    bool sleep_action;
  };
  for (const auto& row : std::vector<Row>{{0, false, false},
                                          {28, false, false},
                                          {29, true, false},
                                          {30, true, true},
                                          {34, true, true}}) {
    const KubernetesVersion version{1, row.minor};
    EXPECT_EQ(version.has_native_sidecars(), row.native_sidecars) << row.minor;
    EXPECT_EQ(version.has_sleep_action(), row.sleep_action) << row.minor;
  }
  EXPECT_EQ(to_string(KubernetesVersion{}), "1.34");
}

}  // namespace
}  // namespace gracekeeper
