#include <gtest/gtest.h>

#include "check_samples.h"
#include "report/check_report.h"
#include "report/text_encoding.h"
#include "xml_reader.h"

namespace gracekeeper {
namespace {

TEST(CheckJunit, IsASuitePerFileAndATestPerFinding) {
  EXPECT_EQ(render_check_junit(samples::everything()),
            R"_(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="gracekeeper" tests="5" failures="2" errors="2" skipped="1">
  <testsuite name="web.yaml" tests="2" failures="2" errors="0" skipped="0">
    <testcase classname="Deployment/web (shop)" name="GK006 annotation-misplaced: web.yaml: metadata.annotations[&quot;config.linkerd.io/shutdown-grace-period&quot;]" file="web.yaml" line="5">
      <failure type="warning" message="the annotation is on the Deployment, where nothing reads it">web.yaml:5
the annotation is on the Deployment, where nothing reads it
Remedy: move it to spec.template.metadata.annotations</failure>
    </testcase>
    <testcase classname="Deployment/web (shop)" name="GK001 grace-too-short: web.yaml: spec.template.spec.terminationGracePeriodSeconds" file="web.yaml" line="14">
      <failure type="error" message="terminationGracePeriodSeconds 30 is less than 155 = app 15 (container web: preStop 5 + shutdown 10) + wait 20 (annotation) + grace 120 (proxy default)">web.yaml:14
terminationGracePeriodSeconds 30 is less than 155 = app 15 (container web: preStop 5 + shutdown 10) + wait 20 (annotation) + grace 120 (proxy default)
Remedy: set terminationGracePeriodSeconds to at least 155</failure>
    </testcase>
  </testsuite>
  <testsuite name="k8s/api.yaml" tests="1" failures="0" errors="0" skipped="1">
    <testcase classname="Pod/api" name="GK010 prestop-missing: k8s/api.yaml: spec.containers[0]" file="k8s/api.yaml" line="9">
      <skipped message="container api serves port 8080 and has no preStop hook&#10;Remedy: add a preStop sleep of a few seconds"/>
    </testcase>
  </testsuite>
  <testsuite name="bad.yaml" tests="1" failures="0" errors="1" skipped="0">
    <testcase classname="input" name="readable: bad.yaml" file="bad.yaml" line="3">
      <error type="input" message="end of the quoted scalar is missing">bad.yaml:3:5: end of the quoted scalar is missing</error>
    </testcase>
  </testsuite>
  <testsuite name="k8s/job.yaml" tests="1" failures="0" errors="1" skipped="0">
    <testcase classname="input" name="readable: k8s/job.yaml" file="k8s/job.yaml" line="12">
      <error type="input" message="expected an integer, got &quot;19&quot;">k8s/job.yaml:12:36: spec.template.spec.terminationGracePeriodSeconds: expected an integer, got &quot;19&quot;</error>
    </testcase>
  </testsuite>
</testsuites>
)_");
}

TEST(CheckJunit, OfCleanInputIsOnePassedTest) {
  EXPECT_EQ(render_check_junit(samples::clean()),
            R"_(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="gracekeeper" tests="1" failures="0" errors="0" skipped="0">
  <testsuite name="gracekeeper" tests="1" failures="0" errors="0" skipped="0">
    <testcase classname="gracekeeper" name="check">
      <system-out>No findings in 3 pods (5 objects, 1 file)</system-out>
    </testcase>
  </testsuite>
</testsuites>
)_");
}

TEST(CheckJunit, SkipsPodTemplatesThatWereNotRead) {
  EXPECT_EQ(render_check_junit(samples::one_unread()), R"_(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="gracekeeper" tests="1" failures="0" errors="0" skipped="1">
  <testsuite name="web.yaml" tests="1" failures="0" errors="0" skipped="1">
    <testcase classname="Service/web (shop)" name="pod template: web.yaml" file="web.yaml" line="3">
      <skipped message="a pod template in a kind that is not known, of serving.knative.dev/v1: its pods were not judged"/>
    </testcase>
  </testsuite>
</testsuites>
)_");
}

TEST(CheckJunit, NamesEveryTestDifferently) {
  CheckReport report;
  report.findings.assign(3, samples::prestop_missing());
  report.input_errors.assign(2, samples::bad_yaml());
  const std::string out = render_check_junit(report);
  for (const std::string name :
       {"spec.containers[0]\"", "spec.containers[0] (2)\"", "spec.containers[0] (3)\"",
        "readable: bad.yaml\"", "readable: bad.yaml (2)\""}) {
    EXPECT_NE(out.find(name), std::string::npos) << name;
  }
}

TEST(CheckJunit, IsWellFormedWhateverTheInputHolds) {
  for (const CheckReport& report : {samples::everything(), samples::hostile(), samples::clean()}) {
    EXPECT_EQ(xml_problem(render_check_junit(report)), "");
  }
}

TEST(CheckJunit, EscapesForTextAndAttributes) {
  const struct {
    std::string text;
    std::string in_text;
    std::string in_attribute;
  } rows[] = {
      {"a<b> & \"c\" 'd'", "a&lt;b&gt; &amp; &quot;c&quot; 'd'",
       "a&lt;b&gt; &amp; &quot;c&quot; 'd'"},
      {"]]>", "]]&gt;", "]]&gt;"},
      {"a\nb\tc\rd", "a\nb\tc&#13;d", "a&#10;b&#9;c&#13;d"},
      {"\x1b[0m\x01", "\uFFFD[0m\uFFFD", "\uFFFD[0m\uFFFD"},
      {std::string("\0", 1), "\uFFFD", "\uFFFD"},
      {"\xEF\xBF\xBE", "\uFFFD", "\uFFFD"},  // U+FFFE
      {"\xFF\xC0\x80", "\uFFFD\uFFFD\uFFFD", "\uFFFD\uFFFD\uFFFD"},
      {"süß 日本 😀", "süß 日本 😀", "süß 日本 😀"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(escape_xml_text(row.text), row.in_text);
    EXPECT_EQ(escape_xml_attribute(row.text), row.in_attribute);
  }
}

}  // namespace
}  // namespace gracekeeper
