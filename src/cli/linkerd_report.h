// What `inject --annotate`, `inject --manual` and `uninject` say on standard error, in the words of
// Linkerd's own command line: scripts that read them go on working.
#pragma once

#include <string>
#include <vector>

#include "decision/command_line.h"

namespace gracekeeper::cli {

// One object of the input, or a document that holds none (kind "").
struct ReportedObject {
  std::string kind;  // in lower case: "deployment"
  std::string name;
  bool can_be_annotated = false;  // it has a pod, or is a Namespace or a Service
  bool is_done = false;           // injected, annotated, or uninjected
  bool has_pod = false;
  CommandLineLook look;  // of its pod

  [[nodiscard]] std::string reference() const { return kind + "/" + name; }
};

// Warnings, or with `verbose` all checks with their results; then a line for each object.
std::string render_inject_report(const std::vector<ReportedObject>& objects, bool verbose);
std::string render_uninject_report(const std::vector<ReportedObject>& objects);

// Why an object cannot be injected, where that is an error; empty: it is none.
std::string why_not_injected(const ReportedObject& object);

}  // namespace gracekeeper::cli
