// Reports that several of the format tests render.
#pragma once

#include <cstddef>
#include <string>

#include "report/check_report.h"

namespace gracekeeper::samples {

// The example of the documentation: T 30, preStop 5, wait 20, the proxy's default grace.
inline LocatedFinding grace_too_short() {
  return {
      .finding = {.rule = "GK001",
                  .name = "grace-too-short",
                  .severity = Severity::Error,
                  .path =
                      FieldPath{} / "spec" / "template" / "spec" / "terminationGracePeriodSeconds",
                  .container = "web",
                  .message = "terminationGracePeriodSeconds 30 is less than 155 = app 15 "
                             "(container web: preStop 5 + shutdown 10) + wait 20 (annotation) + "
                             "grace 120 (proxy default)",
                  .remedy = "set terminationGracePeriodSeconds to at least 155",
                  .numbers = {{"terminationGracePeriodSeconds", std::int64_t{30}},
                              {"app", Millis{15000}},
                              {"wait", Millis{20000}},
                              {"grace", Millis{120000}},
                              {"need", std::int64_t{155}},
                              {"exactNeed", std::int64_t{140}}}},
      .file = "web.yaml",
      .position = {.line = 14, .column = 7},
      .object = "Deployment/web",
      .namespace_name = "shop"};
}

inline LocatedFinding wait_misplaced() {
  return {.finding = {.rule = "GK006",
                      .name = "annotation-misplaced",
                      .severity = Severity::Warning,
                      .path = FieldPath{} / "metadata" / "annotations" /
                              "config.linkerd.io/shutdown-grace-period",
                      .message = "the annotation is on the Deployment, where nothing reads it",
                      .remedy = "move it to spec.template.metadata.annotations"},
          .file = "web.yaml",
          .position = {.line = 5, .column = 3},
          .object = "Deployment/web",
          .namespace_name = "shop"};
}

inline LocatedFinding prestop_missing() {
  return {.finding = {.rule = "GK010",
                      .name = "prestop-missing",
                      .severity = Severity::Info,
                      .path = FieldPath{} / "spec" / "containers" / std::size_t{0},
                      .container = "api",
                      .message = "container api serves port 8080 and has no preStop hook",
                      .remedy = "add a preStop sleep of a few seconds"},
          .file = "k8s/api.yaml",
          .position = {.line = 9},
          .object = "Pod/api",
          .namespace_name = ""};
}

inline Error bad_yaml() {
  return {.message = "end of the quoted scalar is missing",
          .file = "bad.yaml",
          .position = {.line = 3, .column = 5},
          .path = {}};
}

inline Error wrong_type() {
  return {.message = "expected an integer, got \"19\"",
          .file = "k8s/job.yaml",
          .position = {.line = 12, .column = 36},
          .path = "spec.template.spec.terminationGracePeriodSeconds"};
}

// Nothing was found, but a kind with a pod template was passed over.
inline CheckReport one_unread() {
  return {.findings = {},
          .summary = {.files = 1, .objects = 1, .skipped = 1},
          .input_errors = {},
          .not_read = {{.file = "web.yaml",
                        .position = {.line = 3, .column = 1},
                        .object = "Service/web",
                        .namespace_name = "shop",
                        .api_version = "serving.knative.dev/v1"}}};
}

inline CheckReport clean() {
  return {.findings = {}, .summary = {.files = 1, .objects = 5, .pods = 3}, .input_errors = {}};
}

inline CheckReport one_error() {
  return {.findings = {grace_too_short()},
          .summary = {.files = 1, .objects = 1, .pods = 1, .errors = 1},
          .input_errors = {}};
}

inline CheckReport everything() {
  return {.findings = {wait_misplaced(), grace_too_short(), prestop_missing()},
          .summary = {.files = 4,
                      .objects = 5,
                      .pods = 2,
                      .errors = 1,
                      .warnings = 1,
                      .infos = 1,
                      .ignored = 2,
                      .skipped = 3},
          .input_errors = {bad_yaml(), wrong_type()}};
}

// Every text holds what some format could trip over: quotes, markup, format characters, an escape
// sequence, a newline, a mark that reverses text, a byte that is not UTF-8, a pipe.
inline CheckReport hostile() {
  const std::string text = "\"<b>&\x1b[2J\n|%`\xE2\x80\xAE\xFF]](é";
  LocatedFinding finding = grace_too_short();
  finding.finding.message = text;
  finding.finding.remedy = text;
  finding.finding.container = text;
  finding.finding.path = FieldPath{} / text;
  finding.finding.numbers = {{text, Millis{1}}};
  finding.file = text;
  finding.object = text;
  finding.namespace_name = text;
  return {.findings = {finding},
          .summary = {.files = 1, .objects = 1, .pods = 1, .errors = 1},
          .input_errors = {{.message = text, .file = text, .position = {}, .path = text}}};
}

}  // namespace gracekeeper::samples
