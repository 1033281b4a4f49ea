#include "codec/evidence_codec.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace gracekeeper {
namespace {

struct Read {
  Evidence evidence;
  std::string errors;
};

Read read(std::string_view json) {
  Read out;
  EvidenceDecoder().decode(
      json, out.evidence, [&](const FieldError& error, const FieldPath& place) {
        out.errors += fmt::format("{}{}: {}", out.errors.empty() ? "" : "\n",
                                  to_string(place / error.path), error.message);
      });
  return out;
}

std::string time(const std::optional<Instant>& instant) {
  return instant ? format_instant(*instant) : "none";
}

TEST(EvidenceCodecTest, ReadsAPodsEnd) {
  const auto [evidence, errors] = read(R"({"apiVersion":"v1","kind":"Pod",
    "metadata":{"name":"web-1","namespace":"shop","uid":"u1","finalizers":["a/b"],
      "creationTimestamp":"2026-01-31T11:00:00Z","deletionTimestamp":"2026-01-31T12:00:30Z",
      "deletionGracePeriodSeconds":30,
      "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"2",
        "controller":true}]},
    "spec":{"nodeName":"n1","activeDeadlineSeconds":600,"terminationGracePeriodSeconds":30,
      "containers":[{"name":"web","image":"web:1"}]},
    "status":{"phase":"Failed","reason":"Evicted","message":"low",
      "conditions":[{"type":"DisruptionTarget","status":"True","reason":"TerminationByKubelet",
        "message":"m","lastTransitionTime":"2026-01-31T12:00:00Z"}],
      "containerStatuses":[{"name":"web","restartCount":2,"ready":false,
        "state":{"terminated":{"exitCode":137,"signal":9,"reason":"Error","message":"x",
          "startedAt":"2026-01-31T11:00:01Z","finishedAt":"2026-01-31T12:00:31Z"}},
        "lastState":{"terminated":{"exitCode":1,"finishedAt":"2026-01-31T11:30:00Z"}}}],
      "initContainerStatuses":[{"name":"proxy","state":{"running":{
        "startedAt":"2026-01-31T11:00:00Z"}},"lastState":{}}]}})");
  EXPECT_EQ(errors, "");
  ASSERT_EQ(evidence.pods.size(), 1U);
  EXPECT_EQ(evidence.pods[0].subject.reference(), "Pod/web-1");
  const auto& record = evidence.pods[0].record;
  EXPECT_EQ(record.uid + " " + record.node + " " + record.phase + " " + record.reason + " " +
                record.message,
            "u1 n1 Failed Evicted low");
  EXPECT_EQ(time(record.created), "2026-01-31T11:00:00Z");
  EXPECT_EQ(time(record.deletion_timestamp), "2026-01-31T12:00:30Z");
  EXPECT_EQ(record.deletion_grace_period_seconds, 30);
  EXPECT_EQ(record.active_deadline_seconds, 600);
  EXPECT_EQ(record.finalizers, std::vector<std::string>{"a/b"});
  ASSERT_EQ(record.conditions.size(), 1U);
  EXPECT_EQ(record.conditions[0], (PodCondition{"DisruptionTarget", "True", "TerminationByKubelet",
                                                "m", parse_instant("2026-01-31T12:00:00Z")}));
  ASSERT_EQ(record.containers.size(), 2U);
  EXPECT_EQ(
      *record.find("web"),
      (ContainerRecord{
          .name = "web",
          .terminated = ContainerEnd{137, 9, "Error", "x", parse_instant("2026-01-31T11:00:01Z"),
                                     parse_instant("2026-01-31T12:00:31Z")},
          .last = ContainerEnd{.exit_code = 1, .finished = parse_instant("2026-01-31T11:30:00Z")},
          .restarts = 2}));
  EXPECT_EQ(
      *record.find("proxy"),
      (ContainerRecord{.name = "proxy", .running_since = parse_instant("2026-01-31T11:00:00Z")}));
  EXPECT_EQ(record.find("other"), nullptr);
}

