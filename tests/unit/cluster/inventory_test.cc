#include "cluster/inventory.h"

#include <gtest/gtest.h>

#include "fake_api.h"

namespace gracekeeper::cluster {
namespace {

using test::FakeApi;
using test::list_of;
using test::name_space;
using test::status;

const std::vector<std::pair<std::string, std::string>> kLists{
    {"/apis/apps/v1/deployments?limit=500", "DeploymentList"},
    {"/apis/apps/v1/statefulsets?limit=500", "StatefulSetList"},
    {"/apis/apps/v1/daemonsets?limit=500", "DaemonSetList"},
    {"/apis/apps/v1/replicasets?limit=500", "ReplicaSetList"},
    {"/api/v1/replicationcontrollers?limit=500", "ReplicationControllerList"},
    {"/apis/batch/v1/jobs?limit=500", "JobList"},
    {"/apis/batch/v1/cronjobs?limit=500", "CronJobList"},
    {"/api/v1/pods?limit=500&fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed",
     "PodList"}};

std::string workload(const std::string& name, const std::string& owner = "",
                     const std::string& status_json = "{}") {
  return fmt::format(
      R"({{"metadata":{{"name":"{}","namespace":"shop"{}}},"spec":{{"template":{{"spec":{{"containers":[]}}}},"containers":[]}},"status":{}}})",
      name, owner.empty() ? "" : ",\"ownerReferences\":[" + owner + "]", status_json);
}

std::string owner(const std::string& api_version, const std::string& kind,
                  const std::string& controller = "true") {
  return fmt::format(R"({{"apiVersion":"{}","kind":"{}","name":"x","controller":{}}})", api_version,
                     kind, controller);
}

class InventoryTest : public ::testing::Test {
 protected:
  // Lists that a test does not write down are empty.
  Result<Inventory> take(const std::string& where = "") {
    return take_inventory(
        api, {.namespace_name = where},
        {.name_space = [this](const Namespace& n) { seen.push_back("Namespace/" + n.name); },
         .workload =
             [this](const Subject& s) { seen.push_back(s.namespace_name + "/" + s.reference()); },
         .unreadable =
             [this](const std::string& space, const std::string& object, const FieldError& error) {
               seen.push_back(space + "/" + object + " " + to_string(error.path) + ": " +
                              error.message);
             }});
  }
  void fill(const std::string& except = "") {
    for (const auto& [path, kind] : kLists) {
      if (path.find(except) == std::string::npos || except.empty())
        api.answer(path, 200, list_of({}, "1", "", kind));
    }
  }
  void list(const std::string& plural, const std::vector<std::string>& items) {
    for (const auto& [path, kind] : kLists) {
      if (path.find("/" + plural + "?") != std::string::npos)
        api.answer(path, 200, list_of(items, "1", "", kind));
    }
  }

  FakeApi api;
  std::vector<std::string> seen;
};

TEST_F(InventoryTest, ShowsEachThingOnce) {
  api.answer("/api/v1/namespaces?limit=500", 200, list_of({name_space("shop", "1")}, "1"));
  list("deployments", {workload("web")});
  list("statefulsets", {workload("db")});
  list("daemonsets", {workload("log", owner("example.com/v1", "Agent"))});
  list("replicasets", {workload("web-1", owner("apps/v1", "Deployment")), workload("bare"),
                       workload("canary", owner("argoproj.io/v1alpha1", "Rollout"))});
  list("replicationcontrollers", {workload("old")});
  list("jobs", {workload("nightly-1", owner("batch/v1", "CronJob")), workload("once"),
                workload("done", "", R"({"conditions":[{"type":"Complete","status":"True"}]})"),
                workload("volcanic", owner("batch.volcano.sh/v1", "Job"))});
  list("cronjobs", {});
  list("pods", {workload("web-1-x", owner("apps/v1", "ReplicaSet")), workload("bare"),
                workload("friend", owner("apps/v1", "ReplicaSet", "false")),
                workload("kube-proxy-n1", owner("v1", "Node")),
                workload("ended", "", R"({"phase":"Succeeded"})")});
  const auto inventory = take();
  ASSERT_TRUE(inventory) << inventory.error().message;
  EXPECT_EQ(inventory->kinds_seen, 8U);
  EXPECT_TRUE(inventory->not_seen.empty());
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "Namespace/shop", "shop/Deployment/web", "shop/StatefulSet/db",
                      "shop/DaemonSet/log", "shop/ReplicaSet/bare", "shop/ReplicaSet/canary",
                      "shop/ReplicationController/old", "shop/Job/once", "shop/Job/volcanic",
                      "shop/Pod/bare", "shop/Pod/friend"}));
}

