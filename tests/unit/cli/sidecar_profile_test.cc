// Profiles of other sidecars from file to decision: which proxy a pod has, how it is planned, what
// is changed and what is said.
#include <array>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../io/temporary_folder.h"
#include "cli/inputs.h"
#include "cli/policy_options.h"
#include "codec/json_patch.h"
#include "codec/profile_codec.h"
#include "decision/decision.h"
#include "report/explain_report.h"

namespace gracekeeper::cli {
namespace {

using Json = nlohmann::ordered_json;

// Waits and drains in its own hook.
const std::string kHook = R"(apiVersion: gracekeeper.dev/v1alpha1
kind: SidecarProfile
name: hook
container: hook
inject: {annotation: hook.example/inject}
nativeAnnotation: hook.example/native
wait: {annotation: hook.example/wait, preStop: true}
grace: {annotation: hook.example/grace, default: 10s, preStop: true}
containers:
- name: hook
  image: hook:1
  lifecycle: {preStop: {exec: {command: [sh, -c, "sleep ${wait}; drain ${namespace}; sleep ${grace}"]}}}
)";

// A sleep that Gracekeeper writes, and a variable.
const std::string kSleep = R"(apiVersion: gracekeeper.dev/v1alpha1
kind: SidecarProfile
name: plain
container: plain
inject: {annotation: plain.example/inject}
wait: {annotation: plain.example/wait, default: 5s, preStop: true}
grace: {annotation: plain.example/grace, default: 30s, env: GRACE}
containers:
- {name: plain, image: "plain:1"}
)";

// Waits by itself, after its SIGTERM; reads its grace from the pod's annotation.
const std::string kSelf = R"(apiVersion: gracekeeper.dev/v1alpha1
kind: SidecarProfile
name: self
container: self
inject: {annotation: self.example/inject}
native: false
wait: {annotation: self.example/wait, argument: "--wait {}"}
grace: {annotation: self.example/grace, default: 5s}
containers:
- {name: self, image: "self:${annotation:self.example/version}", args: [run]}
)";

Policy policy_with(const std::vector<std::string>& profiles, const std::string& version = "1.34") {
  Configuration configuration;
  configuration.kubernetes_version = *parse_kubernetes_version(version);
  for (const auto& text : profiles) {
    auto profile = parse_sidecar_profile(text, "profile.yaml");
    EXPECT_TRUE(profile) << (profile ? "" : to_string(profile.error().front()));
    if (profile)
      configuration.profiles.items.push_back(
          std::make_shared<const SidecarProfile>(std::move(*profile)));
  }
  return make_policy(std::move(configuration), {}, "test");
}

// A pod "web" whose annotations and further containers are given, in the Namespace shop.
std::string pod_text(const std::string& annotations, const std::string& more = "",
                     const std::string& spec = "") {
  return "kind: Pod\napiVersion: v1\nmetadata: {name: web, namespace: shop, annotations: {" +
         annotations + "}}\nspec:\n  terminationGracePeriodSeconds: 600\n" + spec +
         "  containers:\n  - {name: web, image: web}\n" + more;
}

struct Case {
  Subject subject;
  Json json;
};
Case read(const std::string& text) {
  Case out;
  for_each_object({"pod.yaml", text},
                  {.object =
                       [&](const FoundObject& found) {
                         if (const auto* subject = std::get_if<Subject>(&found.object))
                           out = {*subject, Json::parse(found.document.json)};
                       },
                   .error = [](const Error& error) { ADD_FAILURE() << to_string(error); }});
  return out;
}

Namespace shop(const std::string& key = "", const std::string& value = "") {
  Namespace where{.name = "shop", .annotations = {}};
  if (!key.empty()) where.annotations.emplace(key, AnnotationValue{value, true});
  return where;
}

std::string_view word(Source source) {
  constexpr std::array<std::string_view, 6> words{"built-in",  "configuration", "values",
                                                  "namespace", "pod",           "container"};
  return words.at(static_cast<std::size_t>(source));
}

