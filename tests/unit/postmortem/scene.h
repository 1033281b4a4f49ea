// A pod and what is left of its end, written in a few words.
#pragma once

#include <fmt/format.h>
#include <string>

#include "postmortem/diagnosis.h"

namespace gracekeeper::postmortem::test {

inline const Instant kAsked = *parse_instant("2026-01-31T12:00:00Z");

struct Scene {
  PodFound pod{.subject = {.kind = Subject::Kind::Pod,
                           .kind_name = "Pod",
                           .name = "web-1",
                           .namespace_name = "shop"},
               .record = {}};
  std::vector<EventRecord> events;
  Configuration configuration;
  bool gone = false;
  bool unknown = false;  // its spec

  Pod& spec() { return pod.subject.pod; }
  Scene& T(std::int64_t seconds) {
    spec().termination_grace_period_seconds = seconds;
    return *this;
  }
  Scene& app(const std::string& name, std::optional<Hook> hook = std::nullopt) {
    spec().containers.push_back(
        {.index = spec().containers.size(), .name = name, .pre_stop = std::move(hook)});
    return *this;
  }
  Scene& shutdown(const std::string& text) {
    spec().annotations["gracekeeper.dev/app-shutdown"] = {text};
    return *this;
  }
  static Container proxy_container(std::int64_t grace) {
    Container proxy{.name = "linkerd-proxy"};
    proxy.grace_variable = Container::GraceVariable{.value = fmt::format("{}s", grace)};
    return proxy;
  }
  Scene& proxy(std::int64_t wait, std::int64_t grace) {
    auto container = proxy_container(grace);
    container.index = spec().containers.size();
    if (wait > 0) container.pre_stop = exec_sleep(wait);
    spec().containers.push_back(std::move(container));
    return *this;
  }
  // Its wait ends with the application.
  Scene& watching_proxy(std::int64_t wait, std::int64_t grace) {
    proxy(wait, grace);
    spec().containers.back().pre_stop =
        Hook{.action = Hook::Action::Exec, .length = from_seconds(wait), .until_app_exits = true};
    return *this;
  }
  Scene& native_proxy(std::int64_t grace) {
    auto container = proxy_container(grace);
    container.list = Container::List::InitContainers;
    container.restart_always = true;
    spec().init_containers.push_back(std::move(container));
    return *this;
  }
  Scene& deleted(std::int64_t grace) {
    pod.record.deletion_timestamp = kAsked + Seconds{grace};
    pod.record.deletion_grace_period_seconds = grace;
    return *this;
  }
  Scene& ended(const std::string& name, std::int64_t code, std::int64_t at,
               const std::string& reason = "Error") {
    pod.record.containers.push_back(
        {.name = name,
         .terminated =
             ContainerEnd{.exit_code = code, .reason = reason, .finished = kAsked + Seconds{at}}});
    return *this;
  }
  Scene& restarted(const std::string& name, std::int64_t code, std::int64_t at,
                   const std::string& reason = "Error") {
    pod.record.containers.push_back(
        {.name = name,
         .last =
             ContainerEnd{.exit_code = code, .reason = reason, .finished = kAsked + Seconds{at}},
         .running_since = kAsked + Seconds{at + 1},
         .restarts = 1});
    return *this;
  }
  Scene& event(const std::string& reason, const std::string& container, std::int64_t at,
               const std::string& message = "") {
    const auto time = kAsked + Seconds{at};
    const auto text = message.empty() && reason == "Killing" ? "Stopping container " + container
                      : message.empty() && reason == "FailedPreStopHook" ? "PreStopHook failed"
                                                                         : message;
    events.push_back({.reason = reason,
                      .message = text,
                      .source = "kubelet",
                      .kind = "Pod",
                      .name = "web-1",
                      .namespace_name = "shop",
                      .container = container,
                      .first = time,
                      .last = time});
    return *this;
  }
  Scene& is_gone() {
    gone = true;
    return *this;
  }

  static Hook exec_sleep(std::int64_t seconds) {
    return {.action = Hook::Action::Exec,
            .length = from_seconds(seconds),
            .command = {"/bin/sleep", std::to_string(seconds)}};
  }
  static Hook script() { return {.action = Hook::Action::Exec, .command = {"/stop.sh"}}; }

  [[nodiscard]] Diagnosis diagnose(std::optional<Instant> now = std::nullopt) const {
    Case found{.name = "web-1",
               .namespace_name = "shop",
               .pod = gone ? nullptr : &pod,
               .events = events,
               .spec = unknown ? nullptr : &pod.subject};
    if (unknown) return postmortem::diagnose({found, nullptr, now});
    const auto assessment = assess_as_it_is(pod.subject, nullptr, configuration);
    return postmortem::diagnose({found, &assessment, now});
  }
};

// "web needs-longer certain; linkerd-proxy sidecar-order certain"
inline std::string causes(const Diagnosis& diagnosis) {
  std::string text;
  for (const auto& c : diagnosis.conclusions) {
    text += fmt::format("{}{} {} {}", text.empty() ? "" : "; ", c.container, to_string(c.cause),
                        to_string(c.sureness));
  }
  return text;
}

// "leave-grace-period spec.terminationGracePeriodSeconds=51 ok"
inline std::string options(const Diagnosis& diagnosis) {
  std::string text;
  for (const auto& option : diagnosis.options) {
    text += (text.empty() ? "" : "; ") + option.id;
    for (const auto& [key, value] : option.annotations) text += fmt::format(" {}={}", key, value);
    for (const auto& [path, value] : option.fields) text += fmt::format(" {}={}", path, value);
    text += option.is_verified ? " ok" : " untried";
  }
  return text;
}

}  // namespace gracekeeper::postmortem::test
