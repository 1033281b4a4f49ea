#include "cluster/pod_evidence.h"

#include <gtest/gtest.h>

#include "fake_api.h"

namespace gracekeeper::cluster {
namespace {

using test::FakeApi;
using test::list_of;
using test::status;

constexpr const char* kNamespace =
    R"({"kind":"Namespace","apiVersion":"v1","metadata":{"name":"shop"}})";

std::string pod(const std::string& name, const std::string& uid) {
  return fmt::format(
      R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{}","namespace":"shop","uid":"{}"}},"spec":{{"containers":[]}}}})",
      name, uid);
}
std::string killing(const std::string& name, const std::string& uid) {
  return fmt::format(
      R"({{"metadata":{{"name":"e","namespace":"shop"}},"reason":"Killing","involvedObject":{{"kind":"Pod","namespace":"shop","name":"{}","uid":"{}"}}}})",
      name, uid);
}
std::string workload(const std::string& kind, const std::string& name) {
  return fmt::format(
      R"({{"apiVersion":"apps/v1","kind":"{}","metadata":{{"name":"{}","namespace":"shop"}},"spec":{{"template":{{"spec":{{"containers":[]}}}}}}}})",
      kind, name);
}

class PodEvidenceTest : public ::testing::Test {
 protected:
  PodEvidenceTest() { api.answer("/api/v1/namespaces/shop", 200, kNamespace); }

  std::string gather(const postmortem::Target& target) {
    const auto gathered = gather_evidence(api, target, "shop");
    if (!gathered) return "error: " + gathered.error().message;
    std::string text;
    const auto add = [&](const std::string& what) { text += (text.empty() ? "" : " ") + what; };
    for (const auto& found : gathered->evidence.pods) add(found.subject.name);
    for (const auto& event : gathered->evidence.events) add(event.reason + ":" + event.name);
    for (const auto& found : gathered->evidence.workloads) add(found.reference());
    for (const auto& missing : gathered->not_seen) add("no-" + missing.kind);
    return text;
  }
  void events_of(const std::string& name, const std::vector<std::string>& items) {
    api.answer(
        "/api/v1/namespaces/shop/events?limit=500&fieldSelector=involvedObject.kind%3DPod"
        "%2CinvolvedObject.name%3D" +
            name,
        200, list_of(items, "1", "", "EventList"));
  }

  FakeApi api;
  const std::string apps = "/apis/apps/v1/namespaces/shop/";
};

TEST_F(PodEvidenceTest, OnePodTakesTwoRequests) {
  api.answer("/api/v1/namespaces/shop/pods/web-1", 200, pod("web-1", "u1"));
  events_of("web-1", {killing("web-1", "u1")});
  EXPECT_EQ(gather({"Pod", "web-1"}), "web-1 Killing:web-1");
  EXPECT_EQ(api.asked().size(), 3U);
}

TEST_F(PodEvidenceTest, WhatAPodThatIsGoneWasMadeFromIsLookedFor) {
  api.answer("/api/v1/namespaces/shop/pods/web-5d4f7-bbbbb", 404, status(404, "not found"));
  events_of("web-5d4f7-bbbbb", {killing("web-5d4f7-bbbbb", "u1")});
  api.answer(apps + "replicasets/web-5d4f7", 404, status(404, "not found"));
  api.answer(apps + "deployments/web", 200, workload("Deployment", "web"));
  EXPECT_EQ(gather({"Pod", "web-5d4f7-bbbbb"}), "Killing:web-5d4f7-bbbbb Deployment/web");
}

TEST_F(PodEvidenceTest, AnEarlierPodOfTheSameNameIsGoneToo) {
  api.answer("/api/v1/namespaces/shop/pods/db-0", 200, pod("db-0", "u2"));
  events_of("db-0", {killing("db-0", "u1")});
  api.answer(apps + "statefulsets/db", 200, workload("StatefulSet", "db"));
  EXPECT_EQ(gather({"Pod", "db-0"}), "db-0 Killing:db-0 StatefulSet/db");
}

TEST_F(PodEvidenceTest, AWorkloadsPodsAreListedAndEachOwnerIsReadOnce) {
  api.answer("/api/v1/namespaces/shop/pods?limit=500", 200,
             list_of({pod("web-5d4f7-ccccc", "u3")}, "1", "", "PodList"));
  api.answer("/api/v1/namespaces/shop/events?limit=500&fieldSelector=involvedObject.kind%3DPod",
             200,
             list_of({killing("web-5d4f7-bbbbb", "u1"), killing("web-5d4f7-ddddd", "u2")}, "1", "",
                     "EventList"));
  api.answer(apps + "replicasets/web-5d4f7", 200, workload("ReplicaSet", "web-5d4f7"));
  EXPECT_EQ(gather({"Deployment", "web"}),
            "web-5d4f7-ccccc Killing:web-5d4f7-bbbbb Killing:web-5d4f7-ddddd ReplicaSet/web-5d4f7");
}

TEST_F(PodEvidenceTest, GoesOnWithoutWhatItMayNotRead) {
  api.answer("/api/v1/namespaces/shop/pods/db-0", 200, pod("db-0", "u2"));
  events_of("db-0", {killing("db-0", "u1")});
  api.answer(apps + "statefulsets/db", 403, status(403, "forbidden"));
  EXPECT_EQ(gather({"Pod", "db-0"}), "db-0 Killing:db-0 no-statefulsets");
}

TEST_F(PodEvidenceTest, EndsWithoutAnAnswerOrANamespace) {
  EXPECT_EQ(gather({"Pod", "db-0"}),
            "error: no answer is written down for /api/v1/namespaces/shop/pods/db-0");
  FakeApi other;
  other.answer("/api/v1/namespaces/nowhere", 404, status(404, "not found"));
  const auto gathered = gather_evidence(other, {"Pod", "db-0"}, "nowhere");
  ASSERT_FALSE(gathered);
  EXPECT_EQ(gathered.error().message, "there is no Namespace nowhere");
}

}  // namespace
}  // namespace gracekeeper::cluster
