// What each annotation of Linkerd's profile does to a pod, one case for each:
//
//   tests/golden/linkerd/annotations/<name>/
//     input.yaml      a pod (and its Namespace) with the annotation, options in the first line
//     difference.txt  the injected pod without the annotation, and with it
//     report.txt      what `check` prints
//
// <name> is the last part of the key, with `--` and a word where there are several cases; the keys
// of that last part are what the two pods differ in. `all--…` differs in all configuration keys.
//
// After a change, GRACEKEEPER_UPDATE=1 rewrites the results; read the difference.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/checker.h"
#include "cli/inputs.h"
#include "codec/json_patch.h"
#include "codec/unified_diff.h"
#include "codec/yaml_writer.h"
#include "core/annotations.h"
#include "core/proxy.h"
#include "decision/decision.h"
#include "report/check_report.h"
#include "sidecar/linkerd_annotations.h"
#include "support/manifest_policy.h"

namespace gracekeeper {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using testing::policy_for;
using testing::text_of;

fs::path root() { return fs::path(GRACEKEEPER_GOLDEN_DIR) / "linkerd"; }

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Input {
  Json object;
  Subject subject;
  std::optional<Namespace> where;

  [[nodiscard]] const Namespace* known() const { return where ? &*where : nullptr; }
};

Input read_input(const fs::path& path) {
  Input out;
  const auto text = text_of(path);
  cli::for_each_object({path.string(), text},
                       {.object =
                            [&](const cli::FoundObject& found) {
                              if (const auto* where = std::get_if<Namespace>(&found.object))
                                out.where = *where;
                              if (const auto* subject = std::get_if<Subject>(&found.object)) {
                                out.subject = *subject;
                                out.object = Json::parse(found.document.json);
                              }
                            },
                        .error = [](const Error& error) { ADD_FAILURE() << to_string(error); }});
  return out;
}

bool is_tested_by(std::string_view key, std::string_view name) {
  const auto last = key.substr(key.rfind('/') + 1);
  const auto tested = name.substr(0, name.find("--"));
  return tested == "all" ? key.find("config.") == 0 : last == tested;
}

Input without_tested(Input input, std::string_view name) {
  const auto is_tested = [&](const auto& entry) { return is_tested_by(entry.first, name); };
  Json& annotations =
      input.object[Json::json_pointer(to_pointer(input.subject.pod_path / "metadata"))]
                  ["annotations"];
  for (const auto& [key, value] : input.subject.pod.annotations) {
    if (is_tested_by(key, name)) annotations.erase(key);
  }
  std::erase_if(input.subject.pod.annotations, is_tested);
  if (input.where) std::erase_if(input.where->annotations, is_tested);
  return input;
}

std::string injected(const Input& input, const Policy& policy) {
  const auto decision = decide(input.subject, input.known(), policy);
  EXPECT_EQ(decision.refusal, "");
  return to_yaml(
      input.object.patch(to_json_patch(input.subject.pod, decision.edits, input.subject.pod_path)));
}

class LinkerdAnnotation : public ::testing::TestWithParam<std::string> {
 protected:
  fs::path folder() const { return root() / "annotations" / GetParam(); }

  void expect(const std::string& text, const char* file) const {
    if (std::getenv("GRACEKEEPER_UPDATE") != nullptr) {
      std::ofstream(folder() / file, std::ios::binary) << text;
    }
    EXPECT_EQ(text, text_of(folder() / file)) << folder() / file;
  }
};

TEST_P(LinkerdAnnotation, DoesWhatIsPinned) {
  const auto path = folder() / "input.yaml";
  const auto policy = policy_for(path);
  const auto input = read_input(path);
  expect(unified_diff(injected(without_tested(input, GetParam()), policy), injected(input, policy),
                      "without", "with", 1),
         "difference.txt");
  auto report = cli::check_inputs({path.string()}, policy);
  EXPECT_TRUE(report.input_errors.empty());
  for (auto& located : report.findings) located.file = "input.yaml";
  expect(render_check_text(report, {.color = false, .width = 100}), "report.txt");
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  auto name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Cases, LinkerdAnnotation,
                         ::testing::ValuesIn(names_in(root() / "annotations")), test_name);

// ---- nothing is left out

TEST(LinkerdProfile, EveryAnnotationHasItsCase) {
  std::set<std::string, std::less<>> seen;
  for (const auto& name : names_in(root() / "annotations")) {
    if (name.starts_with("all--")) continue;
    const auto input = read_input(root() / "annotations" / name / "input.yaml");
    for (const auto& [key, value] : input.subject.pod.annotations) {
      if (is_tested_by(key, name)) seen.insert(key);
    }
  }
  for (const auto& [key, inherited] : configuration_keys())
    EXPECT_TRUE(seen.contains(key)) << "no case in tests/golden/linkerd/annotations for " << key;
  for (const auto key : {annotation::kJobShutdown, annotation::kAwaitProgram})
    EXPECT_TRUE(seen.contains(key)) << "no case in tests/golden/linkerd/annotations for " << key;
}

TEST(LinkerdProfile, EveryInheritedAnnotationIsInheritedInTheCaseForIt) {
  for (const bool wanted : {true, false}) {
    const auto input = read_input(
        root() / "annotations" / (wanted ? "all--inherited" : "all--not-inherited") / "input.yaml");
    ASSERT_TRUE(input.where);
    for (const auto& [key, inherited] : configuration_keys()) {
      if (inherited == wanted) {
        EXPECT_TRUE(input.where->annotations.contains(key)) << key;
      }
    }
  }
}

// The folder of the case that shows the reason; the switch makes a new reason fail to compile.
const char* case_for(SkipReason reason) {
  switch (reason) {
    case SkipReason::HostNetwork:
      return "host-network";
    case SkipReason::SidecarPresent:
      return "sidecar-present";
    case SkipReason::AnnotationInvalidNamespace:
      return "namespace-invalid";
    case SkipReason::AnnotationInvalidPod:
      return "pod-invalid";
    case SkipReason::AnnotationDisabled:
      return "pod-disabled";
    case SkipReason::AnnotationAbsent:
      return "nobody-asks";
    case SkipReason::NoServiceAccountToken:
      return "no-token";
  }
  return "";
}

TEST(LinkerdProfile, EveryReasonNotToInjectHasItsCase) {
  for (const auto reason :
       {SkipReason::HostNetwork, SkipReason::SidecarPresent, SkipReason::AnnotationInvalidNamespace,
        SkipReason::AnnotationInvalidPod, SkipReason::AnnotationDisabled,
        SkipReason::AnnotationAbsent, SkipReason::NoServiceAccountToken}) {
    const auto path = root() / "decisions" / case_for(reason) / "input.yaml";
    const auto policy = policy_for(path);
    const auto input = read_input(path);
    const auto settings = resolve_settings(input.subject.pod, input.known(), policy.configuration);
    EXPECT_EQ(injection_obstacles(input.subject.pod, settings, policy.configuration),
              std::vector{reason})
        << path;
  }
}

}  // namespace
}  // namespace gracekeeper
