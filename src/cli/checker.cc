#include "cli/checker.h"

#include <algorithm>

#include "cli/ignore_comments.h"
#include "decision/decision.h"

namespace gracekeeper::cli {
namespace {

// Collects the findings of one file after the other.
class Checker {
 public:
  Checker(const Policy& policy, const Namespaces& namespaces)
      : policy_(policy), namespaces_(namespaces) {}

  void check(const InputFile& file) {
    ++report_.summary.files;
    file_ = &file;
    for_each_object(
        file, {.object = [&](const FoundObject& found) { look_at(found); },
               .error = [&](Error error) { report_.input_errors.push_back(std::move(error)); }});
  }

  CheckReport take() { return std::move(report_); }
  std::vector<Error>& input_errors() { return report_.input_errors; }

 private:
  void look_at(const FoundObject& found) {
    ++report_.summary.objects;
    if (const auto* subject = std::get_if<Subject>(&found.object)) {
      ++report_.summary.pods;
      const auto* where = find_namespace(namespaces_, subject->namespace_name);
      add(find_in_pod(assess_under(*subject, where, policy_)), found, subject->reference(),
          subject->namespace_name);
    } else if (const auto* where = std::get_if<Namespace>(&found.object)) {
      add(find_in_namespace(*where, policy_), found, "Namespace/" + where->name, "");
    } else {
      ++report_.summary.skipped;
    }
  }

  void add(Findings findings, const FoundObject& found, const std::string& object,
           const std::string& namespace_name) {
    report_.summary.ignored += static_cast<std::int64_t>(findings.ignored);
    for (auto& finding : findings.findings) {
      const auto position = found.document.positions.locate(found.place / finding.path);
      if (is_ignored(found.document, finding.rule, position.line)) {
        ++report_.summary.ignored;
        continue;
      }
      count(report_.summary, finding.severity);
      report_.findings.push_back(
          {.finding = std::move(finding),
           .file = file_->name,
           .position = position,
           .object = object,
           .namespace_name = namespace_name,
           .place = {.document = found.document_index, .path = found.place}});
    }
  }

  const Policy& policy_;
  const Namespaces& namespaces_;
  const InputFile* file_ = nullptr;
  CheckReport report_;
};

}  // namespace

void count(CheckSummary& summary, Severity severity) {
  switch (severity) {
    case Severity::Error:
      ++summary.errors;
      break;
    case Severity::Warning:
      ++summary.warnings;
      break;
    case Severity::Info:
      ++summary.infos;
      break;
  }
}

CheckReport check_inputs(const std::vector<std::string>& paths, const Policy& policy) {
  Inputs inputs(paths);
  return check_inputs(inputs, policy);
}

CheckReport check_inputs(Inputs& inputs, const Policy& policy) {
  const auto namespaces = inputs.namespaces();
  Checker checker(policy, namespaces);
  inputs.for_each_file([&](const InputFile& file) { checker.check(file); }, checker.input_errors());
  return checker.take();
}

}  // namespace gracekeeper::cli