// "injected classic hook wait 20 (pod) grace 10 (configuration) hook 30 stop 0"
std::string dump(const Assessment& a) {
  const auto& proxy = a.proxy;
  if (!proxy.exists()) return "none";
  constexpr std::array<std::string_view, 4> presences{"none", "assumed", "injected", "adopted"};
  auto text = fmt::format("{} {} {} wait {} ({}) grace {} ({})",
                          presences.at(static_cast<std::size_t>(proxy.presence)),
                          proxy.is_native() ? "native" : "classic", proxy.container_name(),
                          format_seconds(proxy.wait.value), word(proxy.wait.source),
                          format_seconds(proxy.grace.value), word(proxy.grace.source));
  if (proxy.pre_stop)
    text += " hook " + (proxy.pre_stop->length ? format_seconds(*proxy.pre_stop->length) : "?");
  return text + " stop " + format_seconds(proxy.stop());
}

struct Row {
  std::string pod;
  std::string proxy;
  std::string patch;  // the values that are added, a line each
};

std::string operations(const Case& c, const Decision& decision) {
  std::string out;
  for (const auto& operation : to_json_patch(c.subject.pod, decision.edits)) {
    out += operation["op"].get<std::string>() + " " + operation["path"].get<std::string>();
    if (operation.contains("value")) out += " " + operation["value"].dump();
    out += "\n";
  }
  return out;
}

// Each pod is decided upon, changed, and seen again: then nothing is left to do, the plan is the
// same, and the validating webhook has no remark.
void expect(const Policy& policy, const std::vector<Row>& rows, const Namespace& where = shop()) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.pod);
    const auto before = read(row.pod);
    const auto assessed = assess(before.subject, &where, policy.configuration);
    EXPECT_EQ(dump(assessed), row.proxy);
    const auto decision = decide(before.subject, &where, policy);
    EXPECT_EQ(operations(before, decision), row.patch);

    const auto after =
        read(before.json.patch(to_json_patch(before.subject.pod, decision.edits)).dump());
    const auto again = assess(after.subject, &where, policy.configuration);
    EXPECT_EQ(operations(after, decide(after.subject, &where, policy)), "");
    EXPECT_EQ(again.containers, assessed.containers);
    EXPECT_EQ(again.budget, assessed.budget);
    EXPECT_EQ(judge(after.subject, &where, policy).remarks, std::vector<std::string>{});
  }
}

TEST(SidecarProfiles, OneWithItsOwnHookIsInjected) {
  const std::string hook =
      R"("lifecycle":{"preStop":{"exec":{"command":["sh","-c","sleep WAIT; drain shop; sleep GRACE"]}}})";
  const auto with = [&](const std::string& wait, const std::string& grace) {
    auto text = hook;
    text.replace(text.find("WAIT"), 4, wait);
    text.replace(text.find("GRACE"), 5, grace);
    return "add /spec/containers/- {\"name\":\"hook\",\"image\":\"hook:1\"," + text + "}\n";
  };
  const std::string native =
      "add /spec/initContainers []\nadd /spec/initContainers/- "
      "{\"name\":\"hook\",\"image\":\"hook:1\",\"restartPolicy\":\"Always\"}\n";
  expect(policy_with({kHook}),
         {{pod_text("hook.example/inject: enabled, hook.example/wait: \"20\""),
           "injected classic hook wait 20 (pod) grace 10 (configuration) hook 30 stop 0",
           with("20", "10")},
          {pod_text("hook.example/inject: enabled, hook.example/wait: 1m, hook.example/grace: 5s"),
           "injected classic hook wait 60 (pod) grace 5 (pod) hook 65 stop 0", with("60", "5")},
          // A drain in the hook cannot come after the application on a native sidecar.
          {pod_text("hook.example/inject: enabled"),
           "injected native hook wait 0 (built-in) grace 0 (configuration) stop 0", native},
          {pod_text("hook.example/inject: enabled, hook.example/native: \"false\""),
           "injected classic hook wait 0 (built-in) grace 10 (configuration) hook 10 stop 0",
           with("0", "10")},
          {pod_text("hook.example/inject: enabled, hook.example/native: \"true\", "
                    "hook.example/wait: \"20\""),
           "injected native hook wait 0 (built-in) grace 0 (configuration) stop 0", native}});
}

