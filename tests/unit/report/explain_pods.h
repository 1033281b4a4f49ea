// Pods for the tests of `explain`, built as plain values.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/annotations.h"
#include "report/explain_report.h"

namespace gracekeeper::test {

inline Container container(std::string name, std::optional<Millis> hook = std::nullopt,
                           bool serves = false) {
  Container c{.name = std::move(name)};
  if (hook) c.pre_stop = Hook{.action = Hook::Action::Sleep, .length = *hook, .command = {}};
  if (serves) c.ports.push_back({.number = 8080, .name = "http", .protocol = "TCP"});
  return c;
}

using Written = std::vector<std::pair<std::string_view, std::string>>;

inline Subject workload(Subject::Kind kind, std::string kind_name, std::string name,
                        std::vector<Container> containers, const Written& annotations,
                        std::optional<std::int64_t> grace_period) {
  Subject subject{.kind = kind, .kind_name = std::move(kind_name), .name = std::move(name)};
  subject.namespace_name = "shop";
  subject.pod.containers = std::move(containers);
  for (const auto& [key, value] : annotations)
    subject.pod.annotations[std::string(key)] = AnnotationValue{value};
  subject.pod.termination_grace_period_seconds = grace_period;
  return subject;
}

inline Subject deployment(std::string name, std::vector<Container> containers,
                          const Written& annotations,
                          std::optional<std::int64_t> grace_period = 30) {
  return workload(Subject::Kind::Deployment, "Deployment", std::move(name), std::move(containers),
                  annotations, grace_period);
}

inline ExplainedPod explained(const Subject& subject, const Configuration& configuration = {},
                              std::optional<Seconds> override = std::nullopt) {
  const auto assessment = assess(subject, nullptr, configuration);
  auto pod = explain(assessment, override);
  pod.file = "deploy.yaml";
  pod.position = {.line = 3, .column = 1};
  return pod;
}

// The example of the contract: no wait, classic proxy, preStop 5, shutdown 10, T 30.
inline ExplainedPod contract_pod() {
  return explained(deployment("web", {container("web", Millis{5000})},
                              {{annotation::kInject, "enabled"}, {annotation::kNative, "false"}}));
}

// "My application still makes new connections after SIGTERM": wait 20, preStop 5, T 30.
inline ExplainedPod question_pod() {
  return explained(deployment("web", {container("web", Millis{5000}, true)},
                              {{annotation::kInject, "enabled"}, {annotation::kWait, "20"}}));
}

inline ExplainedPod native_pod() {
  return explained(deployment("web", {container("web", Millis{5000}, true)},
                              {{annotation::kInject, "enabled"}, {annotation::kGrace, "10s"}}));
}

inline ExplainedPod many_containers() {
  std::vector<Container> containers;
  for (int i = 1; i <= 9; ++i) {
    containers.push_back(container(
        "worker-number-" + std::to_string(i) + std::string(static_cast<std::size_t>(i) * 5, 'x'),
        Millis{i * 1700}, i % 2 == 0));
  }
  auto subject = deployment("many", std::move(containers),
                            {{annotation::kInject, "enabled"},
                             {annotation::kNative, "true"},
                             {annotation::kAppShutdown, "17s"}});
  for (int i = 1; i <= 3; ++i) {
    auto side = container("log-shipper-" + std::to_string(i), Millis{i * 900});
    side.list = Container::List::InitContainers;
    side.restart_always = true;
    subject.pod.init_containers.push_back(std::move(side));
  }
  subject.pod.containers[2].pre_stop->length.reset();
  return explained(subject);
}

inline ExplainedPod short_pod() {
  return explained(deployment("flash", {container("flash")},
                              {{annotation::kInject, "enabled"},
                               {annotation::kNative, "false"},
                               {annotation::kAppShutdown, "300ms"},
                               {annotation::kGrace, "500ms"}},
                              1));
}

inline ExplainedPod day_of_waiting() {
  return explained(deployment(
      "patient", {container("web", Millis{5000}, true)},
      {{annotation::kInject, "enabled"}, {annotation::kWait, "86400"}, {annotation::kGrace, "25s"}},
      90'000));
}

inline ExplainedPod endless_job() {
  return explained(workload(Subject::Kind::Job, "Job", "import", {container("import")},
                            {{annotation::kInject, "enabled"}, {annotation::kNative, "false"}},
                            std::nullopt));
}

}  // namespace gracekeeper::test
