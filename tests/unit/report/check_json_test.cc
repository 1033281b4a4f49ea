#include <gtest/gtest.h>
#include <limits>

#include "check_samples.h"
#include "report/check_report.h"
#include "report/json_text.h"

namespace gracekeeper {
namespace {

TEST(CheckJson, IsTheContract) {
  EXPECT_EQ(
      render_check_json(samples::one_error()),
      R"_({"findings":[{"rule":"GK001","name":"grace-too-short","severity":"error","file":"web.yaml","line":14,"object":"Deployment/web",)_"
      R"_("namespace":"shop","container":"web","path":"spec.template.spec.terminationGracePeriodSeconds",)_"
      R"_("message":"terminationGracePeriodSeconds 30 is less than 155 = app 15 (container web: preStop 5 + shutdown 10) + wait 20 (annotation) + grace 120 (proxy default)",)_"
      R"_("remedy":"set terminationGracePeriodSeconds to at least 155",)_"
      R"_("numbers":{"terminationGracePeriodSeconds":30,"app":15,"wait":20,"grace":120,"need":155,"exactNeed":140}}],)_"
      R"_("summary":{"files":1,"objects":1,"pods":1,"errors":1,"warnings":0,"infos":0,"ignored":0,"skipped":0}})_"
      "\n");
}

TEST(CheckJson, SaysNullForNoContainerAndKeepsEmptyNumbers) {
  const CheckReport report{.findings = {samples::wait_misplaced()},
                           .summary = {.warnings = 1, .ignored = 2, .skipped = 3, .known = 4},
                           .input_errors = {samples::bad_yaml()}};
  EXPECT_EQ(
      render_check_json(report),
      R"_({"findings":[{"rule":"GK006","name":"annotation-misplaced","severity":"warning","file":"web.yaml","line":5,"object":"Deployment/web",)_"
      R"_("namespace":"shop","container":null,"path":"metadata.annotations[\"config.linkerd.io/shutdown-grace-period\"]",)_"
      R"_("message":"the annotation is on the Deployment, where nothing reads it",)_"
      R"_("remedy":"move it to spec.template.metadata.annotations","numbers":{}}],)_"
      R"_("summary":{"files":0,"objects":0,"pods":0,"errors":0,"warnings":1,"infos":0,"ignored":2,"skipped":3},)_"
      R"_("inputErrors":[{"file":"bad.yaml","line":3,"column":5,"path":"","message":"end of the quoted scalar is missing"}]})_"
      "\n");
}

TEST(CheckJson, OfNothingHasAnEmptyList) {
  EXPECT_EQ(render_check_json({}),
            R"_({"findings":[],"summary":{"files":0,"objects":0,"pods":0,"errors":0,"warnings":0,)_"
            R"_("infos":0,"ignored":0,"skipped":0}})_"
            "\n");
}

TEST(CheckJson, SaysWhatCouldNotBeRead) {
  const CheckReport report{
      .findings = {},
      .summary = {},
      .input_errors = {
          samples::wrong_type(),
          {.message = "No such file", .file = "none.yaml", .position = {}, .path = {}}}};
  EXPECT_EQ(
      render_check_json(report),
      R"_({"findings":[],"summary":{"files":0,"objects":0,"pods":0,"errors":0,"warnings":0,"infos":0,"ignored":0,"skipped":0},)_"
      R"_("inputErrors":[{"file":"k8s/job.yaml","line":12,"column":36,"path":"spec.template.spec.terminationGracePeriodSeconds",)_"
      R"_("message":"expected an integer, got \"19\""},)_"
      R"_({"file":"none.yaml","line":0,"column":0,"path":"","message":"No such file"}]})_"
      "\n");
}

TEST(CheckJson, SaysWhichPodTemplatesWereNotRead) {
  EXPECT_EQ(
      render_check_json(samples::one_unread()),
      R"_({"findings":[],"summary":{"files":1,"objects":1,"pods":0,"errors":0,"warnings":0,"infos":0,"ignored":0,"skipped":1},)_"
      R"_("notRead":[{"file":"web.yaml","line":3,"object":"Service/web","namespace":"shop","apiVersion":"serving.knative.dev/v1"}]})_"
      "\n");
}

TEST(CheckJson, KeepsTheOrderOfTheFindings) {
  const std::string out = render_check_json(samples::everything());
  const auto first = out.find("GK006");
  const auto second = out.find("GK001");
  const auto third = out.find("GK010");
  ASSERT_NE(third, std::string::npos);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
}

TEST(CheckJson, WritesNumbersExactly) {
  const struct {
    Finding::Number number;
    std::string text;
  } rows[] = {
      {std::int64_t{0}, "0"},
      {std::int64_t{-7}, "-7"},
      {std::int64_t{9007199254740993}, "9007199254740993"},  // 2^53 + 1
      {std::numeric_limits<std::int64_t>::max(), "9223372036854775807"},
      {std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"},
      {Millis{0}, "0"},
      {Millis{15000}, "15"},
      {Millis{700}, "0.7"},
      {Millis{1005}, "1.005"},
      {Millis{1250}, "1.25"},
      {Millis{-500}, "-0.5"},
      {Millis{999'999'999'999'999'999}, "999999999999999.999"},
      {kLongest, "1000000000000000"},
  };
  for (const auto& row : rows) EXPECT_EQ(json_number(row.number), row.text);
}

TEST(CheckJson, EscapesWhateverAStringHolds) {
  const struct {
    std::string text;
    std::string json;
  } rows[] = {
      {"", R"_("")_"},
      {R"(say "hi" \ now)", R"("say \"hi\" \\ now")"},
      {"a\nb\tc", R"_("a\nb\tc")_"},
      {std::string("nul\0byte", 8), "\"nul\\u0000byte\""},
      {"\x1b[31m", R"_("\u001b[31m")_"},
      {"süß → 日本", R"_("süß → 日本")_"},
      {"bad \xFF byte", "\"bad \xEF\xBF\xBD byte\""},
      {"cut \xE2\x82", "\"cut \xEF\xBF\xBD\""},
  };
  for (const auto& row : rows) EXPECT_EQ(json_string(row.text), row.json);
}

TEST(CheckJson, StaysOneLineWhateverTheInputHolds) {
  const std::string out = render_check_json(samples::hostile());
  EXPECT_EQ(out.find('\n'), out.size() - 1);
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
  EXPECT_EQ(out.find('\xFF'), std::string::npos);
}

}  // namespace
}  // namespace gracekeeper
