#include "report/why_report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace gracekeeper {
namespace {

using namespace postmortem;

Diagnosis sample() {
  Diagnosis d{.pod = "web-1", .namespace_name = "shop", .owner = "Deployment/web"};
  d.is_planned = true;
  d.stop = {.kind = Stop::Kind::Deletion,
            .asked = parse_instant("2026-01-31T12:00:00Z"),
            .grace = Millis{30'000},
            .grace_is_known = true,
            .evidence = "metadata"};
  d.facts = {{parse_instant("2026-01-31T12:00:30Z"), Millis{30'000},
              "web ended: exit code 137 (SIGKILL)", "status of web"},
             {std::nullopt, std::nullopt, "held by a/b", "metadata.finalizers"}};
  d.termination_grace_period_seconds = 30;
  d.required = 41;
  d.verdict = "30 s of grace, 41 needed: app 41";
  d.planned = {{.times = {.name = "web",
                          .pre_stop_end = Millis{5'000},
                          .sigterm = Millis{5'000},
                          .exit = Millis{30'000},
                          .sigkill = Millis{30'000},
                          .killed = true},
                .has_pre_stop = true,
                .seen = "exit code 137 (SIGKILL) at 30 s"}};
  d.conclusions = {{Cause::NeedsLonger, Sureness::Certain, "web", "web needs more.", "its status"},
                   {Cause::OutOfMemory, Sureness::Certain, "log", "memory.", ""}};
  d.options = {{.id = "longer-termination-grace-period",
                .text = "Give it more.",
                .annotations = {{"gracekeeper.dev/app-shutdown", "36s"}},
                .fields = {{"spec.terminationGracePeriodSeconds", "41"}},
                .is_verified = true}};
  d.missing = {{"why", "kubectl get events"}};
  return d;
}

TEST(WhyReportTest, TheTextHasTheAnswersInTheirOrder) {
  const auto d = sample();
  EXPECT_EQ(render_why_text({&d, 1}, {.color = false, .width = 80}),
            R"(pod/web-1 in namespace shop
  of Deployment/web

What happened
  12:00:30Z     30 s  web ended: exit code 137 (SIGKILL) [status of web]
                      held by a/b [metadata.finalizers]

What was planned
  30 s of grace, 41 needed: app 41.
  container   preStop   SIGTERM       end   SIGKILL  seen
  web            to 5         5    killed        30  exit code 137 (SIGKILL) at 30 s

Which budget ran out
  certain  needs-longer: web needs more.
      from its status
  certain  no budget: out-of-memory: memory.

What would have prevented it
  1. Give it more.
     annotation gracekeeper.dev/app-shutdown: "36s"
     spec.terminationGracePeriodSeconds: 41
     planned again with it: nothing is cut short
  Annotations and spec fields go into the pod template of Deployment/web.

What is not known
  why:
      kubectl get events
)");
}

TEST(WhyReportTest, NamesAndMessagesCannotSteerATerminal) {
  auto d = sample();
  d.facts[0].text = "x\x1b[2Jy\nz";
  d.planned[0].times.name = "w\x1b[31m";
  d.conclusions[0].text =
      "\x9b"
      "31m";
  const auto text = render_why_text({&d, 1}, {.color = false, .width = 80});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x9b'), std::string::npos);
  EXPECT_NE(text.find("x\\x1b[2Jy\\nz"), std::string::npos) << text;
}

TEST(WhyReportTest, TheJsonIsTheContract) {
  const auto d = sample();
  const auto json = nlohmann::ordered_json::parse(render_why_json({&d, 1}));
  EXPECT_EQ(json, nlohmann::ordered_json::parse(R"json({"pods": [{
    "pod": "web-1", "namespace": "shop", "owner": "Deployment/web", "gone": false,
    "budgetRanOut": true,
    "stop": {"kind": "deletion", "asked": "2026-01-31T12:00:00Z", "graceSeconds": 30,
      "graceIsKnown": true, "overridden": false, "by": "", "evidence": "metadata"},
    "happened": [
      {"at": "2026-01-31T12:00:30Z", "after": 30, "text": "web ended: exit code 137 (SIGKILL)",
       "source": "status of web"
},
      {"at": null, "after": null, "text": "held by a/b", "source": "metadata.finalizers"}],
    "planned": {"terminationGracePeriodSeconds": 30, "required": 41, "fromTemplate": false,
      "containers": [{"name": "web", "preStopEnd": 5, "sigterm": 5, "exit": 30, "sigkill": 30,
        "killed": true, "seen": "exit code 137 (SIGKILL) at 30 s"}]},
    "conclusions": [
      {"cause": "needs-longer", "budget": true, "sureness": "certain", "container": "web",
       "text": "web needs more.", "evidence": "its status"},
      {"cause": "out-of-memory", "budget": false, "sureness": "certain", "container": "log",
       "text": "memory.", "evidence": ""}],
    "options": [{"option": "longer-termination-grace-period", "text": "Give it more.",
      "annotations": {"gracekeeper.dev/app-shutdown": "36s"},
      "fields": {"spec.terminationGracePeriodSeconds": "41"}, "verified": true}],
    "missing": [{"what": "why", "command": "kubectl get events"}]}]})json"));
}

TEST(WhyReportTest, WithoutASpecNothingIsPlanned) {
  Diagnosis d{.pod = "web-1"};
  d.is_gone = true;
  const auto text = render_why_text({&d, 1}, {.color = false, .width = 80});
  EXPECT_NE(text.find("  Nothing is known of the pod's spec.\n"), std::string::npos);
  EXPECT_NE(text.find("  Not known: no end of a container is recorded.\n"), std::string::npos);
  EXPECT_TRUE(nlohmann::json::parse(render_why_json({&d, 1}))["pods"][0]["planned"].is_null());
}

}  // namespace
}  // namespace gracekeeper