TEST(SidecarProfiles, AdoptedOnesAreToldWhatAnnotationsSay) {
  const auto own = [](const std::string& text) {
    return "  - {name: hook, image: x, lifecycle: {preStop: {exec: {command: [sh, -c, \"" + text +
           "\"]}}}}\n";
  };
  const auto replaced = [](const std::string& text) {
    return "add /spec/containers/1/lifecycle/preStop {\"exec\":{\"command\":[\"sh\",\"-c\",\"" +
           text + "\"]}}\n";
  };
  expect(policy_with({kHook}),
         {// Its own hook, in the profile's form: read back.
          {pod_text("a: b", own("sleep 7; drain shop; sleep 3")),
           "adopted classic hook wait 7 (container) grace 3 (container) hook 10 stop 0", ""},
          {pod_text("a: b", own("sleep 0; drain shop; sleep 10")),
           "adopted classic hook wait 0 (container) grace 10 (configuration) hook 10 stop 0", ""},
          {pod_text("hook.example/wait: \"7\"", own("sleep 7; drain shop; sleep 3")),
           "adopted classic hook wait 7 (pod) grace 3 (container) hook 10 stop 0", ""},
          {pod_text("hook.example/wait: \"9\"", own("sleep 7; drain shop; sleep 3")),
           "adopted classic hook wait 9 (pod) grace 3 (container) hook 12 stop 0",
           replaced("sleep 9; drain shop; sleep 3")},
          // Another one: of known length, it is the wait; of unknown length, nothing is known.
          {pod_text("a: b", own("sleep 7")),
           "adopted classic hook wait 7 (container) grace 0 (container) hook 7 stop 0", ""},
          {pod_text("a: b", own("bye")),
           "adopted classic hook wait 0 (container) grace 0 (container) hook ? stop 0", ""},
          {pod_text("hook.example/wait: \"9\"", own("bye")),
           "adopted classic hook wait 9 (pod) grace 10 (configuration) hook 19 stop 0",
           replaced("sleep 9; drain shop; sleep 10")},
          {pod_text("hook.example/grace: \"4\"", own("sleep 0.3")),
           "adopted classic hook wait 1 (container) grace 4 (pod) hook 5 stop 0",
           replaced("sleep 1; drain shop; sleep 4")},
          // Without a hook.
          {pod_text("a: b", "  - {name: hook, image: x}\n"),
           "adopted classic hook wait 0 (container) grace 0 (container) stop 0", ""}});
}

