#include "postmortem/target.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

namespace gracekeeper::postmortem {
namespace {

struct KindName {
  std::string_view kind;
  std::array<std::string_view, 3> words;  // as kubectl takes them
};

constexpr std::array<KindName, 6> kKinds{{
    {"Pod", {"pod", "pods", "po"}},
    {"Deployment", {"deployment", "deployments", "deploy"}},
    {"StatefulSet", {"statefulset", "statefulsets", "sts"}},
    {"DaemonSet", {"daemonset", "daemonsets", "ds"}},
    {"ReplicaSet", {"replicaset", "replicasets", "rs"}},
    {"Job", {"job", "jobs", "job"}},
}};

// The letters that Kubernetes makes names' random ends of (apimachinery/pkg/util/rand).
constexpr std::string_view kNameLetters = "bcdfghjklmnpqrstvwxz2456789";

bool is_random_end(std::string_view text) {
  return text.size() == 5 && text.find_first_not_of(kNameLetters) == std::string_view::npos;
}
bool is_template_hash(std::string_view text) {
  return !text.empty() && text.size() <= 10 &&
         text.find_first_not_of(kNameLetters) == std::string_view::npos;
}
bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::pair<std::string_view, std::string_view> split_last(std::string_view name) {
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return {};
  return {name.substr(0, dash), name.substr(dash + 1)};
}

bool matches(const Subject& subject, const OwnerName& owner, std::string_view namespace_name) {
  return subject.kind_name == owner.kind && subject.name == owner.name &&
         (subject.namespace_name.empty() || subject.namespace_name == namespace_name);
}

const Subject* find_workload(const Evidence& evidence, const OwnerName& owner,
                             std::string_view namespace_name) {
  for (const auto& workload : evidence.workloads) {
    if (matches(workload, owner, namespace_name)) return &workload;
  }
  return nullptr;
}

const OwnerReference* controller_of(const Pod& pod) {
  for (const auto& owner : pod.owners) {
    if (owner.controller) return &owner;
  }
  return nullptr;
}

// What people edit: a Deployment in place of the ReplicaSet that it made.
OwnerName editable(const OwnerName& owner) {
  if (owner.kind != "ReplicaSet") return owner;
  const auto [base, end] = split_last(owner.name);
  return is_template_hash(end) ? OwnerName{"Deployment", std::string(base)} : owner;
}

OwnerName editable_owner(const Pod& pod) {
  const auto* controller = controller_of(pod);
  if (controller == nullptr) return {};
  OwnerName owner{controller->kind, controller->name};
  // A ReplicaSet without that label was made by hand.
  if (owner.kind == "ReplicaSet" && !pod.labels.contains("pod-template-hash")) return owner;
  return editable(owner);
}

bool is_of(const Target& target, const OwnerName& owner) {
  return owner.kind == target.kind && owner.name == target.name;
}

bool is_meant(const Target& target, const Case& one) {
  if (target.kind.empty()) return true;
  if (target.kind == "Pod") return one.name == target.name;
  if (one.pod != nullptr) {
    const auto& pod = one.pod->subject.pod;
    const auto* controller = controller_of(pod);
    if (controller == nullptr) return false;
    return is_of(target, {controller->kind, controller->name}) ||
           is_of(target, editable_owner(pod));
  }
  const auto owners = possible_owners(one.name);
  return std::any_of(owners.begin(), owners.end(),
                     [&](const OwnerName& owner) { return is_of(target, owner); });
}

Instant newest(const Case& one) {
  Instant time{};
  if (one.pod != nullptr && one.pod->record.created) time = *one.pod->record.created;
  for (const auto& event : one.events) {
    if (event.last) time = std::max(time, *event.last);
  }
  return time;
}

class Selector {
 public:
  Selector(const Evidence& evidence, const Target& target, std::string_view namespace_name)
      : evidence_(evidence), target_(target), namespace_(namespace_name) {}

  std::vector<Case> select() {
    for (const auto& pod : evidence_.pods) {
      const auto& subject = pod.subject;
      if (!in_namespace(subject.namespace_name)) continue;
      auto& one = find(subject.name, subject.namespace_name, pod.record.uid);
      one.pod = &pod;
    }
    for (const auto& event : evidence_.events) {
      if (event.kind != "Pod" || !in_namespace(event.namespace_name)) continue;
      find(event.name, event.namespace_name, event.uid).events.push_back(event);
    }
    std::erase_if(cases_, [&](const Case& one) { return !is_meant(target_, one); });
    for (auto& one : cases_) complete(one);
    std::stable_sort(cases_.begin(), cases_.end(),
                     [](const Case& a, const Case& b) { return newest(a) > newest(b); });
    return std::move(cases_);
  }

