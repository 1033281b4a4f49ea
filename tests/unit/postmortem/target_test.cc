#include "postmortem/target.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace gracekeeper::postmortem {
namespace {

std::string read(std::string_view text) {
  const auto target = parse_target(text);
  return target ? target->kind + " " + target->name : target.error().message;
}

TEST(TargetTest, ReadsNamesAsKubectlWritesThem) {
  EXPECT_EQ(read("web-1"), "Pod web-1");
  EXPECT_EQ(read("pod/web-1"), "Pod web-1");
  EXPECT_EQ(read("po/web.1"), "Pod web.1");
  EXPECT_EQ(read("deployment/web"), "Deployment web");
  EXPECT_EQ(read("Deploy/web"), "Deployment web");
  EXPECT_EQ(read("sts/db"), "StatefulSet db");
  EXPECT_EQ(read("jobs/nightly"), "Job nightly");
}

TEST(TargetTest, RefusesWhatIsNoName) {
  EXPECT_EQ(read("pod/../secrets"),
            "\"pod/../secrets\" is no pod's name: write NAME, pod/NAME or deployment/NAME");
  EXPECT_EQ(read("Web"), "\"Web\" is no pod's name: write NAME, pod/NAME or deployment/NAME");
  EXPECT_EQ(read("pod/"), "\"pod/\" is no pod's name: write NAME, pod/NAME or deployment/NAME");
  EXPECT_EQ(read("service/web"),
            "\"service/web\": pods of a service cannot be found; write pod, deployment, "
            "statefulset, daemonset, replicaset or job before the name");
}

std::string owners(std::string_view name) {
  std::string text;
  for (const auto& owner : possible_owners(name))
    text += fmt::format("{}{}/{}", text.empty() ? "" : " ", owner.kind, owner.name);
  return text;
}

TEST(TargetTest, ThePodsNameTellsWhatItMayBeOf) {
  EXPECT_EQ(owners("web-5d4f7c9b8-x2x9z"),
            "ReplicaSet/web-5d4f7c9b8 Deployment/web DaemonSet/web-5d4f7c9b8 Job/web-5d4f7c9b8");
  EXPECT_EQ(owners("agent-x2x9z"), "ReplicaSet/agent DaemonSet/agent Job/agent");
  EXPECT_EQ(owners("work-3-x2x9z"), "ReplicaSet/work-3 DaemonSet/work-3 Job/work-3 Job/work");
  EXPECT_EQ(owners("db-0"), "StatefulSet/db");
  EXPECT_EQ(owners("bare"), "");
  EXPECT_EQ(owners("bare-pods"), "");  // vowels are not in random ends
}

Evidence some_evidence() {
  Evidence evidence;
  const auto pod = [&](const std::string& name, const std::string& uid, const std::string& owner,
                       const char* created) {
    PodFound found{.subject = {.kind_name = "Pod", .name = name, .namespace_name = "shop"},
                   .record = {.uid = uid, .created = parse_instant(created)}};
    if (!owner.empty()) {
      found.subject.pod.owners = {{.kind = "ReplicaSet", .name = owner, .controller = true}};
      found.subject.pod.labels["pod-template-hash"] = owner.substr(owner.rfind('-') + 1);
    }
    evidence.pods.push_back(std::move(found));
  };
  pod("web-5d4f7-bbbbb", "1", "web-5d4f7", "2026-01-01T00:00:00Z");
  pod("web-api-5d4f7-bbbbb", "2", "web-api-5d4f7", "2026-01-01T00:00:00Z");
  pod("db-0", "4", "", "2026-01-01T02:00:00Z");
  const auto event = [&](const std::string& name, const std::string& uid, const char* at) {
    evidence.events.push_back({.reason = "Killing",
                               .kind = "Pod",
                               .name = name,
                               .namespace_name = "shop",
                               .uid = uid,
                               .first = parse_instant(at),
                               .last = parse_instant(at)});
  };
  event("web-5d4f7-ccccc", "9", "2026-01-01T01:00:00Z");  // gone
  event("db-0", "3", "2026-01-01T01:30:00Z");             // the one before
  evidence.workloads.push_back({.kind = Subject::Kind::ReplicaSet,
                                .kind_name = "ReplicaSet",
                                .name = "web-5d4f7",
                                .namespace_name = "shop"});
  return evidence;
}

std::string cases(std::string_view target, std::string_view where = "shop") {
  const auto evidence = some_evidence();
  std::string text;
  for (const auto& one : select_cases(evidence, *parse_target(target), where)) {
    text += fmt::format("{}{}:{} {} {} {}", text.empty() ? "" : ", ", one.name, one.uid,
                        one.is_gone() ? "gone" : "there",
                        one.spec == nullptr ? "nothing" : one.spec->kind_name, one.owner);
  }
  return text;
}

TEST(TargetTest, AWorkloadsPodsAreThoseThatItMadeNewestFirst) {
  EXPECT_EQ(cases("deployment/web"),
            "web-5d4f7-ccccc:9 gone ReplicaSet Deployment/web, "
            "web-5d4f7-bbbbb:1 there Pod Deployment/web");
  EXPECT_EQ(cases("deployment/web-api"), "web-api-5d4f7-bbbbb:2 there Pod Deployment/web-api");
  EXPECT_EQ(cases("replicaset/web-5d4f7"),
            "web-5d4f7-ccccc:9 gone ReplicaSet Deployment/web, "
            "web-5d4f7-bbbbb:1 there Pod Deployment/web");
}

TEST(TargetTest, EachIncarnationOfANameIsOneOfItsOwn) {
  EXPECT_EQ(cases("db-0"), "db-0:4 there Pod , db-0:3 gone Pod ");
}

TEST(TargetTest, OtherNamespacesAreNotLookedInto) {
  EXPECT_EQ(cases("db-0", "other"), "");
  EXPECT_EQ(cases("db-0", ""), "db-0:4 there Pod , db-0:3 gone Pod ");
}

}  // namespace
}  // namespace gracekeeper::postmortem
