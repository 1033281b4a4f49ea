// Every rule is shown by example: tests/rules/GKNNN/ holds manifests that make it fire (fires.yaml,
// fires-*.yaml), the nearest ones that must not (quiet.yaml, quiet-*.yaml), and expected.txt with
// every finding of the rule in the first. Findings of other rules do not matter here.
//
// A manifest may begin with the options that it is to be checked with (manifest_policy.h).
//
// After a change of words, GRACEKEEPER_UPDATE=1 rewrites expected.txt; read the difference.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

#include "cli/checker.h"
#include "rules/rule.h"
#include "support/manifest_policy.h"

namespace gracekeeper {
namespace {

namespace fs = std::filesystem;

using testing::policy_for;
using testing::text_of;

// The manifests of a folder whose names begin with `prefix`, in the order of their names.
std::vector<fs::path> manifests(const fs::path& folder, std::string_view prefix) {
  std::vector<fs::path> found;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(".yaml")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

struct Checked {
  std::vector<LocatedFinding> findings;  // of the one rule
  std::int64_t pods = 0;
};

Checked check_for(const Rule& rule, const fs::path& manifest) {
  auto report = cli::check_inputs({manifest.string()}, policy_for(manifest));
  for (const auto& error : report.input_errors) ADD_FAILURE() << to_string(error);
  Checked out{.pods = report.summary.pods};
  for (auto& located : report.findings) {
    if (located.finding.rule == rule.id) out.findings.push_back(std::move(located));
  }
  return out;
}

std::string line_of(const LocatedFinding& located) {
  const auto& finding = located.finding;
  return fmt::format("{}:{}: {} {} {} {} {}\n  {}\n  {}\n  {}\n",
                     fs::path(located.file).filename().string(), located.position.line,
                     to_string(finding.severity), finding.rule, located.object,
                     finding.container.value_or("-"), to_string(finding.path), finding.message,
                     finding.remedy, finding.short_message);
}

// Pods of the manifest of which the rule says nothing would hide among those of which it does.
void expect_one_finding_a_pod(const Checked& checked, const fs::path& manifest) {
  std::set<std::string> objects;
  for (const auto& located : checked.findings) {
    if (!located.object.starts_with("Namespace/")) objects.insert(located.object);
  }
  EXPECT_EQ(static_cast<std::int64_t>(objects.size()), checked.pods)
      << manifest << ": every pod must make the rule fire (and have a name of its own)";
}

class RuleCases : public ::testing::TestWithParam<std::string> {
 protected:
  const Rule& rule() const { return *find_rule(GetParam()); }
  fs::path folder() const { return fs::path(GRACEKEEPER_RULES_DIR) / GetParam(); }
};

TEST_P(RuleCases, FiresWithTheExpectedText) {
  std::string text;
  const auto files = manifests(folder(), "fires");
  ASSERT_FALSE(files.empty()) << folder() / "fires.yaml"
                              << " is missing";
  for (const auto& file : files) {
    const auto checked = check_for(rule(), file);
    EXPECT_FALSE(checked.findings.empty()) << file << ": the rule does not fire";
    expect_one_finding_a_pod(checked, file);
    for (const auto& located : checked.findings) {
      EXPECT_EQ(located.finding.name, rule().name);
      EXPECT_LE(located.finding.severity, rule().severity)
          << "the rule's own severity is the gravest that it reports";
      EXPECT_GT(located.position.line, 0);
      text += line_of(located);
    }
  }
  const auto expected = folder() / "expected.txt";
  if (std::getenv("GRACEKEEPER_UPDATE") != nullptr) {
    std::ofstream(expected, std::ios::binary) << text;
  }
  EXPECT_EQ(text, text_of(expected));
}

TEST_P(RuleCases, IsQuiet) {
  const auto files = manifests(folder(), "quiet");
  ASSERT_FALSE(files.empty()) << folder() / "quiet.yaml"
                              << " is missing";
  for (const auto& file : files) {
    const auto checked = check_for(rule(), file);
    EXPECT_GT(checked.pods, 0) << file << " has no pod";
    for (const auto& located : checked.findings) ADD_FAILURE() << line_of(located);
  }
}

std::vector<std::string> ids() {
  std::vector<std::string> out;
  for (const auto& rule : all_rules()) out.emplace_back(rule.id);
  return out;
}

INSTANTIATE_TEST_SUITE_P(AllRules, RuleCases, ::testing::ValuesIn(ids()),
                         [](const auto& rule) { return rule.param; });

// A folder whose rule is gone would be tested by nothing.
TEST(RuleFolders, EveryFolderHasItsRule) {
  for (const auto& entry : fs::directory_iterator(GRACEKEEPER_RULES_DIR)) {
    if (!entry.is_directory()) continue;
    EXPECT_NE(find_rule(entry.path().filename().string()), nullptr) << entry.path();
  }
}

}  // namespace
}  // namespace gracekeeper
