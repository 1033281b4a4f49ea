// Pods for the tests of core, built in few words.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "core/annotations.h"
#include "core/pod.h"

namespace gracekeeper::testing {

inline Annotations annotated(
    std::initializer_list<std::pair<std::string_view, std::string_view>> entries) {
  Annotations annotations;
  for (const auto& [key, text] : entries) {
    annotations.emplace(std::string(key), AnnotationValue{std::string(text), true});
  }
  return annotations;
}

// As YAML's `key: 20` gives it: not a string.
inline AnnotationValue unquoted(std::string text) { return {std::move(text), false}; }

inline Hook sleep_for(Millis length) { return {Hook::Action::Sleep, length, {}}; }
inline Hook hook_of_unknown_length() { return {Hook::Action::HttpGet, std::nullopt, {}}; }

inline Container container(std::string name, std::optional<Hook> pre_stop = std::nullopt) {
  Container made;
  made.name = std::move(name);
  made.image = "registry.example/" + made.name + ":1";
  made.has_lifecycle = pre_stop.has_value();
  made.pre_stop = std::move(pre_stop);
  return made;
}

inline Container plain_init(std::string name) {
  auto made = container(std::move(name));
  made.list = Container::List::InitContainers;
  return made;
}

inline Container native_sidecar(std::string name, std::optional<Hook> pre_stop = std::nullopt) {
  auto made = container(std::move(name), std::move(pre_stop));
  made.list = Container::List::InitContainers;
  made.restart_always = true;
  return made;
}

inline Container with_grace_variable(Container made, std::optional<std::string> value) {
  made.has_env = true;
  made.grace_variable = Container::GraceVariable{0, std::move(value)};
  return made;
}

inline Container with_port(Container made, std::int64_t number = 8080) {
  made.ports.push_back({number, "http", "TCP"});
  return made;
}

inline Pod pod_of(std::initializer_list<Container> containers, Annotations annotations = {}) {
  Pod pod;
  for (auto made : containers) {
    auto& list = made.list == Container::List::Containers ? pod.containers : pod.init_containers;
    made.index = list.size();
    list.push_back(std::move(made));
  }
  pod.annotations = std::move(annotations);
  pod.has_metadata = true;
  pod.has_annotations = !pod.annotations.empty();
  pod.has_init_containers = !pod.init_containers.empty();
  return pod;
}

inline Subject subject_of(Pod pod, Subject::Kind kind = Subject::Kind::Deployment) {
  Subject subject;
  subject.kind = kind;
  subject.kind_name = kind == Subject::Kind::Job       ? "Job"
                      : kind == Subject::Kind::CronJob ? "CronJob"
                                                       : "Deployment";
  subject.name = "web";
  subject.namespace_name = "shop";
  subject.pod = std::move(pod);
  return subject;
}

}  // namespace gracekeeper::testing