TEST_F(InventoryTest, GoesOnWithoutTheKindsThatMayNotBeListed) {
  api.answer("/api/v1/namespaces?limit=500", 403, status(403, "forbidden"));
  fill("replicasets");
  api.answer("/apis/apps/v1/replicasets?limit=500", 403, status(403, "forbidden"));
  const auto inventory = take();
  ASSERT_TRUE(inventory) << inventory.error().message;
  EXPECT_EQ(inventory->kinds_seen, 7U);
  ASSERT_EQ(inventory->not_seen.size(), 2U);
  EXPECT_EQ(inventory->not_seen[0].kind, "Namespaces");
  EXPECT_EQ(inventory->not_seen[0].reason,
            "the API server answered 403: forbidden: a ClusterRole or Role must allow to list "
            "namespaces");
  EXPECT_EQ(inventory->not_seen[1].kind, "ReplicaSets");
  EXPECT_EQ(inventory->not_seen[1].reason,
            "the API server answered 403: forbidden: a ClusterRole or Role must allow to list "
            "replicasets");
}

TEST_F(InventoryTest, EndsWhereTheServerIsGoneOrKnowsNobody) {
  api.fail_at("/api/v1/namespaces?limit=500", "https://h:443: cannot connect: refused");
  EXPECT_EQ(take().error().message, "https://h:443: cannot connect: refused");
  FakeApi other;
  other.answer("/api/v1/namespaces?limit=500", 401, status(401, "Unauthorized"));
  EXPECT_EQ(take_inventory(other, {}, {}).error().message,
            "the API server answered 401: Unauthorized: the credentials are not accepted (expired, "
            "or another cluster's)");
}

TEST_F(InventoryTest, LooksIntoOneNamespace) {
  api.answer("/api/v1/namespaces/nowhere", 404, status(404, "not found"));
  EXPECT_EQ(take("nowhere").error().message, "there is no Namespace nowhere");
  api.answer("/api/v1/namespaces/shop", 200,
             R"({"kind":"Namespace","apiVersion":"v1","metadata":{"name":"shop"}})");
  api.answer("/apis/apps/v1/namespaces/shop/deployments?limit=500", 200,
             list_of({workload("web")}, "1", "", "DeploymentList"));
  // Nothing else is written down: the next list fails, and with it the whole.
  EXPECT_FALSE(take("shop"));
  EXPECT_EQ(seen, (std::vector<std::string>{"Namespace/shop", "shop/Deployment/web"}));
}

TEST_F(InventoryTest, BeginsAKindAnewWhenItsPagesTookTooLong) {
  api.answer("/api/v1/namespaces?limit=500", 200, list_of({}, "1"));
  fill("deployments");
  const std::string first = "/apis/apps/v1/deployments?limit=500";
  api.answer(first, 200, list_of({workload("web")}, "1", "more", "DeploymentList"));
  api.answer(first, 200, list_of({workload("web"), workload("api")}, "2", "", "DeploymentList"));
  api.answer(first + "&continue=more", 410, status(410, "expired"));
  const auto inventory = take();
  ASSERT_TRUE(inventory) << inventory.error().message;
  EXPECT_EQ(inventory->kinds_seen, 8U);
  EXPECT_EQ(seen, (std::vector<std::string>{"shop/Deployment/web", "shop/Deployment/api"}));
}

TEST_F(InventoryTest, NamesAnObjectThatCannotBeRead) {
  api.answer("/api/v1/namespaces?limit=500", 200, list_of({}, "1"));
  fill("deployments");
  list("deployments",
       {R"({"metadata":{"name":"web","namespace":"shop"},"spec":{"template":{"spec":7}}})",
        workload("api")});
  ASSERT_TRUE(take());
  EXPECT_EQ(seen, (std::vector<std::string>{
                      "shop/Deployment/web spec.template.spec: expected an object, got 7",
                      "shop/Deployment/api"}));
}

}  // namespace
}  // namespace gracekeeper::cluster