TEST(SidecarProfiles, ASleepAndAVariableAreWrittenWhereTheProfileHasNone) {
  expect(
      policy_with({kSleep}),
      {{pod_text("plain.example/inject: enabled"),
        "injected classic plain wait 5 (configuration) grace 30 (configuration) hook 5 stop 30",
        R"(add /spec/containers/- {"name":"plain","image":"plain:1","env":[{"name":"GRACE","value":"30"}],"lifecycle":{"preStop":{"sleep":{"seconds":5}}}})"
        "\n"},
       {pod_text("plain.example/inject: enabled, plain.example/wait: \"0\", plain.example/grace: "
                 "1m"),
        "injected native plain wait 0 (built-in) grace 60 (pod) stop 60",
        "add /spec/initContainers []\n"
        R"(add /spec/initContainers/- {"name":"plain","image":"plain:1","env":[{"name":"GRACE","value":"60"}],"restartPolicy":"Always"})"
        "\n"},
       {pod_text("plain.example/wait: 9s, plain.example/grace: 7s",
                 "  - {name: plain, image: x, env: [{name: GRACE, value: \"8\"}]}\n"),
        "adopted classic plain wait 9 (pod) grace 7 (pod) hook 9 stop 7",
        "add /spec/containers/1/lifecycle {\"preStop\":{\"sleep\":{\"seconds\":9}}}\n"
        "replace /spec/containers/1/env/0/value \"7\"\n"},
       {pod_text("plain.example/wait: \"0\"",
                 "  - {name: plain, image: x, lifecycle: {preStop: {sleep: {seconds: 4}}}}\n"),
        "adopted classic plain wait 0 (pod) grace 30 (configuration) stop 30",
        "remove /spec/containers/1/lifecycle/preStop\n"},
       {pod_text("a: b",
                 "  - {name: plain, image: x, env: [{name: GRACE, value: \"8\"}], "
                 "lifecycle: {preStop: {sleep: {seconds: 4}}}}\n"),
        "adopted classic plain wait 4 (container) grace 8 (container) hook 4 stop 8", ""}});
  // Before the sleep action the hook is a command.
  const auto c = read(pod_text("plain.example/inject: enabled"));
  const auto where = shop();
  EXPECT_NE(operations(c, decide(c.subject, &where, policy_with({kSleep}, "1.29")))
                .find(R"("preStop":{"exec":{"command":["/bin/sleep","5"]}})"),
            std::string::npos);
}

TEST(SidecarProfiles, ArgumentsAndAnnotationsReachTheContainer) {
  expect(
      policy_with({kSelf}),
      {{pod_text("self.example/inject: enabled, self.example/version: v2, self.example/wait: "
                 "\"20\""),
        "injected classic self wait 20 (pod) grace 5 (configuration) stop 25",
        "add /metadata/annotations/self.example~1grace \"5\"\n"
        R"(add /spec/containers/- {"name":"self","image":"self:v2","args":["run","--wait","20"]})"
        "\n"},
       {pod_text("self.example/wait: \"20\", self.example/grace: \"7\"",
                 "  - {name: self, image: x, args: [run, --wait, \"3\", more]}\n"),
        "adopted classic self wait 20 (pod) grace 7 (pod) stop 27",
        R"(add /spec/containers/1/args ["run","--wait","20","more"])"
        "\n"},
       {pod_text("a: b", "  - {name: self, image: x, command: [run, --wait, \"3\"]}\n"),
        "adopted classic self wait 3 (container) grace 5 (configuration) stop 8", ""}});
}

TEST(SidecarProfiles, AreAskedForByTheNamespaceToo) {
  const auto inject = shop("plain.example/inject", "enabled");
  expect(
      policy_with({kSleep}),
      {{pod_text("plain.example/inject: disabled"), "none", ""},
       {pod_text("plain.example/wait: \"0\", plain.example/grace: \"7\""),
        "injected native plain wait 0 (built-in) grace 7 (pod) stop 7",
        "add /spec/initContainers []\n"
        R"(add /spec/initContainers/- {"name":"plain","image":"plain:1","env":[{"name":"GRACE","value":"7"}],"restartPolicy":"Always"})"
        "\n"}},
      inject);
  const auto asked = read(pod_text("plain.example/grace: 7s"));
  const auto policy = policy_with({kSleep});
  EXPECT_EQ(dump(assess(asked.subject, nullptr, policy.configuration)),
            "assumed classic plain wait 5 (configuration) grace 7 (pod) hook 5 stop 7");
}

