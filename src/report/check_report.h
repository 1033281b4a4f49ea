// Everything that `gracekeeper check` prints, as pure functions from a report to text.
//
//   CheckReport report = …;                     // findings in the order in which they are to be
//   shown std::cout << render_check_text(report, {.color = true, .width = 100});
//
//   web.yaml:14: warning GK001 grace-too-short  Deployment/web (shop)
//       terminationGracePeriodSeconds 30 is less than 155 = app 15 (container web: preStop 5 +
//       shutdown 10) + wait 20 (annotation) + grace 120 (proxy default)
//     → set terminationGracePeriodSeconds to at least 155
//
//   1 warning in 1 pod (1 object, 1 file)
//
// Names, messages and paths come from files that nobody has vetted: every format keeps its shape
// whatever they hold (quotes, control characters, bytes that are not UTF-8).
//
// To add a format, you must: declare it here, write check_<format>.cc, and test whole outputs in
// tests/unit/report/check_<format>_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/field_path.h"
#include "core/finding.h"
#include "core/result.h"
#include "report/terminal.h"

namespace gracekeeper {

// The object of a finding inside its file, for whoever edits it.
struct ObjectPlace {
  std::size_t document = 0;  // which of the file's, from 0; those that do not parse count too
  FieldPath path;            // from the document to the object: empty, or items[3]
  bool operator==(const ObjectPlace&) const = default;
};

// A finding and where it was written.
struct LocatedFinding {
  Finding finding;
  std::string file;            // as the user named it; "<stdin>" for standard input
  Position position;           // line 0: unknown
  std::string object;          // "Deployment/web"
  std::string namespace_name;  // "" when the object names none
  ObjectPlace place = {};
  bool operator==(const LocatedFinding&) const = default;
};

struct CheckSummary {
  std::int64_t files = 0;
  std::int64_t objects = 0;  // items of Lists one by one
  std::int64_t pods = 0;     // objects that are or make pods
  std::int64_t errors = 0;
  std::int64_t warnings = 0;
  std::int64_t infos = 0;
  std::int64_t ignored = 0;  // left out by an annotation or a comment
  std::int64_t skipped = 0;  // objects without a pod, Namespaces aside
  // Left out because the baseline has them. In the sentences for people only: the keys of the JSON
  // are fixed.
  std::int64_t known = 0;
  bool operator==(const CheckSummary&) const = default;
};

// What makes pods, or would, in a way that is not known: nobody looked at its pods.
struct UnreadTemplate {
  enum class Why { UnknownKind, NoKind, ListAtTop };
  std::string file;
  Position position;
  Why why = Why::UnknownKind;
  std::string object;  // "Service/web"; without a kind "web"; "" where there is not even a name
  std::string namespace_name;
  std::string api_version;  // "serving.knative.dev/v1"
  bool operator==(const UnreadTemplate&) const = default;
};

struct CheckReport {
  std::vector<LocatedFinding> findings;  // every format keeps this order
  CheckSummary summary;
  std::vector<Error> input_errors;            // what could not be read
  std::vector<UnreadTemplate> not_read = {};  // no findings: they change no exit code
  // What is wrong beside the objects, for standard error alone: in no format, without exit code.
  std::vector<Error> notes = {};
  bool operator==(const CheckReport&) const = default;
};

// What a format says about a rule beside its findings; the views must outlive the call.
struct RuleInfo {
  std::string_view id;    // "GK001"
  std::string_view name;  // "grace-too-short"
  Severity severity = Severity::Warning;
  std::string_view summary;  // one line: fires when …
  std::string_view cause;
  std::string_view remedy;
  std::string_view example;  // YAML that makes it fire
};

inline constexpr std::string_view kStandardInput = "<stdin>";

// One line: {"findings":[…],"summary":{…}}, and "inputErrors":[…] and "notRead":[…] where there are
// any. Whole numbers are exact at any size, times are seconds with at most three decimals. The
// summary's errors are findings: what could not be read is in inputErrors alone, where a line or
// column of 0 is one that is not known.
std::string render_check_json(const CheckReport& report);

std::string render_check_text(const CheckReport& report, TextStyle style);

// SARIF 2.1.0 (OASIS), with what code hosts need to show a finding in place. `rules` are listed
// whether they fired or not; `version` is this program's.
std::string render_check_sarif(const CheckReport& report, std::span<const RuleInfo> rules,
                               std::string_view version);

// JUnit XML: a suite per file, a test per finding. Errors and warnings are failures, infos are
// skipped tests (shown, but nothing turns red), input errors are errors.
std::string render_check_junit(const CheckReport& report);

// GitHub Actions workflow commands: annotations on the lines of a pull request.
std::string render_check_github(const CheckReport& report);

// A comment for a pull request, cut to what a code host takes.
std::string render_check_markdown(const CheckReport& report);

// One line each: "bad.yaml:3:5: spec.replicas: expected an integer". Empty without input errors.
std::string render_input_errors(const CheckReport& report);

// "web.yaml:9: note: gracekeeper:ignore: there is no rule …". Empty without notes.
std::string render_notes(const CheckReport& report);

// "1 error, 2 warnings in 3 pods (5 objects, 1 file)"; "No findings in …" when there are none.
std::string summary_sentence(const CheckReport& report);

// "Deployment/web (shop)", or "Deployment/web" without a namespace.
std::string object_label(const LocatedFinding& located);
// "(no name)" where there is none.
std::string object_label(const UnreadTemplate& unread);

// "a pod template in a kind that is not known, of serving.knative.dev/v1: its pods were not judged"
std::string why_not_read(const UnreadTemplate& unread);

}  // namespace gracekeeper
