#include <gtest/gtest.h>

#include "check_samples.h"
#include "report/check_report.h"

namespace gracekeeper {
namespace {

TEST(CheckMarkdown, IsATableAndAList) {
  EXPECT_EQ(
      render_check_markdown(samples::everything()),
      "### Gracekeeper\n\n"
      "1 error, 1 warning, 1 info in 2 pods (5 objects, 3 skipped, 4 files); 2 ignored, 2 input "
      "errors\n\n"
      "| Severity | Finding | Where | What is wrong, and what to do |\n"
      "|---|---|---|---|\n"
      "| warning | GK006 annotation-misplaced | `Deployment/web (shop)`<br>`web.yaml:5` | the "
      "annotation is on the Deployment, where nothing reads it<br>→ move it to "
      "spec.template.metadata.annotations |\n"
      "| **error** | GK001 grace-too-short | `Deployment/web (shop)`<br>`web.yaml:14` | "
      "terminationGracePeriodSeconds 30 is less than 155 = app 15 (container web: preStop 5 + "
      "shutdown 10) + wait 20 (annotation) + grace 120 (proxy default)<br>→ set "
      "terminationGracePeriodSeconds to at least 155 |\n"
      "| info | GK010 prestop-missing | `Pod/api`<br>`k8s/api.yaml:9` | container api serves port "
      "8080 and has no preStop hook<br>→ add a preStop sleep of a few seconds |\n\n"
      "**Could not be read**\n\n"
      "- `bad.yaml:3:5`: end of the quoted scalar is missing\n"
      "- `k8s/job.yaml:12:36`: spec.template.spec.terminationGracePeriodSeconds: expected an "
      "integer, got \"19\"\n");
}

TEST(CheckMarkdown, OfCleanInputIsOneSentence) {
  EXPECT_EQ(render_check_markdown(samples::clean()),
            "### Gracekeeper\n\nNo findings in 3 pods (5 objects, 1 file)\n");
}

TEST(CheckMarkdown, ListsPodTemplatesThatWereNotRead) {
  EXPECT_EQ(render_check_markdown(samples::one_unread()),
            "### Gracekeeper\n\n"
            "No findings in 0 pods (1 object, 1 skipped, 1 file); 1 pod template not read\n"
            "\n**Not read**\n\n"
            "- `web.yaml:3`: `Service/web (shop)`: a pod template in a kind that is not known, of "
            "serving.knative.dev/v1: its pods were not judged\n");
}

TEST(CheckMarkdown, EscapesMarkup) {
  LocatedFinding located = samples::grace_too_short();
  located.file = "a|b`c.yaml";
  located.object = "Pod/a|b";
  located.namespace_name = "";
  located.finding.message = "a | b <img src=x> & `c` [d](e) *f* _g_ ~h~ #1 $i$ \\ @someone x@sha\n";
  located.finding.remedy = "";
  const CheckReport report{.findings = {located}, .summary = {.errors = 1}, .input_errors = {}};
  EXPECT_EQ(
      render_check_markdown(report),
      "### Gracekeeper\n\n"
      "1 error in 0 pods (0 objects, 0 files)\n\n"
      "| Severity | Finding | Where | What is wrong, and what to do |\n"
      "|---|---|---|---|\n"
      "| **error** | GK001 grace-too-short | Pod/a\\|b<br>a\\|b\\`c.yaml:14 | a \\| b &lt;img "
      "src=x&gt; &amp; \\`c\\` \\[d\\](e) \\*f\\* \\_g\\_ \\~h\\~ \\#1 \\$i\\$ \\\\ "
      "@\u200Bsomeone x@sha\\\\n |\n");
}

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(CheckMarkdown, IsCutToWhatACommentTakes) {
  CheckReport report = samples::everything();
  report.findings.assign(1000, samples::grace_too_short());
  report.input_errors.assign(1000, samples::bad_yaml());
  const std::string out = render_check_markdown(report);
  EXPECT_LT(out.size(), 65'536U);
  const std::size_t rows = count_of(out, "| **error** |");
  const std::size_t items = count_of(out, "- `bad.yaml:3:5`");
  EXPECT_GT(rows, 100U);
  EXPECT_GT(items, 100U);
  EXPECT_EQ(count_of(out, "\n\n… and " + std::to_string(1000 - rows) + " more findings\n\n"), 1U);
  EXPECT_TRUE(out.ends_with("\n\n… and " + std::to_string(1000 - items) + " more input errors\n"));
}

}  // namespace
}  // namespace gracekeeper
