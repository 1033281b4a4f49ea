#include <gtest/gtest.h>

#include "check_samples.h"
#include "report/check_report.h"

namespace gracekeeper {
namespace {

TEST(CheckText, OfOneErrorReadsLikeASentence) {
  EXPECT_EQ(render_check_text(samples::one_error(), {.width = 80}),
            "web.yaml:14: error GK001 grace-too-short  Deployment/web (shop)\n"
            "    terminationGracePeriodSeconds 30 is less than 155 = app 15 (container web:\n"
            "    preStop 5 + shutdown 10) + wait 20 (annotation) + grace 120 (proxy default)\n"
            "  → set terminationGracePeriodSeconds to at least 155\n"
            "\n"
            "1 error in 1 pod (1 object, 1 file)\n");
}

TEST(CheckText, OfCleanInputIsOneLine) {
  EXPECT_EQ(render_check_text(samples::clean(), {}), "No findings in 3 pods (5 objects, 1 file)\n");
}

TEST(CheckText, KeepsTheFindingsOfAnObjectTogether) {
  EXPECT_EQ(render_check_text(samples::everything(), {.width = 60}),
            "web.yaml:5: warning GK006 annotation-misplaced  Deployment/web (shop)\n"
            "    the annotation is on the Deployment, where nothing reads\n"
            "    it\n"
            "  → move it to spec.template.metadata.annotations\n"
            "web.yaml:14: error GK001 grace-too-short  Deployment/web (shop)\n"
            "    terminationGracePeriodSeconds 30 is less than 155 = app\n"
            "    15 (container web: preStop 5 + shutdown 10) + wait 20\n"
            "    (annotation) + grace 120 (proxy default)\n"
            "  → set terminationGracePeriodSeconds to at least 155\n"
            "\n"
            "k8s/api.yaml:9: info GK010 prestop-missing  Pod/api\n"
            "    container api serves port 8080 and has no preStop hook\n"
            "  → add a preStop sleep of a few seconds\n"
            "\n"
            "bad.yaml:3:5: input error\n"
            "    end of the quoted scalar is missing\n"
            "k8s/job.yaml:12:36: input error\n"
            "    spec.template.spec.terminationGracePeriodSeconds:\n"
            "    expected an integer, got \"19\"\n"
            "\n"
            "1 error, 1 warning, 1 info in 2 pods (5 objects, 3 skipped, 4 files); 2 ignored, "
            "2 input errors\n");
}

TEST(CheckText, IsColouredOnlyWhenAsked) {
  EXPECT_EQ(render_check_text(samples::one_error(), {.color = true, .width = 0}),
            "\x1b[1mweb.yaml:14\x1b[0m: \x1b[1;31merror\x1b[0m GK001 grace-too-short  "
            "\x1b[1mDeployment/web (shop)\x1b[0m\n"
            "    terminationGracePeriodSeconds 30 is less than 155 = app 15 (container web: "
            "preStop 5 + shutdown 10) + wait 20 (annotation) + grace 120 (proxy default)\n"
            "  \x1b[1;32m→\x1b[0m set terminationGracePeriodSeconds to at least 155\n"
            "\n"
            "\x1b[1;31m1 error in 1 pod (1 object, 1 file)\x1b[0m\n");
  EXPECT_EQ(render_check_text(samples::clean(), {.color = true}),
            "\x1b[1;32mNo findings in 3 pods (5 objects, 1 file)\x1b[0m\n");
}

TEST(CheckText, IsWrappedAlikeWithAndWithoutColour) {
  for (const int width : {0, 10, 40, 72, 100}) {
    std::string coloured =
        render_check_text(samples::everything(), {.color = true, .width = width});
    for (auto start = coloured.find('\x1b'); start != std::string::npos;
         start = coloured.find('\x1b')) {
      coloured.erase(start, coloured.find('m', start) - start + 1);
    }
    EXPECT_EQ(coloured, render_check_text(samples::everything(), {.width = width})) << width;
  }
}

TEST(CheckText, NamesThePathWhereNoLineIsKnown) {
  CheckReport report = samples::one_error();
  report.findings[0].file = "<stdin>";
  report.findings[0].position = {};
  report.findings[0].finding.message = "too short";
  report.findings[0].finding.remedy = "";
  EXPECT_EQ(render_check_text(report, {}),
            "<stdin>: error GK001 grace-too-short  Deployment/web (shop)\n"
            "    at spec.template.spec.terminationGracePeriodSeconds\n"
            "    too short\n"
            "\n"
            "1 error in 1 pod (1 object, 1 file)\n");
}

TEST(CheckText, CannotSteerTheTerminal) {
  const std::string text = R"("<b>&\x1b[2J\n|%`\u202e)"
                           "\uFFFD]](é";
  EXPECT_EQ(render_check_text(samples::hostile(), {.width = 0}),
            text + ":14: error GK001 grace-too-short  " + text + " (" + text + ")\n    " + text +
                "\n  → " + text + "\n\n" + text + ": input error\n    " + text + ": " + text +
                "\n\n1 error in 1 pod (1 object, 1 file); 1 input error\n");
}

TEST(CheckText, SaysWhatIsMissingWherePodsWereNotRead) {
  using Why = UnreadTemplate::Why;
  CheckReport report = samples::one_unread();
  report.not_read = {
      {.file = "a.yaml",
       .position = {.line = 1, .column = 1},
       .why = Why::NoKind,
       .object = "web",
       .namespace_name = "shop",
       .api_version = "apps/v1"},
      {.file = "b.yaml", .why = Why::NoKind},
      {.file = "c.yaml", .position = {.line = 2, .column = 1}, .why = Why::ListAtTop}};
  EXPECT_EQ(
      render_check_text(report, {.width = 0}),
      "a.yaml:1: not read  web (shop)\n"
      "    an object without a kind, of apps/v1: its pods were not judged; write its kind, with a "
      "small k\n"
      "b.yaml: not read  (no name)\n"
      "    an object without a kind: its pods were not judged; write its kind, with a small k\n"
      "c.yaml:2: not read  (no name)\n"
      "    a list at the top level: its pods were not judged; write a List of kind List, or "
      "documents separated by ---\n"
      "\n"
      "No findings in 0 pods (1 object, 1 skipped, 1 file); 3 pod templates not read\n");
}

TEST(CheckText, NamesPodTemplatesThatWereNotRead) {
  EXPECT_EQ(render_check_text(samples::one_unread(), {.width = 0}),
            "web.yaml:3: not read  Service/web (shop)\n"
            "    a pod template in a kind that is not known, of serving.knative.dev/v1: its pods "
            "were not judged\n"
            "\n"
            "No findings in 0 pods (1 object, 1 skipped, 1 file); 1 pod template not read\n");
  CheckReport report = samples::one_unread();
  report.findings = {samples::prestop_missing()};
  report.input_errors = {samples::bad_yaml()};
  report.not_read.push_back({.file = "<stdin>", .object = "Job/x"});
  EXPECT_EQ(
      render_check_text(report, {.width = 0}),
      "k8s/api.yaml:9: info GK010 prestop-missing  Pod/api\n"
      "    container api serves port 8080 and has no preStop hook\n"
      "  → add a preStop sleep of a few seconds\n"
      "\n"
      "web.yaml:3: not read  Service/web (shop)\n"
      "    a pod template in a kind that is not known, of serving.knative.dev/v1: its pods "
      "were not judged\n"
      "<stdin>: not read  Job/x\n"
      "    a pod template in a kind that is not known: its pods were not judged\n"
      "\n"
      "bad.yaml:3:5: input error\n"
      "    end of the quoted scalar is missing\n"
      "\n"
      "No findings in 0 pods (1 object, 1 skipped, 1 file); 2 pod templates not read, 1 input "
      "error\n");
}

TEST(CheckText, SummaryReadsWellInSingularAndPlural) {
  const struct {
    CheckSummary summary;
    std::string sentence;
  } rows[] = {
      {{}, "No findings in 0 pods (0 objects, 0 files)"},
      {{.files = 1, .objects = 1, .pods = 1}, "No findings in 1 pod (1 object, 1 file)"},
      {{.files = 1, .objects = 5, .pods = 3, .errors = 1, .warnings = 2},
       "1 error, 2 warnings in 3 pods (5 objects, 1 file)"},
      {{.files = 2, .objects = 9, .pods = 1, .errors = 2, .warnings = 1, .infos = 2},
       "2 errors, 1 warning, 2 infos in 1 pod (9 objects, 2 files)"},
      {{.files = 2, .objects = 9, .pods = 1, .infos = 1, .ignored = 1, .skipped = 8, .known = 3},
       "1 info in 1 pod (9 objects, 8 skipped, 2 files); 1 ignored, 3 in the baseline"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(summary_sentence({.findings = {}, .summary = row.summary, .input_errors = {}}),
              row.sentence);
  }
}

TEST(CheckText, InputErrorsAreOneLineEach) {
  EXPECT_EQ(render_input_errors(samples::everything()),
            "bad.yaml:3:5: end of the quoted scalar is missing\n"
            "k8s/job.yaml:12:36: spec.template.spec.terminationGracePeriodSeconds: expected an "
            "integer, got \"19\"\n");
  EXPECT_EQ(render_input_errors(samples::clean()), "");
  const CheckReport report{
      .findings = {},
      .summary = {},
      .input_errors = {{.message = "a\nb\x1b[0m", .file = "x", .position = {}, .path = {}}}};
  EXPECT_EQ(render_input_errors(report), "x: a\\nb\\x1b[0m\n");
}

}  // namespace
}  // namespace gracekeeper