// Who asks and is left alone, with the reason.
TEST(SidecarProfiles, NeverMakeAPodWorse) {
  struct Left {
    std::string pod;
    std::string proxy;
    std::string remark;
  };
  const std::string asks = "self.example/inject: enabled, self.example/version: v1";
  const std::vector<Left> rows{
      {pod_text(asks, "", "  hostNetwork: true\n"), "none",
       "self.example/inject asks for self, which is not injected: hostNetwork is true"},
      {pod_text(asks, "  - {name: istio, image: \"gcr.io/istio-release/proxyv2:1\"}\n"), "none",
       "self.example/inject asks for self, which is not injected: the pod has another proxy, or "
       "the "
       "init container of one"},
      {pod_text("self.example/inject: enabled"), "none",
       "self.example/inject asks for self, which is not injected: neither the pod nor its "
       "Namespace "
       "has the annotation self.example/version"},
      {pod_text(asks + ", hook.example/inject: enabled"),
       "injected classic self wait 0 (built-in) grace 5 (configuration) stop 5",
       "hook.example/inject asks for hook, which is not injected: the pod's proxy is self"},
      {pod_text(asks, "  - {name: hook, image: x}\n"),
       "adopted classic hook wait 0 (container) grace 0 (container) stop 0",
       "self.example/inject asks for self, which is not injected: the pod's proxy is hook"},
      {pod_text(asks + ", linkerd.io/inject: enabled"),
       "injected native linkerd-proxy wait 0 (built-in) grace 120 (built-in) stop 120",
       "self.example/inject asks for self, which is not injected: the pod's proxy is "
       "linkerd-proxy"},
      {pod_text("linkerd.io/inject: enabled", "  - {name: self, image: x}\n"),
       "injected native linkerd-proxy wait 0 (built-in) grace 120 (built-in) stop 120",
       "self is left as it is: the pod's proxy is linkerd-proxy"},
      {pod_text(asks, "", "  initContainers: [{name: self, image: x}]\n"), "none",
       "self.example/inject asks for self, which is not injected: the pod has a container self "
       "already"},
  };
  const auto policy = policy_with({kSelf, kHook});
  for (const auto& row : rows) {
    SCOPED_TRACE(row.pod);
    const auto c = read(row.pod);
    const auto where = shop();
    const auto a = assess(c.subject, &where, policy.configuration);
    EXPECT_EQ(dump(a), row.proxy);
    EXPECT_EQ(a.remarks, std::vector<std::string>{row.remark});
    const auto decision = decide(c.subject, &where, policy);
    ASSERT_FALSE(decision.remarks.empty());
    EXPECT_EQ(decision.remarks.front(), row.remark);
    if (row.proxy == "none") {
      EXPECT_EQ(operations(c, decision), "");
    }
  }
}

std::string findings_of(const std::string& pod, const Policy& policy) {
  const auto c = read(pod);
  const auto where = shop();
  std::string out;
  for (const auto& f : find_in_pod(assess(c.subject, &where, policy.configuration)).findings)
    out += fmt::format("{} {} [{}] -> {}\n", f.rule, f.message, f.container.value_or(""), f.remedy);
  return out;
}

TEST(SidecarProfiles, AreAssumedOnlyWhereTheyCouldBeInjected) {
  const auto policy = policy_with({kHook + "- {name: hook-metrics, image: m}\n"});
  const auto assessed = [&](const std::string& more) {
    const auto pod = read(pod_text("hook.example/grace: 5s", more));
    return dump(assess(pod.subject, nullptr, policy.configuration));
  };
  EXPECT_EQ(assessed(""), "assumed native hook wait 0 (built-in) grace 0 (pod) stop 0");
  EXPECT_EQ(assessed("  - {name: hook-metrics, image: mine}\n"), "none");
}

