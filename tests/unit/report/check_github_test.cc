#include <algorithm>
#include <gtest/gtest.h>

#include "check_samples.h"
#include "report/check_report.h"

namespace gracekeeper {
namespace {

TEST(CheckGithub, AnnotatesLines) {
  EXPECT_EQ(
      render_check_github(samples::everything()),
      "::warning file=web.yaml,line=5,title=GK006 annotation-misplaced::Deployment/web (shop): the "
      "annotation is on the Deployment, where nothing reads it%0A→ move it to "
      "spec.template.metadata.annotations\n"
      "::error file=web.yaml,line=14,title=GK001 grace-too-short::Deployment/web (shop): "
      "terminationGracePeriodSeconds 30 is less than 155 = app 15 (container web: preStop 5 + "
      "shutdown 10) + wait 20 (annotation) + grace 120 (proxy default)%0A→ set "
      "terminationGracePeriodSeconds to at least 155\n"
      "::notice file=k8s/api.yaml,line=9,title=GK010 prestop-missing::Pod/api: container api "
      "serves "
      "port 8080 and has no preStop hook%0A→ add a preStop sleep of a few seconds\n"
      "::error file=bad.yaml,line=3,col=5,title=input error::bad.yaml:3:5: end of the quoted "
      "scalar "
      "is missing\n"
      "::error file=k8s/job.yaml,line=12,col=36,title=input error::k8s/job.yaml:12:36: "
      "spec.template.spec.terminationGracePeriodSeconds: expected an integer, got \"19\"\n"
      "1 error, 1 warning, 1 info in 2 pods (5 objects, 3 skipped, 4 files); 2 ignored, 2 input "
      "errors\n");
}

TEST(CheckGithub, OfCleanInputIsTheSummary) {
  EXPECT_EQ(render_check_github(samples::clean()), "No findings in 3 pods (5 objects, 1 file)\n");
}

TEST(CheckGithub, NoticesPodTemplatesThatWereNotRead) {
  EXPECT_EQ(render_check_github(samples::one_unread()),
            "::notice file=web.yaml,line=3,title=not read::Service/web (shop): a pod template in a "
            "kind that is not known, of serving.knative.dev/v1: its pods were not judged\n"
            "No findings in 0 pods (1 object, 1 skipped, 1 file); 1 pod template not read\n");
}

TEST(CheckGithub, EscapesPropertiesAndData) {
  LocatedFinding located = samples::grace_too_short();
  located.file = "./a,b:c%20.yaml";
  located.finding.message = "50% of: a, b\n::error::forged\r\x1b[0m";
  located.finding.remedy = "";
  const CheckReport report{.findings = {located}, .summary = {.errors = 1}, .input_errors = {}};
  EXPECT_EQ(render_check_github(report),
            "::error file=a%2Cb%3Ac%2520.yaml,line=14,title=GK001 grace-too-short::Deployment/web "
            "(shop): 50%25 of: a, b\\n::error::forged\\r\\x1b[0m\n"
            "1 error in 0 pods (0 objects, 0 files)\n");
}

TEST(CheckGithub, GivesNoPlaceForStandardInput) {
  LocatedFinding located = samples::prestop_missing();
  located.file = "<stdin>";
  const CheckReport report{
      .findings = {located},
      .summary = {.infos = 1},
      .input_errors = {
          {.message = "no space left", .file = "<stdin>", .position = {.line = 2}, .path = {}}}};
  EXPECT_EQ(render_check_github(report),
            "::notice title=GK010 prestop-missing::Pod/api: container api serves port 8080 and has "
            "no preStop hook%0A→ add a preStop sleep of a few seconds\n"
            "::error title=input error::<stdin>:2: no space left\n"
            "1 info in 0 pods (0 objects, 0 files); 1 input error\n");
}

TEST(CheckGithub, KeepsOneLineACommandWhateverTheInputHolds) {
  const std::string out = render_check_github(samples::hostile());
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
  EXPECT_EQ(out.find('\xFF'), std::string::npos);
}

}  // namespace
}  // namespace gracekeeper
