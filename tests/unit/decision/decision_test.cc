#include "decision/decision.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "../core/pods.h"
#include "core/settings.h"

namespace gracekeeper {
namespace {

using namespace annotation;
using testing::annotated;
using testing::container;
using testing::native_sidecar;
using testing::pod_of;
using testing::sleep_for;
using testing::subject_of;
using testing::with_grace_variable;

std::string show(const Value& value) {
  if (const auto* text = value.as_string()) return *text;
  if (const auto* number = value.as_int()) return std::to_string(*number);
  std::string out;
  if (const auto* items = value.as_array()) {
    for (const auto& item : *items) out += (out.empty() ? "" : " ") + show(item);
    return "[" + out + "]";
  }
  if (const auto* members = value.as_object()) {
    for (const auto& [key, member] : *members)
      out += (out.empty() ? "" : ", ") + key + ": " + show(member);
    return "{" + out + "}";
  }
  return "?";
}

struct Shown {
  std::string operator()(const SetAnnotation& e) const {
    return "annotation " + e.key + "=" + e.value;
  }
  std::string operator()(const SetLabel& e) const { return "label " + e.key; }
  std::string operator()(const SetTerminationGracePeriod& e) const {
    return fmt::format("T={}", e.seconds);
  }
  std::string operator()(const SetPreStop& e) const {
    return "preStop " + e.container + " " + show(e.handler);
  }
  std::string operator()(const RemovePreStop& e) const { return "no preStop " + e.container; }
  std::string operator()(const SetGraceVariable& e) const {
    return "grace " + e.container + " " + e.value;
  }
  std::string operator()(const SetVariable& e) const {
    return fmt::format("variable {} {}={}", e.container, e.name, e.value);
  }
  std::string operator()(const SetArguments& e) const {
    return fmt::format("{} {} {}", e.in_command ? "command" : "args", e.container,
                       fmt::join(e.words, " "));
  }
  std::string operator()(const SetCommand& e) const {
    return fmt::format("command {} {}", e.container, fmt::join(e.command, " "));
  }
  // Of an injected container: what this program decides about it.
  std::string operator()(const AddContainer& e) const {
    auto out = "container " + show(*e.container.find("name"));
    if (e.list == Container::List::InitContainers) out = "init " + out;
    if (const auto* lifecycle = e.container.find("lifecycle")) {
      if (const auto* hook = lifecycle->find("preStop")) out += " preStop " + show(*hook);
    }
    return out;
  }
  std::string operator()(const AddVolumeMount& e) const {
    return "mount " + e.container + " " + show(*e.mount.find("name"));
  }
  std::string operator()(const AddVolume& e) const {
    return "volume " + show(*e.volume.find("name"));
  }
};

std::string ids(const std::vector<Finding>& findings) {
  std::string out;
  for (const auto& f : findings)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", f.rule, to_string(f.severity));
  return out;
}

// A decision as a text: one line for each part that is there.
std::string dump(const Decision& decision) {
  std::string out = "findings: " + ids(decision.findings) + "\n";
  if (decision.ignored > 0) out += fmt::format("ignored: {}\n", decision.ignored);
  if (!decision.refusal.empty()) out += "refusal: " + decision.refusal + "\n";
  if (decision.notices != decision.findings) out += "notices: " + ids(decision.notices) + "\n";
  for (const auto& remark : decision.remarks) out += "remark: " + remark + "\n";
  for (const auto& edit : decision.edits) {
    const auto text = std::visit(Shown{}, edit);
    // What every injection writes is not this file's subject.
    if (text.starts_with("label ") || text.starts_with("volume ") ||
        text.starts_with("annotation linkerd.io/"))
      continue;
    out += text + "\n";
  }
  return out;
}

Policy policy_with(Configuration configuration = {}) {
  LinkerdValues values;
  values.trust_anchors_pem = "anchors";  // else every injection has a remark
  return make_policy(configuration, std::move(values), "gracekeeper");
}

Subject web(std::initializer_list<std::pair<std::string_view, std::string_view>> annotations,
            std::optional<std::int64_t> total = std::nullopt) {
  auto pod = pod_of({container("web", sleep_for(Millis{5000}))}, annotated(annotations));
  pod.termination_grace_period_seconds = total;
  return subject_of(std::move(pod), Subject::Kind::Pod);
}

std::string decided(const Subject& subject, Configuration configuration = {},
                    const Namespace* where = nullptr) {
  const auto policy = policy_with(configuration);
  return dump(decide(subject, where, policy));
}

std::string judged(const Subject& subject, Configuration configuration = {}) {
  const auto policy = policy_with(configuration);
  return dump(judge(subject, nullptr, policy));
}

TEST(Decide, LetsAPlainPodAlone) { EXPECT_EQ(decided(web({})), "findings: \n"); }

TEST(Decide, PassesOnWhatOnlyDefaultsMakeTooShort) {
  EXPECT_EQ(decided(web({{kInject, "enabled"}, {kWait, "20"}}, 30)),
            "findings: GK001 warning\n"
            "init container linkerd-init\n"
            "container linkerd-proxy preStop {sleep: {seconds: 20}}\n");
}

TEST(Decide, RefusesWhatIsStatedAndTooShort) {
  EXPECT_EQ(
      decided(web({{kInject, "enabled"}, {kWait, "20"}, {kGrace, "60s"}}, 30)),
      "findings: GK001 error\n"
      "refusal: GK001 grace-too-short: terminationGracePeriodSeconds 30 is less than 95 = app 15 "
      "(container web: preStop 5 + shutdown 10) + wait 20 (annotation) + grace 60 (annotation). "
      "Set terminationGracePeriodSeconds to 95 or more (the timeline's exact need is 80).\n"
      "notices: \n");
}

TEST(Decide, RefusesForEachErrorThatRefusesAndPassesOnTheRest) {
  EXPECT_EQ(
      decided(web({{kInject, "enabled"}, {kWait, "40"}, {kGrace, "5s"}, {kOnShortfall, "no"}}, 30)),
      "findings: GK001 error, GK002 error, GK004 error\n"
      "refusal: GK001 grace-too-short: terminationGracePeriodSeconds 30 is less than 60 = app 15 "
      "(container web: preStop 5 + shutdown 10) + wait 40 (annotation) + grace 5 (annotation). "
      "Set terminationGracePeriodSeconds to 60 or more (the timeline's exact need is 45).\n"
      "GK002 wait-exceeds-grace-period: the proxy's wait of 40 s uses up "
      "terminationGracePeriodSeconds 30: its hook ends with the grace period and the proxy has 2 s "
      "to drain. Set terminationGracePeriodSeconds to 60 or more, or shorten the wait.\n"
      "notices: GK004 error\n");
}

TEST(Decide, NeverRefusesForErrorsOfOtherRules) {
  auto job = web({{kInject, "enabled"}, {kWait, "15"}, {kGrace, "5"}}, 200);
  job.kind = Subject::Kind::Job;
  job.kind_name = "Job";
  EXPECT_EQ(decided(job),
            "findings: GK004 error, GK011 error\n"
            "init container linkerd-init\n"
            "container linkerd-proxy preStop {sleep: {seconds: 15}}\n");
}

TEST(Decide, WarnLetsEverythingThroughWithAHookThatTheApiServerTakes) {
  EXPECT_EQ(decided(web({{kInject, "enabled"}, {kWait, "60"}, {kOnShortfall, "warn"}}, 30)),
            "findings: GK001 warning, GK002 warning\n"
            "init container linkerd-init\n"
            "container linkerd-proxy preStop {exec: {command: [/bin/sleep 60]}}\n");
}

TEST(Decide, RaiseSetsTheGracePeriodFirst) {
  EXPECT_EQ(decided(web({{kInject, "enabled"}, {kWait, "60"}, {kOnShortfall, "raise"}}, 30)),
            "findings: GK001 info, GK002 info\n"
            "notices: GK001 info\n"
            "T=195\n"
            "init container linkerd-init\n"
            "container linkerd-proxy preStop {sleep: {seconds: 60}}\n");
}

TEST(Decide, RaiseAlsoMendsWhatOnlyDefaultsMakeTooShort) {
  EXPECT_EQ(decided(web({{kAppShutdown, "1m"}, {kOnShortfall, "raise"}})),
            "findings: GK001 info\n"
            "T=65\n");
}

TEST(Decide, RaiseThatWouldPassItsBoundRefuses) {
  EXPECT_EQ(
      decided(web({{kAppShutdown, "1m"}, {kOnShortfall, "raise"}}),
              {.max_termination_grace_period_seconds = 64}),
      "findings: GK001 error\n"
      "refusal: GK001 grace-too-short: terminationGracePeriodSeconds 30 (Kubernetes' default) "
      "is less than 65 = app 65 (container web: preStop 5 + shutdown 60) + wait 0 (no proxy) "
      "+ grace 0 (no proxy); on-shortfall raise may set at most 64 "
      "(maxTerminationGracePeriodSeconds). Set terminationGracePeriodSeconds to 65 or more.\n"
      "notices: \n");
}

TEST(Decide, RaiseUpToItsBoundMends) {
  EXPECT_EQ(decided(web({{kAppShutdown, "1m"}, {kOnShortfall, "raise"}}),
                    {.max_termination_grace_period_seconds = 65}),
            "findings: GK001 info\n"
            "T=65\n");
}

TEST(Decide, FitShortensTheProxysGrace) {
  EXPECT_EQ(decided(web({{kInject, "enabled"}, {kWait, "20"}, {kOnShortfall, "fit"}}, 60)),
            "findings: GK001 info\n"
            "annotation config.linkerd.io/shutdown-grace-period=25s\n"
            "init container linkerd-init\n"
            "container linkerd-proxy preStop {sleep: {seconds: 20}}\n");
}

TEST(Decide, FitThatLeavesNothingRefuses) {
  EXPECT_EQ(decided(web({{kInject, "enabled"}, {kWait, "20"}, {kOnShortfall, "fit"}}, 35)),
            "findings: GK001 warning\n"
            "init container linkerd-init\n"
            "container linkerd-proxy preStop {sleep: {seconds: 20}}\n")
      << "only defaults are to blame, so deny passes it on too";
  EXPECT_EQ(
      decided(
          web({{kInject, "enabled"}, {kWait, "20"}, {kGrace, "30s"}, {kOnShortfall, "fit"}}, 35)),
      "findings: GK001 error\n"
      "refusal: GK001 grace-too-short: terminationGracePeriodSeconds 35 is less than 65 = app 15 "
      "(container web: preStop 5 + shutdown 10) + wait 20 (annotation) + grace 30 (annotation); "
      "on-shortfall fit has nothing left for the proxy's grace. Set terminationGracePeriodSeconds "
      "to 65 or more (the timeline's exact need is 50).\n"
      "notices: \n");
}

// No API server takes it, and it may have nothing that a patch could be applied to.
TEST(Decide, APodWithoutContainersIsLeftAsItIs) {
  const auto decision =
      decide(subject_of(pod_of({}, annotated({{kInject, "enabled"}, {kOnShortfall, "raise"}})),
                        Subject::Kind::Pod),
             nullptr, {});
  EXPECT_EQ(ids(decision.findings), "GK001 warning");
  EXPECT_TRUE(decision.edits.empty());
  EXPECT_EQ(decision.mend, Mend{});
  const auto denied = decide(
      subject_of(
          pod_of({}, annotated({{kInject, "enabled"}, {kGrace, "60s"}, {kOnShortfall, "deny"}})),
          Subject::Kind::Pod),
      nullptr, {});
  EXPECT_EQ(ids(denied.findings), "GK001 warning");
  EXPECT_EQ(denied.refusal, "");
}

TEST(Judge, APodWithoutContainersIsTheApiServersToRefuse) {
  Policy policy;
  policy.configuration.max_termination_grace_period_seconds = 60;
  const auto annotations = annotated({{kGrace, "0"}, {kAppShutdown, "0"}, {kOnShortfall, "raise"}});
  const auto proxy = testing::native_sidecar("linkerd-proxy");
  const auto of = [](Pod pod) {
    pod.termination_grace_period_seconds = 0;
    return subject_of(std::move(pod), Subject::Kind::Pod);
  };
  // It would drain for 120 s: mutate, which would have told it of the 0, was out of reach.
  EXPECT_NE(judge(of(pod_of({container("web"), proxy}, annotations)), nullptr, policy).refusal, "");
  const auto without = of(pod_of({proxy}, annotations));
  EXPECT_EQ(decide(without, nullptr, policy).refusal, "");
  const auto verdict = judge(without, nullptr, policy);
  EXPECT_EQ(verdict.refusal, "");
  EXPECT_EQ(ids(verdict.notices), "GK001 warning, GK015 warning");
  EXPECT_EQ(verdict.remarks, std::vector<std::string>{}) << "nothing was to be changed in it";
}

// A proxy without the container that redirects the traffic to it would be no mesh at all.
TEST(Decide, APodWithAContainerNamedAsOneOfTheInjectionIsLeftAsItIs) {
  const auto pod = [](std::initializer_list<std::pair<std::string_view, std::string_view>> said) {
    return subject_of(pod_of({container("linkerd-init")}, annotated(said)), Subject::Kind::Pod);
  };
  const std::string remark =
      "remark: linkerd.io/inject asks for linkerd-proxy, which is not injected: the pod has a "
      "container of its own with the name linkerd-init, which is that of one that injection adds\n";
  EXPECT_EQ(decided(pod({{kInject, "enabled"}})), "findings: \n" + remark);
  EXPECT_EQ(decided(pod({{kInject, "enabled"}, {kWait, "20"}})),
            "findings: GK007 warning\n" + remark);
  EXPECT_EQ(decided(pod({{kInject, "disabled"}})), "findings: \n");
}

TEST(Decide, NothingIsMendedForARuleThatIsIgnored) {
  EXPECT_EQ(decided(web({{kInject, "enabled"},
                         {kWait, "20"},
                         {kGrace, "60s"},
                         {kIgnore, "GK001"},
                         {kOnShortfall, "raise"}},
                        30)),
            "findings: \n"
            "ignored: 1\n"
            "init container linkerd-init\n"
            "container linkerd-proxy preStop {sleep: {seconds: 20}}\n");
}

TEST(Decide, TheConfigurationsModeHoldsWhereNoAnnotationSpeaks) {
  EXPECT_EQ(decided(web({{kAppShutdown, "1m"}}), {.on_shortfall = OnShortfall::Raise}),
            "findings: GK001 info\n"
            "T=65\n");
}

TEST(Decide, HooksOfTheApplicationFallUnderDenyToo) {
  auto subject = web({}, 5);
  EXPECT_EQ(decided(subject),
            "findings: GK013 error\n"
            "refusal: GK013 prestop-exceeds-grace-period: the preStop hook of container web takes "
            "all of terminationGracePeriodSeconds 5: the container gets SIGTERM when the time is "
            "over and SIGKILL 2 s later. Set terminationGracePeriodSeconds to 15 or more, or "
            "shorten the hook.\n"
            "notices: \n");
  EXPECT_EQ(decided(subject, {.on_shortfall = OnShortfall::Warn}), "findings: GK013 warning\n");
  // Longer than T, the API server refuses it whatever the mode is.
  subject.pod.termination_grace_period_seconds = 3;
  EXPECT_EQ(decided(subject, {.on_shortfall = OnShortfall::Warn}), "findings: GK013 error\n");
  subject.pod.termination_grace_period_seconds = 0;
  EXPECT_EQ(decided(subject),
            "findings: GK015 error\n"
            "refusal: GK015 zero-grace: terminationGracePeriodSeconds 0 leaves the pod 1 s, too "
            "little for its preStop hooks. Set terminationGracePeriodSeconds to 15 or more.\n"
            "notices: \n");
}

TEST(Decide, AddsSleepsToContainersWithoutAHookInTheFormThatTheClusterTakes) {
  auto pod = pod_of({container("web"), container("own", sleep_for(Millis{1000})),
                     native_sidecar("logs"), container("worker"), container("linkerd-debug")},
                    annotated({{kAppPrestopSleep, "5s"}}));
  const auto subject = subject_of(pod);
  EXPECT_EQ(decided(subject),
            "findings: \n"
            "preStop web {sleep: {seconds: 5}}\n"
            "preStop worker {sleep: {seconds: 5}}\n");
  EXPECT_EQ(decided(subject, {.kubernetes_version = {1, 29}}),
            "findings: \n"
            "preStop web {exec: {command: [sleep 5]}}\n"
            "preStop worker {exec: {command: [sleep 5]}}\n");
  EXPECT_EQ(decided(subject, {.pre_stop_form = PreStopForm::Exec}),
            decided(subject, {.kubernetes_version = {1, 29}}));
  EXPECT_EQ(decided(subject, {.kubernetes_version = {1, 29}, .pre_stop_form = PreStopForm::Sleep}),
            decided(subject));
}

// ---- adopted proxies

Subject adopted(Container proxy,
                std::initializer_list<std::pair<std::string_view, std::string_view>> annotations) {
  auto pod = pod_of({container("web"), std::move(proxy)}, annotated(annotations));
  pod.termination_grace_period_seconds = 200;
  return subject_of(std::move(pod), Subject::Kind::Pod);
}

TEST(Decide, ToAnAdoptedProxyTheAnnotationsAreApplied) {
  const auto proxy = [](std::optional<Hook> hook = std::nullopt) {
    return container("linkerd-proxy", std::move(hook));
  };
  const auto native = [] { return native_sidecar("linkerd-proxy"); };
  const auto script_20 = Hook{.action = Hook::Action::Exec, .at_least = Millis{20'000}};
  const auto exec_20 = Hook{Hook::Action::Exec, Millis{20'000}, {"/bin/sleep", "20"}};
  struct Row {
    std::string claim;
    Subject subject;
    std::string edits;
  };
  const std::vector<Row> rows{
      {"nothing is said: nothing is done", adopted(proxy(), {}), ""},
      {"a missing hook is added", adopted(proxy(), {{kWait, "20"}}),
       "preStop linkerd-proxy {sleep: {seconds: 20}}\n"},
      {"one that does the same stays, whatever its form", adopted(proxy(exec_20), {{kWait, "20"}}),
       ""},
      {"a differing one is replaced", adopted(proxy(exec_20), {{kWait, "30"}}),
       "preStop linkerd-proxy {sleep: {seconds: 30}}\n"},
      {"one of unknown length is replaced",
       adopted(proxy(testing::hook_of_unknown_length()), {{kWait, "20"}}),
       "preStop linkerd-proxy {sleep: {seconds: 20}}\n"},
      {"one that takes at least so long is replaced", adopted(proxy(script_20), {{kWait, "20"}}),
       "preStop linkerd-proxy {sleep: {seconds: 20}}\n"},
      {"one that only should end with the app is left",
       adopted(proxy(script_20), {{annotation::kWaitMode, "until-app-exits"}}), ""},
      {"one that nobody asks for is left", adopted(proxy(exec_20), {}), ""},
      {"a wait of 0 removes it", adopted(proxy(exec_20), {{kWait, "0"}}),
       "no preStop linkerd-proxy\n"},
      {"a wait of 0 without a hook needs nothing", adopted(proxy(), {{kWait, "0"}}), ""},
      {"a dropped wait is no wait", adopted(proxy(exec_20), {{kWait, "30s"}}), ""},
      {"a native proxy gets no hook", adopted(native(), {{kWait, "20"}}), ""},
      {"nor is one of it removed",
       adopted(native_sidecar("linkerd-proxy", exec_20), {{kWait, "0"}}), ""},
      {"a missing variable is added", adopted(proxy(), {{kGrace, "25s"}}),
       "grace linkerd-proxy 25000ms\n"},
      {"a differing one is replaced",
       adopted(with_grace_variable(proxy(), "120s"), {{kGrace, "25s"}}),
       "grace linkerd-proxy 25000ms\n"},
      {"one that comes from elsewhere is replaced",
       adopted(with_grace_variable(proxy(), std::nullopt), {{kGrace, "25s"}}),
       "grace linkerd-proxy 25000ms\n"},
      {"one that the proxy cannot read is replaced",
       adopted(with_grace_variable(proxy(), "1m30s"), {{kGrace, "90s"}}),
       "grace linkerd-proxy 90000ms\n"},
      {"the same in another spelling stays",
       adopted(with_grace_variable(proxy(), "2m"), {{kGrace, "120s"}}), ""},
      {"Linkerd's truncated value stays",
       adopted(with_grace_variable(proxy(), "1000ms"), {{kGrace, "1.001s"}}), ""},
      {"of a native proxy too", adopted(native(), {{kGrace, "25s"}}),
       "grace linkerd-proxy 25000ms\n"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    const auto text = decided(row.subject);
    EXPECT_EQ(text.substr(text.find('\n') + 1), row.edits);
  }
}

TEST(Decide, WhatTheConfigurationHasInjectedIsNotStatedWhenItIsSeenAgain) {
  const Configuration configured{.wait = {Millis{20'000}, Source::Configuration},
                                 .grace = {Millis{30'000}, Source::Configuration}};
  const auto injected = [](const char* grace) {
    auto subject = adopted(
        with_grace_variable(container("linkerd-proxy", sleep_for(Millis{20'000})), grace), {});
    subject.pod.termination_grace_period_seconds = 50;
    return subject;
  };
  EXPECT_EQ(decided(injected("30000ms"), configured), "findings: GK001 warning\n");
  EXPECT_EQ(judged(injected("30000ms"), configured), "findings: GK001 warning\n");
  // Another grace was written by somebody: 20 + 31 do not fit, whatever the defaults are.
  EXPECT_EQ(judged(injected("51s"), configured).substr(0, 22), "findings: GK001 error\n");
}

// ---- the Namespace

TEST(Decide, TheNamespacesAnnotationsHold) {
  const Namespace shop{"shop", annotated({{kInject, "enabled"}, {kWait, "20"}, {kGrace, "5s"}})};
  EXPECT_EQ(decided(web({}, 40), {}, &shop),
            "findings: \n"
            "annotation config.alpha.linkerd.io/proxy-wait-before-exit-seconds=20\n"
            "annotation config.linkerd.io/shutdown-grace-period=5s\n"
            "init container linkerd-init\n"
            "container linkerd-proxy preStop {sleep: {seconds: 20}}\n");
  EXPECT_EQ(decided(web({}, 39), {}, &shop).substr(0, 24), "findings: GK001 warning\n");
  EXPECT_EQ(decided(web({}, 29), {}, &shop).substr(0, 22), "findings: GK001 error\n");
}

TEST(FindInNamespace, LeavesOutWhatTheNamespaceIgnores) {
  const Namespace where{"shop", annotated({{kWait, "20s"}, {kIgnore, "GK004,GK099"}})};
  const auto found = find_in_namespace(where, Policy{});
  EXPECT_EQ(ids(found.findings), "");
  EXPECT_EQ(found.ignored, 2U);
}

TEST(RefusalText, NamesEachRuleWithItsRemedy) {
  EXPECT_EQ(refusal_text({}), "");
  EXPECT_EQ(refusal_text({{.rule = "GK001", .name = "a", .message = "m", .remedy = "Do this."},
                          {.rule = "GK002", .name = "b", .message = "n", .remedy = "Do that."}}),
            "GK001 a: m. Do this.\nGK002 b: n. Do that.");
}

// ---- the validating webhook's judgement of pods as they stand

TEST(Judge, CountsOnlyTheProxyThatIsThere) {
  EXPECT_EQ(judged(web({{kInject, "enabled"}, {kWait, "20"}, {kGrace, "60s"}}, 30)),
            "findings: \n"
            "remark: linkerd.io/inject asks for a proxy but the pod has none: was the mutating "
            "webhook out of reach?\n");
}

TEST(Judge, MissesTheHookThatWasLost) {
  EXPECT_EQ(judged(adopted(container("linkerd-proxy"), {{kWait, "20"}})),
            "findings: GK003 warning\n"
            "remark: the proxy waits 0 s, but 20 s are asked for: its preStop hook was lost or "
            "changed\n");
}

TEST(Judge, MissesTheWaitThatShouldEndWithTheApplication) {
  auto proxy = container("linkerd-proxy", sleep_for(Millis{20'000}));
  proxy.run_as_user = 2102;
  const Configuration configuration{.helper_image = "gracekeeper:1"};
  EXPECT_EQ(judged(adopted(proxy, {{kWait, "20"}, {annotation::kWaitMode, "until-app-exits"}}),
                   configuration),
            "findings: \n"
            "remark: gracekeeper.dev/wait-mode: until-app-exits was not applied: was the mutating "
            "webhook out of reach?\n");
}

TEST(Judge, MissesTheGraceThatWasLost) {
  EXPECT_EQ(judged(adopted(native_sidecar("linkerd-proxy"), {{kGrace, "60s"}})),
            "findings: \n"
            "remark: the proxy's grace is 120 s, but 60 s are asked for: its environment was lost "
            "or changed\n");
  EXPECT_EQ(judged(adopted(with_grace_variable(native_sidecar("linkerd-proxy"), "1000ms"),
                           {{kGrace, "1.001s"}})),
            "findings: \n")
      << "so Linkerd writes it";
}

// Longer than nanoseconds can count.
TEST(Judge, TakesAGraceOfAnyLength) {
  const auto refused = judge(
      adopted(with_grace_variable(container("linkerd-proxy"), "99999999999999d"), {}), nullptr, {});
  EXPECT_NE(refused.refusal.find("GK001"), std::string::npos) << refused.refusal;
  EXPECT_TRUE(refused.remarks.empty());
}

TEST(Judge, SaysThatAMendWasNotApplied) {
  EXPECT_EQ(judged(web({{kAppShutdown, "1m"}, {kOnShortfall, "raise"}})),
            "findings: GK001 info\n"
            "remark: on-shortfall raise was not applied: was the mutating webhook out of reach?\n");
}

TEST(Judge, RefusesWhatIsStatedAndTooShort) {
  auto subject = adopted(
      with_grace_variable(container("linkerd-proxy", sleep_for(Millis{20'000})), "60s"), {});
  subject.pod.termination_grace_period_seconds = 30;
  EXPECT_EQ(
      judged(subject),
      "findings: GK001 error\n"
      "refusal: GK001 grace-too-short: terminationGracePeriodSeconds 30 is less than 90 = app 10 "
      "(container web: preStop 0 + shutdown 10) + wait 20 (the proxy's hook) + grace 60 (the "
      "proxy's environment). Set terminationGracePeriodSeconds to 90 or more (the timeline's exact "
      "need is 80).\n"
      "notices: \n");
}

// ---- the policy

TEST(MakePolicy, TakesFromLinkerdsValuesWhatTheConfigurationLeavesOpen) {
  LinkerdValues values;
  values.proxy.wait = Millis{15'000};
  values.proxy.shutdown_grace_period = "30s";
  values.proxy.native_sidecar = true;
  const auto open = make_policy({}, values, "test").configuration;
  EXPECT_EQ(open.wait, (Sourced<Millis>{Millis{15'000}, Source::LinkerdValues}));
  EXPECT_EQ(open.grace, (Sourced<Millis>{Millis{30'000}, Source::LinkerdValues}));
  EXPECT_EQ(open.native_sidecar, (Sourced<bool>{true, Source::LinkerdValues}));

  const Configuration stated{.wait = {Millis{1'000}, Source::Configuration},
                             .grace = {Millis{2'000}, Source::Configuration},
                             .native_sidecar = Sourced<bool>{false, Source::Configuration}};
  const auto kept = make_policy(stated, values, "test").configuration;
  EXPECT_EQ(kept.wait, stated.wait);
  EXPECT_EQ(kept.grace, stated.grace);
  EXPECT_EQ(kept.native_sidecar, stated.native_sidecar);
}

TEST(MakePolicy, TakesTheProxysUserFromLinkerdsValues) {
  const auto user = [](const LinkerdValues& values) {
    const auto made = make_policy({}, values, "test").configuration;
    return fmt::format("{}{}", made.proxy_uid ? std::to_string(*made.proxy_uid) : "unknown",
                       made.proxy_uid_is_annotated ? ", annotated" : "");
  };
  LinkerdValues values;
  EXPECT_EQ(user(values), "2102, annotated");
  values.proxy.uid = 3000;
  EXPECT_EQ(user(values), "3000, annotated");
  // A security context of their own takes the place of the one that has this user.
  values.proxy.security_context = Value::Object{{"runAsUser", 4000}};
  EXPECT_EQ(user(values), "4000");
  values.proxy.security_context = Value::Object{{"privileged", false}};
  EXPECT_EQ(user(values), "unknown");
}

// Whoever injected the proxy: the hook, the volume, its mount, and the program that is copied into
// it.
TEST(Decide, LetsAnAdoptedProxysWaitEndWithTheApplication) {
  const Configuration configuration{.helper_image = "gracekeeper:1"};
  const auto edits_for = [&](const Subject& subject) {
    std::string out;
    for (const auto& edit : decide(subject, nullptr, policy_with(configuration)).edits)
      out += std::visit(Shown{}, edit) + "\n";
    return out;
  };
  auto proxy = container("linkerd-proxy", sleep_for(Millis{20'000}));
  proxy.run_as_user = 2102;
  const std::string helper =
      "volume gracekeeper-await-app\n"
      "mount linkerd-proxy gracekeeper-await-app\n"
      "init container gracekeeper-await-app\n";
  const auto hook = [](const char* time) {
    return fmt::format(
        "preStop linkerd-proxy {{exec: {{command: "
        "[/gracekeeper/gracekeeper-await-app --proxy-uid 2102 --timeout {}]}}}}\n",
        time);
  };
  constexpr auto mode = annotation::kWaitMode;
  EXPECT_EQ(edits_for(adopted(proxy, {{kWait, "30"}, {mode, "until-app-exits"}})),
            hook("30s") + helper);
  // Its own hook says how long.
  EXPECT_EQ(edits_for(adopted(proxy, {{mode, "until-app-exits"}})), hook("20s") + helper);
  EXPECT_EQ(edits_for(adopted(proxy, {{mode, "fixed"}})), "");
  // And back.
  proxy.pre_stop->until_app_exits = true;
  EXPECT_EQ(edits_for(adopted(proxy, {{mode, "fixed"}})),
            "preStop linkerd-proxy {sleep: {seconds: 20}}\n");
  EXPECT_EQ(edits_for(adopted(proxy, {})), "");
  // Who knows no image leaves what is there: `check` in CI, after `inject` with one.
  const auto asked = adopted(proxy, {{kWait, "20"}, {mode, "until-app-exits"}});
  EXPECT_TRUE(decide(asked, nullptr, policy_with({})).edits.empty());
}

// A wrapped command comes with the endpoint that linkerd-await calls, and only once.
TEST(Decide, HasAJobsCommandStartedByLinkerdAwait) {
  Container work;
  work.name = "work";
  work.command = {"/app/work"};
  Subject subject;
  subject.kind = Subject::Kind::Job;
  subject.pod.restart_policy = "Never";
  subject.pod.containers.push_back(work);
  for (const auto& [key, text] :
       {std::pair{annotation::kInject, "enabled"}, std::pair{annotation::kNative, "false"},
        std::pair{annotation::kJobShutdown, "await"}}) {
    subject.pod.annotations.emplace(std::string(key), AnnotationValue{text});
  }
  const auto wraps = [](const Decision& decision) {
    std::string out;
    for (const auto& edit : decision.edits) {
      if (const auto* command = std::get_if<SetCommand>(&edit)) out += Shown{}(*command) + "; ";
      const auto* set = std::get_if<SetAnnotation>(&edit);
      if (set != nullptr && set->key == annotation::kAdminShutdown) out += Shown{}(*set) + "; ";
    }
    return out;
  };
  const Policy policy{.configuration = {.on_shortfall = OnShortfall::Warn}};
  EXPECT_EQ(wraps(decide(subject, nullptr, policy)),
            "annotation config.linkerd.io/proxy-admin-shutdown=enabled; "
            "command work linkerd-await --shutdown -- /app/work; ");
  subject.pod.containers[0].command = {"linkerd-await", "--shutdown", "--", "/app/work"};
  EXPECT_EQ(wraps(decide(subject, nullptr, policy)), "");
}

}  // namespace
}  // namespace gracekeeper
