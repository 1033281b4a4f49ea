#include <gtest/gtest.h>

#include "check_samples.h"
#include "report/baseline.h"

namespace gracekeeper {
namespace {

CheckReport report_of(std::vector<LocatedFinding> findings) {
  CheckReport report{.findings = std::move(findings), .summary = {.files = 1}, .input_errors = {}};
  for (const LocatedFinding& located : report.findings) {
    if (located.finding.severity == Severity::Error) ++report.summary.errors;
    if (located.finding.severity == Severity::Warning) ++report.summary.warnings;
    if (located.finding.severity == Severity::Info) ++report.summary.infos;
  }
  return report;
}

Baseline parsed(std::string_view text) {
  const auto baseline = parse_baseline(text);
  EXPECT_TRUE(baseline) << (baseline ? "" : to_string(baseline.error()));
  return baseline.value_or(Baseline{});
}

TEST(Baseline, IsSortedWithOneFindingALine) {
  EXPECT_EQ(render_baseline(report_of({samples::wait_misplaced(), samples::grace_too_short(),
                                       samples::wait_misplaced()})),
            R"_({
  "version": 1,
  "findings": [
    {"rule":"GK001","file":"web.yaml","object":"Deployment/web","namespace":"shop","container":"web","path":"spec.template.spec.terminationGracePeriodSeconds","severity":"error","count":1},
    {"rule":"GK006","file":"web.yaml","object":"Deployment/web","namespace":"shop","container":null,"path":"metadata.annotations[\"config.linkerd.io/shutdown-grace-period\"]","severity":"warning","count":2}
  ]
}
)_");
  EXPECT_EQ(render_baseline({}), "{\n  \"version\": 1,\n  \"findings\": []\n}\n");
}

TEST(Baseline, ComesBackAsItWasWritten) {
  for (const CheckReport& report :
       {CheckReport{}, samples::everything(), samples::hostile(),
        report_of({samples::grace_too_short(), samples::grace_too_short()})}) {
    EXPECT_EQ(parsed(render_baseline(report)), baseline_of(report));
    const BaselineComparison compared = compare(report, parsed(render_baseline(report)));
    EXPECT_TRUE(compared.fresh.findings.empty());
    EXPECT_EQ(compared.gone, 0);
  }
}

TEST(Baseline, WhoAcceptsAWarningHasNotAcceptedTheError) {
  LocatedFinding warning = samples::grace_too_short();
  warning.finding.severity = Severity::Warning;
  const auto error = report_of({samples::grace_too_short()});
  const BaselineComparison compared = compare(error, parsed(render_baseline(report_of({warning}))));
  EXPECT_EQ(compared.fresh, error);
  EXPECT_EQ(compared.gone, 1);
  // Of two alike the graver one counts; an entry without a severity accepts any.
  EXPECT_TRUE(compare(error, baseline_of(report_of({warning, samples::grace_too_short()})))
                  .fresh.findings.empty());
  EXPECT_TRUE(compare(error, parsed(R"({"version":1,"findings":[{"rule":"GK001","file":"web.yaml",
      "object":"Deployment/web","namespace":"shop","container":"web",
      "path":"spec.template.spec.terminationGracePeriodSeconds"}]})"))
                  .fresh.findings.empty());
}

TEST(Baseline, IgnoresWhereInTheFileAndWithWhichNumbers) {
  LocatedFinding moved = samples::grace_too_short();
  moved.position = {.line = 99, .column = 1};
  moved.file = "./web.yaml";
  moved.finding.message = "other numbers";
  moved.finding.numbers = {};
  moved.finding.severity = Severity::Warning;
  const BaselineComparison compared =
      compare(report_of({moved}), baseline_of(samples::one_error()));
  EXPECT_TRUE(compared.fresh.findings.empty());
  EXPECT_EQ(compared.fresh.summary, (CheckSummary{.files = 1, .known = 1}));
}

TEST(Baseline, TellsFindingsApartByEveryPartOfTheFingerprint) {
  const LocatedFinding known = samples::grace_too_short();
  std::vector<LocatedFinding> others(6, known);
  others[0].finding.rule = "GK002";
  others[1].file = "other.yaml";
  others[2].object = "Deployment/api";
  others[3].namespace_name = "";
  others[4].finding.container = std::nullopt;
  others[5].finding.path = FieldPath{} / "spec";
  for (const LocatedFinding& other : others) {
    const BaselineComparison compared =
        compare(report_of({other}), baseline_of(report_of({known})));
    EXPECT_EQ(compared.fresh.findings, std::vector{other});
    EXPECT_EQ(compared.gone, 1);
    EXPECT_NE(digest(fingerprint(other)), digest(fingerprint(known)));
  }
}

