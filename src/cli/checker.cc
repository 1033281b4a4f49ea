#include "cli/checker.h"

#include <iterator>
#include <utility>

#include "cli/ignore_comments.h"
#include "decision/decision.h"
#include "io/parallel.h"

namespace gracekeeper::cli {
namespace {

template <typename T>
void append(std::vector<T>& list, std::vector<T> more) {
  list.insert(list.end(), std::make_move_iterator(more.begin()),
              std::make_move_iterator(more.end()));
}

// Collects the findings of one file.
class Checker {
 public:
  Checker(const Policy& policy, const Namespaces& namespaces, const std::string& file)
      : policy_(policy), namespaces_(namespaces), file_(file) {}

  CheckReport check(const Inputs& inputs, std::size_t index, Progress* progress) {
    const bool was_read = inputs.for_each_object(
        index, {.object = [&](const FoundObject& found) { look_at(found); },
                .document =
                    [&](const Document& document) {
                      append(report_.notes, find_unknown_rules(document, file_));
                      if (progress != nullptr) progress->document_done();
                    },
                .error = [&](Error error) { report_.input_errors.push_back(std::move(error)); }});
    if (was_read) ++report_.summary.files;
    if (progress != nullptr) progress->file_done();
    return std::move(report_);
  }

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
      const auto* other = std::get_if<OtherObject>(&found.object);
      if (other != nullptr && other->has_pod_template) note_unread(*other, found);
    }
  }

  void note_unread(const OtherObject& other, const FoundObject& found) {
    using Why = UnreadTemplate::Why;
    report_.not_read.push_back(
        {.file = file_,
         .position = found.document.positions.locate(found.place),
         .why = other.is_list        ? Why::ListAtTop
                : other.kind.empty() ? Why::NoKind
                                     : Why::UnknownKind,
         .object = other.kind.empty() ? other.name : other.kind + "/" + other.name,
         .namespace_name = other.namespace_name,
         .api_version = other.api_version});
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
           .file = file_,
           .position = position,
           .object = object,
           .namespace_name = namespace_name,
           .place = {.document = found.document_index, .path = found.place}});
    }
  }

  const Policy& policy_;
  const Namespaces& namespaces_;
  const std::string& file_;
  CheckReport report_;
};

void add(CheckSummary& sum, const CheckSummary& more) {
  for (const auto member : {&CheckSummary::files, &CheckSummary::objects, &CheckSummary::pods,
                            &CheckSummary::errors, &CheckSummary::warnings, &CheckSummary::infos,
                            &CheckSummary::ignored, &CheckSummary::skipped, &CheckSummary::known})
    sum.*member += more.*member;
}

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
  return check_inputs(Inputs(paths), policy);
}

CheckReport check_inputs(const Inputs& inputs, const Policy& policy, Progress* progress) {
  io::Watch watch;
  if (progress != nullptr) watch = {Progress::kPeriod, [progress] { progress->show(); }};
  const auto namespaces = inputs.namespaces(watch);
  std::vector<CheckReport> of_files(inputs.size());
  io::for_each_index(
      inputs.size(),
      [&](std::size_t index) {
        of_files[index] =
            Checker(policy, namespaces, inputs.name(index)).check(inputs, index, progress);
      },
      watch);
  CheckReport report;
  report.input_errors = inputs.listing_errors();
  for (auto& of_file : of_files) {
    add(report.summary, of_file.summary);
    append(report.findings, std::move(of_file.findings));
    append(report.input_errors, std::move(of_file.input_errors));
    append(report.not_read, std::move(of_file.not_read));
    append(report.notes, std::move(of_file.notes));
  }
  return report;
}

}  // namespace gracekeeper::cli
