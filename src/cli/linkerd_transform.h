// Manifests as Linkerd's command line would leave them: `linkerd inject` without --manual
// (annotations for the webhook), with it (the proxy itself), and `linkerd uninject`. Objects that
// have no pod stay as they are, except the annotations of Namespaces and Services.
#pragma once

#include <string>
#include <vector>

#include "cli/linkerd_report.h"
#include "core/result.h"
#include "decision/command_line.h"

namespace gracekeeper::cli {

enum class CommandLineMode { Annotate, Manual, Uninject };

struct Transformed {
  std::string manifests;
  std::string diff;
  std::vector<ReportedObject> objects;  // in the order of the input
  // Objects that cannot be injected: "failed to inject deployment/web: hostNetwork is enabled".
  std::vector<std::string> failures;
  std::vector<Error> errors;
};

struct CommandLineJob {
  CommandLineMode mode = CommandLineMode::Annotate;
  CommandLinePlan plan;
  bool uninject_first = true;  // an injection that is there is taken away first
};

Transformed transform_inputs(const std::vector<std::string>& paths, const CommandLineJob& job);

}  // namespace gracekeeper::cli