 private:
  [[nodiscard]] bool in_namespace(std::string_view name) const {
    return namespace_.empty() || name.empty() || name == namespace_;
  }

  // Evidence that was written down by hand may be without uids: then the name decides.
  Case& find(const std::string& name, const std::string& where, const std::string& uid) {
    const auto found = std::find_if(cases_.begin(), cases_.end(), [&](const Case& one) {
      return one.name == name && (one.namespace_name == where || where.empty()) &&
             (one.uid == uid || one.uid.empty() || uid.empty());
    });
    if (found != cases_.end()) return *found;
    cases_.push_back({.name = name, .namespace_name = where, .uid = uid});
    return cases_.back();
  }

  void complete(Case& one) {
    std::stable_sort(one.events.begin(), one.events.end(),
                     [](const EventRecord& a, const EventRecord& b) { return a.first < b.first; });
    if (const auto found = evidence_.namespaces.find(one.namespace_name);
        found != evidence_.namespaces.end())
      one.where = &found->second;
    if (one.pod != nullptr) {
      one.spec = &one.pod->subject;
      const auto owner = editable_owner(one.spec->pod);
      if (!owner.kind.empty()) one.owner = owner.kind + "/" + owner.name;
      return;
    }
    for (const auto& owner : possible_owners(one.name)) {
      one.spec = find_workload(evidence_, owner, one.namespace_name);
      if (one.spec == nullptr) continue;
      const auto edited = editable(owner);
      one.owner = edited.kind + "/" + edited.name;
      return;
    }
    // The next pod of the same name is made from the same template, most of the time.
    for (const auto& pod : evidence_.pods) {
      if (pod.subject.name != one.name || pod.subject.namespace_name != one.namespace_name)
        continue;
      one.spec = &pod.subject;
      const auto owner = editable_owner(one.spec->pod);
      if (!owner.kind.empty()) one.owner = owner.kind + "/" + owner.name;
    }
  }

  const Evidence& evidence_;
  const Target& target_;
  std::string_view namespace_;
  std::vector<Case> cases_;
};

}  // namespace

Result<Target> parse_target(std::string_view text) {
  const auto slash = text.find('/');
  const auto word =
      slash == std::string_view::npos ? std::string_view("pod") : text.substr(0, slash);
  const auto name = slash == std::string_view::npos ? text : text.substr(slash + 1);
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  // Names get into URLs and selectors: only what a DNS subdomain may hold.
  const bool is_name =
      !name.empty() &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string_view::npos &&
      name.front() != '.' && name.front() != '-';
  if (!is_name)
    return fail(
        fmt::format("\"{}\" is no pod's name: write NAME, pod/NAME or "
                    "deployment/NAME",
                    text));
  for (const auto& known : kKinds) {
    if (std::find(known.words.begin(), known.words.end(), lower) != known.words.end())
      return Target{std::string(known.kind), std::string(name)};
  }
  return fail(
      fmt::format("\"{}\": pods of a {} cannot be found; write pod, deployment, "
                  "statefulset, daemonset, replicaset or job before the name",
                  text, word));
}

std::vector<OwnerName> possible_owners(std::string_view pod_name) {
  std::vector<OwnerName> owners;
  const auto [base, end] = split_last(pod_name);
  if (base.empty()) return owners;
  const std::string name(base);
  if (is_random_end(end)) {
    owners.push_back({"ReplicaSet", name});
    if (const auto [deployment, hash] = split_last(base); is_template_hash(hash))
      owners.push_back({"Deployment", std::string(deployment)});
    owners.push_back({"DaemonSet", name});
    owners.push_back({"Job", name});
    // An Indexed Job's pods have their index before the random end.
    if (const auto [job, index] = split_last(base); is_number(index))
      owners.push_back({"Job", std::string(job)});
  }
  if (is_number(end)) owners.push_back({"StatefulSet", name});
  return owners;
}

std::vector<Case> select_cases(const Evidence& evidence, const Target& target,
                               std::string_view namespace_name) {
  return Selector(evidence, target, namespace_name).select();
}

}  // namespace gracekeeper::postmortem
