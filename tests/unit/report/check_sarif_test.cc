#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "check_samples.h"
#include "report/check_report.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::json;

constexpr std::array<RuleInfo, 2> kRules{{
    {.id = "GK001",
     .name = "grace-too-short",
     .severity = Severity::Error,
     .summary = "fires when T < app + wait + grace",
     .cause = "The kubelet kills what still runs.",
     .remedy = "Raise terminationGracePeriodSeconds."},
    {.id = "GK010",
     .name = "prestop-missing",
     .severity = Severity::Info,
     .summary = "fires when a container serves ports without a preStop hook",
     .cause = "Requests arrive after SIGTERM.",
     .remedy = "Add a preStop sleep."},
}};

Json parsed(const CheckReport& report) {
  return Json::parse(render_check_sarif(report, kRules, "1.2.3"));
}

TEST(CheckSarif, OfOneErrorIsComplete) {
  EXPECT_EQ(render_check_sarif(samples::one_error(), std::span(kRules).first(1), "1.2.3"),
            R"_({
  "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
  "version": "2.1.0",
  "runs": [
    {
      "tool": {
        "driver": {
          "name": "gracekeeper",
          "version": "1.2.3",
          "rules": [
            {
              "id": "GK001",
              "name": "GraceTooShort",
              "shortDescription": {
                "text": "fires when T < app + wait + grace"
              },
              "fullDescription": {
                "text": "The kubelet kills what still runs."
              },
              "help": {
                "text": "The kubelet kills what still runs.\n\nRemedy: Raise terminationGracePeriodSeconds.",
                "markdown": "The kubelet kills what still runs.\n\n**Remedy:** Raise terminationGracePeriodSeconds."
              },
              "defaultConfiguration": {
                "level": "error"
              },
              "properties": {
                "tags": [
                  "kubernetes",
                  "linkerd",
                  "graceful-shutdown"
                ],
                "problem.severity": "error"
              }
            }
          ]
        }
      },
      "invocations": [
        {
          "executionSuccessful": true,
          "toolExecutionNotifications": []
        }
      ],
      "results": [
        {
          "ruleId": "GK001",
          "ruleIndex": 0,
          "level": "error",
          "message": {
            "text": "terminationGracePeriodSeconds 30 is less than 155 = app 15 (container web: preStop 5 + shutdown 10) + wait 20 (annotation) + grace 120 (proxy default)\nRemedy: set terminationGracePeriodSeconds to at least 155"
          },
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "web.yaml",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 14
                }
              },
              "logicalLocations": [
                {
                  "name": "Deployment/web",
                  "fullyQualifiedName": "shop/Deployment/web",
                  "kind": "object"
                }
              ]
            }
          ],
          "partialFingerprints": {
            "gracekeeper/v1": "53cc18af2d21e357:1"
          },
          "properties": {
            "path": "spec.template.spec.terminationGracePeriodSeconds",
            "container": "web"
          }
        }
      ]
    }
  ]
}
)_");
}

TEST(CheckSarif, OfNothingHasEmptyLists) {
  const Json run = Json::parse(render_check_sarif({}, {}, "1.2.3")).at("runs").at(0);
  EXPECT_EQ(run.at("results"), Json::array());
  EXPECT_EQ(run.at("tool").at("driver").at("rules"), Json::array());
}

TEST(CheckSarif, SaysThatInputErrorsMadeTheRunFail) {
  EXPECT_EQ(parsed(samples::everything()).at("runs").at(0).at("invocations"), Json::parse(R"_([{
    "executionSuccessful": false,
    "toolExecutionNotifications": [
      {"level": "error",
       "message": {"text": "bad.yaml:3:5: end of the quoted scalar is missing"},
       "locations": [{"physicalLocation": {
          "artifactLocation": {"uri": "bad.yaml", "uriBaseId": "%SRCROOT%"},
          "region": {"startLine": 3}}}]},
      {"level": "error",
       "message": {"text": "k8s/job.yaml:12:36: spec.template.spec.terminationGracePeriodSeconds: expected an integer, got \"19\""},
       "locations": [{"physicalLocation": {
          "artifactLocation": {"uri": "k8s/job.yaml", "uriBaseId": "%SRCROOT%"},
          "region": {"startLine": 12}}}]}]}])_"));
}