// The rules speak of the container and of the profile's own annotations.
TEST(SidecarProfiles, AreJudgedByTheSameRules) {
  struct Judged {
    std::string pod;
    std::string findings;
  };
  const auto short_of_time = [](std::string pod, const std::string& seconds) {
    return pod.replace(pod.find("600"), 3, seconds);
  };
  const std::vector<Judged> rows{
      {short_of_time(pod_text("hook.example/inject: enabled, hook.example/wait: \"20\", "
                              "hook.example/grace: \"15\""),
                     "30"),
       "GK001 terminationGracePeriodSeconds 30 is less than 45 = app 10 (container web: preStop 0 "
       "+ "
       "shutdown 10) + wait 20 (annotation) + grace 15 (annotation) [web] -> Set "
       "terminationGracePeriodSeconds to 45 or more (the timeline's exact need is 35).\n"},
      {pod_text("hook.example/inject: enabled, hook.example/native: \"false\""),
       "GK003 hook begins to drain at once, but container web may run for 10 s (preStop 0 + "
       "shutdown "
       "10): its new connections fail from then on [hook] -> Set hook.example/wait to \"10\", or "
       "use "
       "a native sidecar (hook.example/native: \"true\").\n"},
      {pod_text("plain.example/inject: enabled"),
       "GK003 plain gets SIGTERM after 5 s, but container web may run for 10 s (preStop 0 + "
       "shutdown "
       "10): its new connections fail from then on [plain] -> Set plain.example/wait to \"10\", or "
       "use a native sidecar (native: true in the profile plain).\n"},
      {pod_text("hook.example/inject: enabled, hook.example/wait: soon"),
       "GK004 hook.example/wait: \"soon\" is not a duration: write numbers with units, such as "
       "\"1m30s\"; it counts as absent and the default holds [] -> Correct the value: write "
       "numbers "
       "with units, such as \"1m30s\".\n"},
      {pod_text("hook.example/inject: on"),
       "GK004 hook.example/inject: Kubernetes takes only strings here: write \"enabled\" or "
       "\"disabled\" in quotes; the API server refuses the object [] -> Correct the value: write "
       "\"enabled\" or \"disabled\" in quotes.\n"},
      {pod_text("hook.example/inject: \"on\""),
       "GK004 hook.example/inject: \"on\" is not a value of it, and nothing is injected: write "
       "\"enabled\" or \"disabled\" [] -> Correct the value: write \"enabled\" or \"disabled\".\n"},
      {pod_text("hook.example/inject: enabled, hook.example/waits: \"5\""),
       "GK005 hook.example/waits is not an annotation that anything reads: hook.example/wait was "
       "probably meant [] -> Rename it to hook.example/wait.\n"},
      {pod_text("hook.example/inject: enabled, hook.example/native: \"true\", hook.example/wait: "
                "\"5\""),
       "GK007 the wait of 5 s has no effect: on a native sidecar the kubelet sends SIGTERM to hook "
       "after the application has exited [hook] -> Remove hook.example/wait.\n"},
      {pod_text("hook.example/inject: disabled, hook.example/wait: \"5\""), ""},
  };
  const auto policy = policy_with({kHook, kSleep, kSelf});
  for (const auto& row : rows) EXPECT_EQ(findings_of(row.pod, policy), row.findings) << row.pod;
}

TEST(SidecarProfiles, JobsAreHeldOpenByAClassicOne) {
  const auto job = [](const std::string& command) {
    return "kind: Job\napiVersion: batch/v1\nmetadata: {name: job}\nspec: {template: {metadata: "
           "{annotations: {self.example/inject: enabled, self.example/version: a, "
           "self.example/wait: \"10\"}}, spec: {terminationGracePeriodSeconds: 60, containers: "
           "[{name: job, image: x, command: [" +
           command + "]}]}}}\n";
  };
  const auto policy = policy_with({kSelf});
  EXPECT_EQ(
      findings_of(job("work"), policy),
      "GK011 the Job never completes: self, a classic sidecar, runs on when the work is done, "
      "and nothing stops it [self] -> Use a native sidecar (native: true in the profile self "
      "and no wait), or let the command end it when the work is done (/quitquitquit).\n");
  EXPECT_EQ(findings_of(job("sh, -c, \"work; curl -XPOST localhost:9901/quitquitquit\""), policy),
            "");
}