TEST(EvidenceCodecTest, ReadsEventsOfBothGroups) {
  const auto [evidence, errors] = read(R"({"kind":"List","apiVersion":"v1","items":[
    {"apiVersion":"v1","kind":"Event","metadata":{"name":"e"},"reason":"Killing","type":"Normal",
     "message":"Stopping container web","count":3,"eventTime":null,
     "firstTimestamp":"2026-01-31T12:00:00Z","lastTimestamp":"2026-01-31T12:05:00Z",
     "source":{"component":"kubelet","host":"n1"},
     "involvedObject":{"kind":"Pod","name":"web-1","namespace":"shop","uid":"u1",
       "fieldPath":"spec.initContainers{web}"}},
    {"apiVersion":"events.k8s.io/v1","kind":"Event","reason":"Preempted","note":"by pod x",
     "eventTime":"2026-01-31T12:00:00.250000Z","reportingController":"default-scheduler",
     "deprecatedFirstTimestamp":null,"regarding":{"kind":"Pod","name":"web-1"},
     "series":{"count":4,"lastObservedTime":"2026-01-31T12:00:09.000000Z"}}]})");
  EXPECT_EQ(errors, "");
  ASSERT_EQ(evidence.events.size(), 2U);
  EXPECT_EQ(evidence.events[0],
            (EventRecord{"Killing", "Stopping container web", "kubelet", "Pod", "web-1", "shop",
                         "u1", "web", parse_instant("2026-01-31T12:00:00Z"),
                         parse_instant("2026-01-31T12:05:00Z"), 3}));
  EXPECT_EQ(evidence.events[1],
            (EventRecord{"Preempted", "by pod x", "default-scheduler", "Pod", "web-1", "", "", "",
                         parse_instant("2026-01-31T12:00:00.250Z"),
                         parse_instant("2026-01-31T12:00:09Z"), 4}));
}

TEST(EvidenceCodecTest, ReadsTypedListsAndWhatStandsAround) {
  const auto [evidence, errors] = read(R"({"kind":"List","apiVersion":"v1","items":[
    {"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"a"},"spec":{"containers":[]}}]},
    {"apiVersion":"v1","kind":"EventList","items":[{"reason":"Killing"}]},
    {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}},
    {"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"web"},
     "spec":{"template":{"spec":{"containers":[]}}}},
    {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other"}}]})");
  EXPECT_EQ(errors, "");
  EXPECT_EQ(evidence.pods.size(), 1U);
  EXPECT_EQ(evidence.events.size(), 1U);
  EXPECT_EQ(evidence.namespaces.count("shop"), 1U);
  ASSERT_EQ(evidence.workloads.size(), 1U);
  EXPECT_EQ(evidence.workloads[0].reference(), "ReplicaSet/web");
}

TEST(EvidenceCodecTest, WhatCannotBeReadIsToldOfAndTheRestIsThere) {
  const auto [evidence, errors] = read(R"({"kind":"List","apiVersion":"v1","items":[
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","deletionTimestamp":"soon"},
     "spec":{"containers":[]}},
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"},"spec":{"containers":{}}},
    {"apiVersion":"v1","kind":"Event","count":"3"},
    {"apiVersion":"v1","kind":7},
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"},"spec":{"containers":[]},
     "status":{"containerStatuses":null,"conditions":null}}]})");
  EXPECT_EQ(errors,
            "items[0].metadata.deletionTimestamp: expected a time (2026-01-31T12:00:00Z), got "
            "\"soon\"\n"
            "items[1].spec.containers: expected a list, got an object\n"
            "items[2].count: expected an integer, got \"3\"\n"
            "items[3].kind: expected a string, got 7");
  ASSERT_EQ(evidence.pods.size(), 1U);
  EXPECT_EQ(evidence.pods[0].subject.name, "c");
  EXPECT_TRUE(evidence.events.empty());
  EXPECT_NE(read("{").errors.find("not JSON"), std::string::npos);
}

}  // namespace
}  // namespace gracekeeper