TEST(CheckSarif, WarnsOfPodTemplatesThatWereNotRead) {
  const Json log = Json::parse(render_check_sarif(samples::one_unread(), {}, "1.0"));
  const auto& invocation = log["runs"][0]["invocations"][0];
  EXPECT_EQ(invocation["executionSuccessful"], true);
  const auto& notification = invocation["toolExecutionNotifications"][0];
  EXPECT_EQ(notification["level"], "warning");
  EXPECT_EQ(notification["message"]["text"],
            "Service/web (shop): a pod template in a kind that is not known, of "
            "serving.knative.dev/v1: its pods were not judged");
  EXPECT_EQ(notification["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
}

TEST(CheckSarif, LinksResultsToRulesThatAreGiven) {
  const Json results = parsed(samples::everything()).at("runs").at(0).at("results");
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].at("ruleId"), "GK006");
  EXPECT_FALSE(results[0].contains("ruleIndex"));  // not among the rules given
  EXPECT_EQ(results[0].at("level"), "warning");
  EXPECT_EQ(results[1].at("ruleIndex"), 0);
  EXPECT_EQ(results[1].at("level"), "error");
  EXPECT_EQ(results[2].at("ruleIndex"), 1);
  EXPECT_EQ(results[2].at("level"), "note");
}

TEST(CheckSarif, WritesFilesAsUris) {
  const struct {
    std::string file;
    Json location;
  } rows[] = {
      {"k8s/web.yaml", {{"uri", "k8s/web.yaml"}, {"uriBaseId", "%SRCROOT%"}}},
      {"./k8s//web.yaml", {{"uri", "k8s/web.yaml"}, {"uriBaseId", "%SRCROOT%"}}},
      {"a b:c%#?.yaml", {{"uri", "a%20b%3Ac%25%23%3F.yaml"}, {"uriBaseId", "%SRCROOT%"}}},
      {"süß\xFF.yaml", {{"uri", "s%C3%BC%C3%9F%FF.yaml"}, {"uriBaseId", "%SRCROOT%"}}},
      {"../up.yaml", {{"uri", "../up.yaml"}}},
      {"/etc/a b.yaml", {{"uri", "file:///etc/a%20b.yaml"}}},
      {"<stdin>", {{"uri", "%3Cstdin%3E"}, {"description", {{"text", "standard input"}}}}},
  };
  for (const auto& row : rows) {
    CheckReport report = samples::one_error();
    report.findings[0].file = row.file;
    EXPECT_EQ(parsed(report).at(
                  "/runs/0/results/0/locations/0/physicalLocation/artifactLocation"_json_pointer),
              row.location);
  }
}

TEST(CheckSarif, StartsAtLineOneWhereNoneIsKnown) {
  CheckReport report = samples::one_error();
  report.findings[0].position = {};
  EXPECT_EQ(parsed(report).at("/runs/0/results/0/locations/0/physicalLocation/region"_json_pointer),
            Json({{"startLine", 1}}));
}

TEST(CheckSarif, MakesNoLinkOutOfAMessage) {
  CheckReport report = samples::one_error();
  report.findings[0].finding.message = "[a](https://example.com) [b](1)";
  report.findings[0].finding.remedy = "";
  EXPECT_EQ(parsed(report).at("/runs/0/results/0/message/text"_json_pointer),
            "[a] (https://example.com) [b] (1)");
}

TEST(CheckSarif, NumbersFindingsThatAreAlike) {
  CheckReport report = samples::one_error();
  report.findings.push_back(samples::prestop_missing());
  report.findings.push_back(samples::grace_too_short());
  const Json results = parsed(report).at("runs").at(0).at("results");
  EXPECT_EQ(results[0].at("partialFingerprints").at("gracekeeper/v1"), "53cc18af2d21e357:1");
  EXPECT_EQ(results[2].at("partialFingerprints").at("gracekeeper/v1"), "53cc18af2d21e357:2");
}

constexpr auto kString = Json::value_t::string;
constexpr auto kObject = Json::value_t::object;
constexpr auto kArray = Json::value_t::array;
constexpr auto kNumber = Json::value_t::number_unsigned;
constexpr auto kBoolean = Json::value_t::boolean;

// What the schema of SARIF 2.1.0 says about an object: its required members, and for every member
// that this program may write its type.
struct Shape {
  std::vector<std::string> required;
  std::vector<std::pair<std::string, Json::value_t>> members;
};

void expect_shape(const Json& object, const Shape& shape, const std::string& what) {
  ASSERT_TRUE(object.is_object()) << what;
  for (const std::string& key : shape.required) EXPECT_TRUE(object.contains(key)) << what << key;
  for (const auto& [key, value] : object.items()) {
    const auto member =
        std::find_if(shape.members.begin(), shape.members.end(),
                     [&key = key](const auto& known) { return known.first == key; });
    ASSERT_NE(member, shape.members.end()) << what << " may not have " << key;
    EXPECT_EQ(value.type(), member->second) << what << key;
  }
}

