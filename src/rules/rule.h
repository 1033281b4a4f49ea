// A rule: one kind of finding, with what a person needs to know about it and a pure function that
// finds it. One rule, one file; the registry (registry.cc) has one line for each.
//
// To add a rule, you must: write its file gkNNN_name.cc with one function returning its Rule, add
// the line to the registry, and add tests/rules/GKNNN/ with fires.yaml, quiet.yaml and
// expected.txt. docs/rules.md is generated from the registry.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/assessment.h"
#include "core/finding.h"

namespace gracekeeper {

struct Rule {
  std::string_view id;       // "GK001"
  std::string_view name;     // "grace-too-short"
  Severity severity;         // the gravest that it reports
  std::string_view summary;  // one line: fires when …
  std::string_view cause;    // why it matters: what happens in the pod
  std::string_view example;  // YAML that makes it fire
  std::string_view remedy;   // what to do
  // Of a pod; nullptr: the rule says nothing about pods.
  std::vector<Finding> (*check_pod)(const Assessment&) = nullptr;
  // Of a Namespace's own annotations; nullptr: the rule says nothing about them.
  std::vector<Finding> (*check_namespace)(const Namespace&, const Configuration&) = nullptr;
};

// All rules in the order of their ids.
std::span<const Rule> all_rules();
const Rule* find_rule(std::string_view id);

// GK004's finding about a Namespace's annotation, for whoever knows more annotations than the core.
Finding invalid_annotation_value(const DroppedValue& dropped);

}  // namespace gracekeeper