TEST(SidecarProfiles, AreExplained) {
  const auto c = read(pod_text("hook.example/inject: enabled, hook.example/wait: \"5\""));
  const auto policy = policy_with({kHook});
  const auto pod = explain(assess(c.subject, nullptr, policy.configuration), std::nullopt);
  EXPECT_EQ(pod.proxy_container, "hook");
  EXPECT_EQ(pod.proxy, "classic sidecar, will be injected");
  EXPECT_EQ(
      pod.arithmetic,
      "25 = app 10 (container web: preStop 0 + shutdown 10, built-in default) + wait 5 "
      "(annotation) + grace 10 (configuration); nothing is killed from 15 on, since the times "
      "overlap in part");
  ASSERT_EQ(pod.containers.size(), 2U);
  EXPECT_EQ(pod.containers[1].hook,
            "the wait 5 s (annotation) and the drain 10 s (configuration), a preStop hook 15 s");
  EXPECT_EQ(pod.containers[1].stop, "ends at SIGTERM");
  ASSERT_EQ(pod.hazards.size(), 1U);
  EXPECT_EQ(pod.hazards[0].cause,
            "the proxy begins to drain at 5 s and takes no new connection from then on, while web "
            "runs until 10 s");
  ASSERT_GE(pod.advice.size(), 2U);
  EXPECT_EQ(pod.advice[0].option, "native-sidecar");
  EXPECT_EQ(pod.advice[0].annotations,
            (std::vector<std::pair<std::string, std::string>>{{"hook.example/native", "true"}}));
  EXPECT_EQ(pod.advice[1].option, "longer-wait");
  EXPECT_EQ(pod.advice[1].annotations,
            (std::vector<std::pair<std::string, std::string>>{{"hook.example/wait", "10s"}}));
}

TEST(SidecarProfiles, FitShortensTheProfilesGrace) {
  const auto policy = policy_with({kHook, kSelf});
  const auto fitted = [&](std::string pod) {
    pod.replace(pod.find("600"), 3, "30");
    const auto c = read(pod);
    return operations(c, decide(c.subject, nullptr, policy));
  };
  const std::string fit = ", gracekeeper.dev/on-shortfall: fit";
  EXPECT_EQ(
      fitted(pod_text("hook.example/inject: enabled, hook.example/wait: \"12\"" + fit)),
      "add /metadata/annotations/hook.example~1grace \"8s\"\n"
      R"(add /spec/containers/- {"name":"hook","image":"hook:1","lifecycle":{"preStop":{"exec":{"command":["sh","-c","sleep 12; drain shop; sleep 8"]}}}})"
      "\n");
  // One that reads its annotation itself gets it in its own spelling.
  EXPECT_EQ(
      fitted(pod_text("self.example/inject: enabled, self.example/version: a, self.example/wait: "
                      "\"16\"" +
                      fit)),
      "add /metadata/annotations/self.example~1grace \"4\"\n"
      R"(add /spec/containers/- {"name":"self","image":"self:a","args":["run","--wait","16"]})"
      "\n");
}

