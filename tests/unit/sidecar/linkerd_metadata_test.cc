#include "sidecar/linkerd_metadata.h"

#include <gtest/gtest.h>
#include <string>

#include "injected.h"

namespace gracekeeper {
namespace {

using testing::annotations;
using testing::container;
using testing::Injected;
using testing::web;

constexpr std::string_view kOpaque = "config.linkerd.io/opaque-ports";
constexpr std::string_view kVariable = "LINKERD2_PROXY_INBOUND_PORTS_DISABLE_PROTOCOL_DETECTION";

// "proxy-KIND=name" of the label that names the workload, "none" without one.
std::string workload_label(const Pod& pod, std::optional<OwnerReference> known = std::nullopt) {
  const auto settings = resolve_settings(pod, nullptr, {});
  const LinkerdValues values;
  const Proxy proxy;
  for (const auto& [key, value] : injected_labels({.pod = pod,
                                  .namespace_name = "shop",
                                  .settings = settings,
                                  .proxy = proxy,
                                  .values = values,
                                  .workload = std::move(known)})) {
    constexpr std::string_view prefix = "linkerd.io/";
    if (key.starts_with("linkerd.io/proxy-")) return key.substr(prefix.size()) + "=" + value;
  }
  return "none";
}

TEST(WorkloadLabel, NamesTheOwnerByItsKind) {
  struct Row {
    std::vector<OwnerReference> owners;
    std::string_view label;
  };
  const std::vector<Row> rows{
      {{}, "none"},
      {{{"Deployment", "web"}}, "proxy-deployment=web"},
      {{{"ReplicationController", "web"}}, "proxy-replicationcontroller=web"},
      {{{"ReplicaSet", "web"}}, "proxy-replicaset=web"},
      {{{"Job", "import"}}, "proxy-job=import"},
      {{{"DaemonSet", "log"}}, "proxy-daemonset=log"},
      {{{"StatefulSet", "db"}}, "proxy-statefulset=db"},
      {{{"Rollout", "web"}}, "none"},
      {{{"ReplicaSet", "a"}, {"ReplicaSet", "b"}}, "none"},
  };
  for (const auto& row : rows) {
    Pod pod = web();
    pod.owners = row.owners;
    EXPECT_EQ(workload_label(pod), row.label);
  }
}

// The API server would refuse every pod of it.
TEST(WorkloadLabel, IsLeftOutWhereTheNameIsNoLabelsValue) {
  Pod pod = web();
  pod.owners = {{"DaemonSet", std::string(63, 'a')}};
  EXPECT_EQ(workload_label(pod), "proxy-daemonset=" + std::string(63, 'a'));
  for (const auto& name : {std::string(64, 'a'), std::string("a b"), std::string("a-")}) {
    pod.owners = {{"DaemonSet", name}};
    EXPECT_EQ(workload_label(pod), "none") << name;
  }
  pod.owners = {{"ReplicaSet", std::string(60, 'a') + "-5d9c7b"}};
  EXPECT_EQ(workload_label(pod), "none");
  pod.labels["pod-template-hash"] = "5d9c7b";
  EXPECT_EQ(workload_label(pod), "proxy-deployment=" + std::string(60, 'a'));
}

TEST(WorkloadLabel, SeesTheDeploymentBehindItsReplicaSet) {
  Pod pod = web();
  pod.owners = {{"ReplicaSet", "web-5d9c7b"}};
  EXPECT_EQ(workload_label(pod), "proxy-replicaset=web-5d9c7b");
  pod.labels["pod-template-hash"] = "5d9c7b";
  EXPECT_EQ(workload_label(pod), "proxy-deployment=web");
  pod.labels["pod-template-hash"] = "other";
  EXPECT_EQ(workload_label(pod), "proxy-replicaset=web-5d9c7b");
}

TEST(WorkloadLabel, PrefersWhatTheCallerKnows) {
  Pod pod = web();
  pod.owners = {{"ReplicaSet", "web-5d9c7b"}};
  EXPECT_EQ(workload_label(pod, OwnerReference{"Deployment", "web"}), "proxy-deployment=web");
  EXPECT_EQ(workload_label(pod, OwnerReference{"CronJob", "tick"}), "proxy-cronjob=tick");
}

TEST(Labels, NameControlPlaneAndNamespace) {
  LinkerdValues values;
  values.control_plane_namespace = "mesh";
  const Injected injected(web(), values);
  std::vector<Edit> labels;
  for (const auto& edit : injected.edits) {
    if (std::holds_alternative<SetLabel>(edit)) labels.push_back(edit);
  }
  EXPECT_EQ(labels, (std::vector<Edit>{SetLabel{"linkerd.io/control-plane-ns", "mesh"},
                                       SetLabel{"linkerd.io/workload-ns", "shop"}}));
}

TEST(Annotations, TellWhoInjectedWhat) {
  LinkerdValues values;
  values.linkerd_version = "v1";
  values.trust_anchors_pem = "abc";
  const Injected injected(web(), values);
  EXPECT_EQ(injected.annotation("linkerd.io/created-by"), "test");
  EXPECT_EQ(injected.annotation("linkerd.io/proxy-version"), "v1");
  EXPECT_EQ(injected.annotation("linkerd.io/trust-root-sha256"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Injected(web({{"config.linkerd.io/proxy-version", "v2"}}), values)
                .annotation("linkerd.io/proxy-version"),
            "v2");
  EXPECT_EQ(Injected(web()).annotation("linkerd.io/trust-root-sha256"), "absent");
}

TEST(Annotations, AreCopiedFromTheNamespaceAsWritten) {
  const Namespace where{"shop", annotations({{"config.linkerd.io/proxy-log-level", "say \"hi\""},
                                             {"config.linkerd.io/proxy-await", "bad"}})};
  const Injected injected(web(), {}, &where);
  EXPECT_EQ(injected.annotation("config.linkerd.io/proxy-log-level"), "say \"hi\"");
  EXPECT_EQ(injected.annotation("config.linkerd.io/proxy-await"), "bad");
  EXPECT_EQ(injected.annotation("linkerd.io/inject"), "absent");
}

TEST(OpaquePorts, OfTheDefaultsAreAnnotatedAndCount) {
  Pod pod = web();
  pod.containers[0] = container("db", {3306, 80});
  const Injected injected(pod);
  EXPECT_EQ(injected.annotation(kOpaque), "3306");
  EXPECT_EQ(injected.variable(kVariable), "3306");
}

TEST(OpaquePorts, OfTheDefaultsYieldToAnyAnnotation) {
  Pod pod = web();
  pod.containers[0] = container("db", {3306});
  const Namespace where{"shop", annotations({{kOpaque, "4000"}})};
  const Injected inherited(pod, {}, &where);
  EXPECT_EQ(inherited.annotation(kOpaque), "4000");
  EXPECT_EQ(inherited.variable(kVariable), "4000");
  pod.annotations[std::string(kOpaque)] = {"5000", true};
  const Injected own(pod, {}, &where);
  EXPECT_EQ(own.annotation(kOpaque), "absent");
  EXPECT_EQ(own.variable(kVariable), "5000");
}

TEST(OpaquePorts, OfTheDefaultsAreLeftOutOnRequest) {
  Pod pod = web();
  pod.containers[0] = container("db", {3306});
  const Injected injected(pod, {}, nullptr, false);
  EXPECT_EQ(injected.annotation(kOpaque), "absent");
  EXPECT_EQ(injected.variable(kVariable), "25,587,3306,4444,5432,6379,9300,11211");
}

}  // namespace
}  // namespace gracekeeper