void expect_message(const Json& message) {
  expect_shape(message, {{"text"}, {{"text", kString}, {"markdown", kString}}}, "message.");
}

void expect_location(const Json& location) {
  expect_shape(location, {{}, {{"physicalLocation", kObject}, {"logicalLocations", kArray}}},
               "location.");
  const Json& place = location.at("physicalLocation");
  expect_shape(place, {{"artifactLocation"}, {{"artifactLocation", kObject}, {"region", kObject}}},
               "physicalLocation.");
  const Json& artifact = place.at("artifactLocation");
  expect_shape(artifact, {{}, {{"uri", kString}, {"uriBaseId", kString}, {"description", kObject}}},
               "artifactLocation.");
  const auto uri = artifact.at("uri").get<std::string>();
  EXPECT_TRUE(std::all_of(uri.begin(), uri.end(), [](char c) { return c > ' ' && c < 0x7F; }));
  EXPECT_EQ(uri.find_first_of("<>\"`|\\^{}"), std::string::npos) << uri;
  const Json& region = place.at("region");
  expect_shape(region, {{}, {{"startLine", kNumber}}}, "region.");
  EXPECT_GE(region.at("startLine").get<int>(), 1);
  if (!location.contains("logicalLocations")) return;
  for (const Json& logical : location.at("logicalLocations")) {
    expect_shape(logical,
                 {{}, {{"name", kString}, {"fullyQualifiedName", kString}, {"kind", kString}}},
                 "logicalLocation.");
  }
}

void expect_rule(const Json& rule) {
  expect_shape(rule,
               {{"id"},
                {{"id", kString},
                 {"name", kString},
                 {"shortDescription", kObject},
                 {"fullDescription", kObject},
                 {"help", kObject},
                 {"defaultConfiguration", kObject},
                 {"properties", kObject}}},
               "rule.");
  for (const char* text : {"shortDescription", "fullDescription", "help"}) {
    expect_message(rule.at(text));
  }
}

void expect_result(const Json& result, const Json& rules) {
  expect_shape(result,
               {{"message"},
                {{"ruleId", kString},
                 {"ruleIndex", kNumber},
                 {"level", kString},
                 {"message", kObject},
                 {"locations", kArray},
                 {"partialFingerprints", kObject},
                 {"properties", kObject}}},
               "result.");
  expect_message(result.at("message"));
  const auto level = result.at("level").get<std::string>();
  EXPECT_TRUE(level == "note" || level == "warning" || level == "error") << level;
  for (const Json& location : result.at("locations")) expect_location(location);
  if (result.contains("ruleIndex")) {
    EXPECT_EQ(rules.at(result.at("ruleIndex").get<std::size_t>()).at("id"), result.at("ruleId"));
  }
}

TEST(CheckSarif, HasTheSchemasShapeWhateverTheInputHolds) {
  for (const CheckReport& report :
       {CheckReport{}, samples::clean(), samples::everything(), samples::hostile()}) {
    const Json log = parsed(report);
    expect_shape(
        log, {{"version", "runs"}, {{"$schema", kString}, {"version", kString}, {"runs", kArray}}},
        "log.");
    EXPECT_EQ(log.at("version"), "2.1.0");
    const Json& run = log.at("runs").at(0);
    expect_shape(run, {{"tool"}, {{"tool", kObject}, {"invocations", kArray}, {"results", kArray}}},
                 "run.");
    const Json& driver = run.at("tool").at("driver");
    expect_shape(driver, {{"name"}, {{"name", kString}, {"version", kString}, {"rules", kArray}}},
                 "driver.");
    for (const Json& rule : driver.at("rules")) expect_rule(rule);
    for (const Json& result : run.at("results")) expect_result(result, driver.at("rules"));
    const Json& invocation = run.at("invocations").at(0);
    expect_shape(invocation,
                 {{"executionSuccessful"},
                  {{"executionSuccessful", kBoolean}, {"toolExecutionNotifications", kArray}}},
                 "invocation.");
    for (const Json& notification : invocation.at("toolExecutionNotifications")) {
      expect_shape(notification,
                   {{"message"}, {{"level", kString}, {"message", kObject}, {"locations", kArray}}},
                   "notification.");
      expect_message(notification.at("message"));
      for (const Json& location : notification.at("locations")) expect_location(location);
    }
  }
}

}  // namespace
}  // namespace gracekeeper