TEST(SidecarProfiles, AnArgumentIsNotTheFirstOfAnAdoptedOne) {
  const auto policy = policy_with({R"(apiVersion: gracekeeper.dev/v1alpha1
kind: SidecarProfile
name: told
container: told
inject: {annotation: told.example/inject}
wait: {annotation: told.example/wait, argument: "--wait {}"}
grace: {annotation: told.example/grace, default: 20s, argument: "--grace {}"}
containers:
- {name: told, image: "told:1", args: [run]}
)"});
  const std::string asks = "told.example/wait: \"4\", told.example/grace: 3s";
  const auto without = pod_text(asks, "  - {name: told, image: x}\n");
  expect(
      policy,
      {{without, "adopted classic told wait 0 (container) grace 20 (configuration) stop 20", ""},
       {pod_text(asks, "  - {name: told, image: x, args: [run]}\n"),
        "adopted classic told wait 4 (pod) grace 3 (pod) stop 7",
        "add /spec/containers/1/args [\"run\",\"--wait\",\"4\",\"--grace\",\"3\"]\n"},
       {pod_text(asks, "  - {name: told, image: x, command: [told]}\n"),
        "adopted classic told wait 4 (pod) grace 3 (pod) stop 7",
        "add /spec/containers/1/args [\"--wait\",\"4\",\"--grace\",\"3\"]\n"},
       {pod_text(
            asks,
            "  - {name: told, image: x, command: [told, --wait, \"9\"], args: [--grace, \"9\"]}\n"),
        "adopted classic told wait 4 (pod) grace 3 (pod) stop 7",
        "add /spec/containers/1/command [\"told\",\"--wait\",\"4\"]\n"
        "add /spec/containers/1/args [\"--grace\",\"3\"]\n"}});
  const std::string why =
      "the container has neither command nor args, and one would take the place of its image's";
  EXPECT_EQ(findings_of(without, policy),
            "GK003 told begins to drain at once, but container web may run for 10 s (preStop 0 + "
            "shutdown 10): its new connections fail from then on [told] -> Write the command or "
            "the args of told into the pod and set told.example/wait to \"10\", or take told out "
            "of the manifest and let it be injected as a native sidecar (told.example/inject: "
            "\"enabled\", native: true in the profile told and no wait).\n"
            "GK007 the wait and the grace have no effect on told: " +
                why + " [told] -> Write the command or the args of told into the pod.\n");
  EXPECT_EQ(findings_of(pod_text("told.example/grace: 20s, gracekeeper.dev/app-shutdown: \"0\"",
                                 "  - {name: told, image: x}\n"),
                        policy),
            "")
      << "it is its own grace";

  auto short_of_time =
      pod_text(asks + ", gracekeeper.dev/on-shortfall: fit", "  - {name: told, image: x}\n");
  short_of_time.replace(short_of_time.find("600"), 3, "15");
  const auto c = read(short_of_time);
  const auto decision = decide(c.subject, nullptr, policy);
  // Nor is anything advised that would not reach it.
  const auto where = shop();
  for (const auto& option :
       explain(assess(c.subject, &where, policy.configuration), std::nullopt).advice) {
    EXPECT_NE(option.option, "shorter-grace");
    EXPECT_NE(option.option, "longer-wait");
    const bool is_reinjected = option.option == "native-sidecar";
    for (const auto& [key, value] : option.annotations)
      EXPECT_TRUE(is_reinjected || !key.starts_with("told.")) << option.option << ": " << key;
  }
  const auto native =
      pod_text(asks, "", "  initContainers: [{name: told, image: x, restartPolicy: Always}]\n");
  EXPECT_EQ(findings_of(native, policy),
            "GK007 the wait of 4 s has no effect: on a native sidecar the kubelet sends SIGTERM to "
            "told after the application has exited [told] -> Remove told.example/wait.\n"
            "GK007 the grace has no effect on told: " +
                why + " [told] -> Write the command or the args of told into the pod.\n");

  EXPECT_EQ(decision.mend.kind, Mend::Kind::Impossible);
  EXPECT_EQ(decision.mend.reason, "on-shortfall fit cannot tell told its grace: " + why);
  EXPECT_EQ(operations(c, decision), "");
}

TEST(SidecarProfiles, ThatCannotBeToldApartAreRefused) {
  const io::test::TemporaryFolder folder;
  const auto errors = [&](const std::string& second) {
    const auto policy = load_policy(
        {.sidecar_profiles = {folder.put("a.yaml", kHook), folder.put("b.yaml", second)}});
    std::string out;
    if (!policy) {
      for (const auto& error : policy.error()) out += error.message + "\n";
    }
    return out;
  };
  const auto renamed = [](std::string text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  EXPECT_EQ(errors(kSelf), "");
  EXPECT_EQ(errors(kHook), "there are two profiles hook\n");
  EXPECT_EQ(errors(renamed(kHook, "name: hook", "name: other")),
            "container hook is the profile hook's already: a container can belong to one profile "
            "only\n");
  EXPECT_EQ(errors(renamed(kSelf, "self.example/inject", "hook.example/inject")),
            "hook.example/inject: enabled asks for the profile hook already\n");
}

}  // namespace
}  // namespace gracekeeper::cli