TEST(Baseline, OfTwoAlikeLeavesTheThirdNew) {
  const LocatedFinding alike = samples::wait_misplaced();
  LocatedFinding last = alike;
  last.position.line = 70;
  const BaselineComparison compared =
      compare(report_of({alike, alike, last}), baseline_of(report_of({alike, alike})));
  EXPECT_EQ(compared.fresh.findings, std::vector{last});
  EXPECT_EQ(compared.fresh.summary, (CheckSummary{.files = 1, .warnings = 1, .known = 2}));
  EXPECT_EQ(compared.gone, 0);
}

TEST(Baseline, CountsWhatIsGoneAndKeepsInputErrors) {
  CheckReport report = report_of({samples::prestop_missing()});
  report.input_errors = {samples::bad_yaml()};
  const BaselineComparison compared = compare(
      report, baseline_of(report_of({samples::grace_too_short(), samples::grace_too_short()})));
  EXPECT_EQ(compared.fresh, report);
  EXPECT_EQ(compared.gone, 2);
}

TEST(Baseline, TakesOtherKeysAndLeavesOutWhatIsEmpty) {
  const Baseline expected{.accepted = {{{.rule = "GK001", .file = "web.yaml", .object = "Pod/a"},
                                        {.count = 1, .gravest = Severity::Error}}}};
  EXPECT_EQ(parsed(R"({"version":1,"tool":"x","findings":[
      {"rule":"GK001","file":"./web.yaml","object":"Pod/a","container":null,"reason":"batch"}]})"),
            expected);
}

TEST(Baseline, SaysWhatIsWrongWithAFile) {
  const struct {
    std::string text;
    std::string error;
  } rows[] = {
      {"",
       "line 1, column 1: not valid JSON: expected a baseline as `gracekeeper check` writes it"},
      {"{\n  \"version\": 1,\n  oops",
       "line 3, column 3: not valid JSON: expected a baseline as `gracekeeper check` writes it"},
      {"[]", "expected an object with \"version\" and \"findings\", got array"},
      {"{}", "version: missing: expected 1"},
      {R"({"version":2,"findings":[]})", "version: expected 1, got 2"},
      {R"({"version":1.0,"findings":[]})", "version: expected 1, got 1.0"},
      {R"({"version":1})", "findings: missing: expected a list"},
      {R"({"version":1,"findings":{}})", "findings: expected a list, got object"},
      {R"({"version":1,"findings":[7]})", "findings[0]: expected an object, got number"},
      {R"({"version":1,"findings":[{"rule":"GK001","file":"a"}]})",
       "findings[0].object: missing: expected text"},
      {R"({"version":1,"findings":[{"rule":true}]})",
       "findings[0].rule: expected text, got boolean"},
      {R"({"version":1,"findings":[{"rule":"a","file":"b","object":"c","path":[]}]})",
       "findings[0].path: expected text, got array"},
      {R"({"version":1,"findings":[{"rule":"a","file":"b","object":"c","severity":"grave"}]})",
       R"(findings[0].severity: expected error, warning or info, got "grave")"},
      {R"({"version":1,"findings":[{"rule":"a","file":"b","object":"c","count":0}]})",
       "findings[0].count: expected a whole number from 1 to 1000000, got 0"},
      {R"({"version":1,"findings":[{"rule":"a","file":"b","object":"c","count":-1}]})",
       "findings[0].count: expected a whole number from 1 to 1000000, got -1"},
      {R"({"version":1,"findings":[{"rule":"a","file":"b","object":"c","count":1.5}]})",
       "findings[0].count: expected a whole number from 1 to 1000000, got 1.5"},
  };
  for (const auto& row : rows) {
    const auto baseline = parse_baseline(row.text);
    ASSERT_FALSE(baseline) << row.text;
    EXPECT_EQ(to_string(baseline.error()), row.error);
  }
}

TEST(Baseline, DigestNeverChanges) {
  EXPECT_EQ(digest({}), "708537aad943f66f");
  EXPECT_EQ(digest(fingerprint(samples::grace_too_short())), "53cc18af2d21e357");
  EXPECT_NE(digest({.rule = "a", .file = "bc"}), digest({.rule = "ab", .file = "c"}));
}

TEST(Baseline, FilesHaveOneSpelling) {
  const struct {
    std::string given;
    std::string normal;
  } rows[] = {{"web.yaml", "web.yaml"},
              {"./web.yaml", "web.yaml"},
              {"k8s//a/../b.yaml", "k8s/b.yaml"},
              {"/abs/./x.yaml", "/abs/x.yaml"},
              {"../x.yaml", "../x.yaml"},
              {"<stdin>", "<stdin>"},
              {"", ""}};
  for (const auto& row : rows) EXPECT_EQ(normal_file(row.given), row.normal);
}

}  // namespace
}  // namespace gracekeeper
