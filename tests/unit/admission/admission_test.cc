#include "admission/admission.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "answers.h"
#include "core/base64.h"

namespace gracekeeper {
namespace {

using testing::annotated_pod;
using testing::Json;
using testing::kAllowed;
using testing::mutated;
using testing::patch_of;
using testing::plain_pod;
using testing::policy_with;
using testing::refused;
using testing::review;
using testing::review_of;
using testing::short_pod;
using testing::validated;

// ---- what is none of its business

TEST(Admission, AllowsWhatItDoesNotJudge) {
  auto subresource = review(short_pod());
  subresource["request"]["subResource"] = "ephemeralcontainers";
  auto exec = review({{"kind", "PodExecOptions"}, {"apiVersion", "v1"}}, "CONNECT");
  exec["request"]["subResource"] = "exec";
  auto no_object = review(nullptr, "DELETE");
  auto mirror = short_pod();
  mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "1f0a";
  auto other = short_pod();
  other["kind"] = "PodTemplate";
  auto foreign = short_pod();
  foreign["apiVersion"] = "example.com/v1";
  struct Row {
    std::string claim;
    Json whole;
  };
  const std::vector<Row> rows{
      {"DELETE", no_object},
      {"DELETE with an object", review(short_pod(), "DELETE")},
      {"CONNECT", exec},
      {"UPDATE of a pod, which can change nothing that matters", review(short_pod(), "UPDATE")},
      {"a subresource", subresource},
      {"a mirror pod", review(mirror)},
      {"another kind", review(other)},
      {"a pod of another group", review(foreign)},
      {"a ConfigMap", review({{"kind", "ConfigMap"}, {"apiVersion", "v1"}, {"data", 5}})},
      {"an object without a kind", review(Json::object())},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    for (const auto& answer : {mutated(row.whole.dump()), validated(row.whole.dump())}) {
      EXPECT_EQ(answer.status, 200);
      EXPECT_EQ(answer.body, kAllowed);
      EXPECT_EQ(answer.record.outcome, Outcome::Allowed);
    }
  }
  EXPECT_EQ(validated(review(short_pod()).dump()).record.outcome, Outcome::Denied)
      << "the pod itself would be refused";
}

TEST(Mutate, LeavesWorkloadsToTheValidation) {
  const Json deployment{{"apiVersion", "apps/v1"},
                        {"kind", "Deployment"},
                        {"metadata", {{"name", "web"}}},
                        {"spec", {{"template", short_pod()}}}};
  EXPECT_EQ(mutated(review(deployment).dump()).body, kAllowed);
}

// ---- answers about pods

TEST(Mutate, AllowsAPodWithNothingToChange) {
  const auto answer = mutated(review(plain_pod()).dump());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, kAllowed);
  EXPECT_EQ(answer.record.outcome, Outcome::Allowed);
  EXPECT_EQ(answer.record.patch_operations, 0U);
}

TEST(Mutate, PatchesAndTellsWhatItMended) {
  auto pod = short_pod();
  pod["metadata"]["annotations"]["gracekeeper.dev/on-shortfall"] = "raise";
  const auto answer = mutated(review(pod).dump());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(
      answer.body,
      R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true,"patchType":"JSONPatch","patch":")" +
          base64(R"([{"op":"add","path":"/spec/terminationGracePeriodSeconds","value":60}])") +
          R"(","auditAnnotations":{"findings":"GK001","raised":"terminationGracePeriodSeconds=60"},)"
          R"("warnings":["GK001 terminationGracePeriodSeconds 30 < 60 = app 60 + wait 0 + grace 0; raised to 60"]}})");
  EXPECT_EQ(answer.record.outcome, Outcome::Patched);
  EXPECT_EQ(answer.record.patch_operations, 1U);
}

TEST(Mutate, TellsWhatItFitted) {
  auto pod = annotated_pod({{"gracekeeper.dev/on-shortfall", "fit"}});
  pod["spec"]["containers"].push_back({{"name", "linkerd-proxy"}});
  const auto answer = mutated(review(pod).dump());
  EXPECT_EQ(
      patch_of(answer.body).dump(),
      R"([{"op":"add","path":"/metadata/annotations/config.linkerd.io~1shutdown-grace-period","value":"20s"},)"
      R"({"op":"add","path":"/spec/containers/1/env","value":[{"name":"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD","value":"20000ms"}]}])");
  EXPECT_EQ(Json::parse(answer.body)["response"]["auditAnnotations"].dump(),
            R"({"findings":"GK001,GK003","fitted":"shutdown-grace-period=20s"})");
}

constexpr const char* kWhyDenied =
    "GK001 grace-too-short: terminationGracePeriodSeconds 30 (Kubernetes' default) is less than 60 "
    "= app 60 (container web: preStop 0 + shutdown 60) + wait 0 (no proxy) + grace 0 (no proxy). "
    "Set terminationGracePeriodSeconds to 60 or more.";

TEST(Admission, DeniesWithTheWholeMessage) {
  for (const auto& answer :
       {mutated(review(short_pod()).dump()), validated(review(short_pod()).dump())}) {
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, refused("403", "Forbidden", kWhyDenied));
    EXPECT_EQ(answer.record.outcome, Outcome::Denied);
    EXPECT_EQ(answer.record.message, kWhyDenied);
  }
}

TEST(Admission, ADenialKeepsTheOtherWarnings) {
  auto pod = short_pod();
  pod["metadata"]["annotations"]["gracekeeper.dev/on-shortfal"] = "raise";
  const auto response = Json::parse(mutated(review(pod).dump()).body).at("response");
  EXPECT_EQ(response.at("status").at("code"), 403);
  EXPECT_EQ(response.at("warnings").dump(),
            R"(["GK005 unknown annotation; did you mean gracekeeper.dev/on-shortfall?"])");
  EXPECT_FALSE(response.contains("patch"));
}

TEST(Admission, WarningsAreShortAndClean) {
  auto pod = annotated_pod({{"linkerd.io/inject", "enabled"},
                            {"gracekeeper.dev/app-shutdown", std::string(300, 'x') + "\n\x1B[31m"},
                            {"gracekeeper.dev/on-shortfall", "warn"}});
  pod["spec"]["containers"][0]["name"] = std::string(300, 'n') + "\x07";
  const auto response = Json::parse(mutated(review(pod).dump()).body).at("response");
  const auto& warnings = response.at("warnings");
  ASSERT_FALSE(warnings.empty());
  for (const auto& warning : warnings) {
    const auto text = warning.get<std::string>();
    EXPECT_EQ(text, warning_text(text)) << "already at most 120 characters, no control characters";
    EXPECT_TRUE(text.starts_with("GK")) << text;
  }
}

TEST(Admission, ErrorsAreToldBeforeWarningsAndHintsNotAtAll) {
  auto pod = annotated_pod(
      {{"linkerd.io/inject", "enabled"}, {"config.linkerd.io/shutdown-grace-period", "30"}});
  pod["spec"]["containers"][0]["ports"] = Json::array({{{"containerPort", 8080}}});
  const auto answer = mutated(review(pod).dump());
  EXPECT_EQ(
      Json::parse(answer.body)["response"]["warnings"].dump(),
      R"(["GK004 config.linkerd.io/shutdown-grace-period: its value is not usable and counts )"
      R"(as absent",)"
      R"("GK001 terminationGracePeriodSeconds 30 < 130 = app 10 + wait 0 + grace 120"])");
  EXPECT_EQ(Json::parse(answer.body)["response"]["auditAnnotations"].dump(),
            R"({"findings":"GK001,GK004,GK010"})");
}

TEST(Admission, TooManyWarningsAreCounted) {
  Json annotations = Json::object();
  for (int i = 0; i < 40; ++i)
    annotations["config.linkerd.io/proxy-log-leve" + std::string(1, static_cast<char>('A' + i))] =
        "x";
  const auto response =
      Json::parse(mutated(review(annotated_pod(annotations)).dump()).body).at("response");
  EXPECT_EQ(response.at("warnings").size(), 30U);
  EXPECT_EQ(response.at("warnings").back(), "11 more warnings are in gracekeeper's log");
}

TEST(Admission, AnInjectionThatLacksTheTrustAnchorsIsRemarked) {
  const auto policy = make_policy({}, LinkerdValues{}, "gracekeeper");
  const auto pod = annotated_pod(
      {{"linkerd.io/inject", "enabled"}, {"config.linkerd.io/shutdown-grace-period", "5s"}});
  const auto answer = mutated(review(pod).dump(), policy);
  ASSERT_EQ(answer.record.remarks.size(), 1U);
  EXPECT_NE(answer.record.remarks[0].find("identityTrustAnchorsPEM"), std::string::npos);
  EXPECT_EQ(Json::parse(answer.body)["response"]["warnings"][0],
            warning_text(answer.record.remarks[0]));
}

// ---- names

TEST(Admission, TheRequestsNamespaceCounts) {
  const auto policy = policy_with();
  std::vector<std::string> asked;
  const AdmissionContext context{
      .policy = policy, .find_namespace = [&](std::string_view name) {
        asked.emplace_back(name);
        Namespace where{std::string(name), {}};
        where.annotations.emplace("gracekeeper.dev/app-shutdown", AnnotationValue{"60s", true});
        return std::make_shared<const Namespace>(std::move(where));
      }};
  auto pod = annotated_pod({{"gracekeeper.dev/on-shortfall", "deny"}});
  pod["metadata"]["namespace"] = "claimed";
  const auto answer = mutate(review_of(pod, "real").dump(), context);
  EXPECT_EQ(asked, std::vector<std::string>{"real"});
  EXPECT_EQ(answer.record.namespace_name, "real");
  EXPECT_EQ(answer.record.outcome, Outcome::Denied) << "the Namespace's shutdown counts";
}

TEST(Admission, ANamespaceThatIsNotKnownYetIsRemarkedInTheLogOnly) {
  const auto policy = policy_with();
  const AdmissionContext context{.policy = policy, .find_namespace = [](std::string_view) {
                                   return std::shared_ptr<const Namespace>();
                                 }};
  const auto body = review_of(annotated_pod({}), "new").dump();
  const std::vector<std::string> expected{
      "the Namespace new is not known yet: decided as if it had no annotations"};
  for (const auto& answer : {mutate(body, context), validate(body, context)}) {
    EXPECT_EQ(answer.record.remarks, expected);
    EXPECT_FALSE(Json::parse(answer.body)["response"].contains("warnings"));
  }
  const AdmissionContext without_cluster{.policy = policy, .find_namespace = nullptr};
  EXPECT_TRUE(mutate(body, without_cluster).record.remarks.empty());
}

TEST(Admission, APodWithoutANameIsCalledByItsGenerateName) {
  auto pod = plain_pod();
  pod["metadata"] = {{"generateName", "web-6d4b75cb6d-"},
                     {"labels", {{"pod-template-hash", "6d4b75cb6d"}}},
                     {"ownerReferences", Json::array({{{"apiVersion", "apps/v1"},
                                                       {"kind", "ReplicaSet"},
                                                       {"name", "web-6d4b75cb6d"},
                                                       {"controller", true}}})}};
  const auto record = mutated(review(pod).dump()).record;
  EXPECT_EQ(record.name, "web-6d4b75cb6d-");
  EXPECT_EQ(record.owner, "Deployment/web");
  EXPECT_EQ(record.kind, "Pod");
  EXPECT_EQ(record.operation, "CREATE");
  EXPECT_EQ(record.namespace_name, "shop");
}

TEST(OwnerOf, NamesTheWorkloadBehindAPod) {
  const auto pod = [](std::vector<OwnerReference> owners, std::string hash = "") {
    Pod made;
    made.owners = std::move(owners);
    if (!hash.empty()) made.labels.emplace("pod-template-hash", hash);
    return made;
  };
  EXPECT_EQ(owner_of(pod({})), "");
  EXPECT_EQ(owner_of(pod({{"ReplicaSet", "web-5f", true}}, "5f")), "Deployment/web");
  EXPECT_EQ(owner_of(pod({{"ReplicaSet", "web-5f", true}}, "6a")), "ReplicaSet/web-5f");
  EXPECT_EQ(owner_of(pod({{"ReplicaSet", "web-5f", true}})), "ReplicaSet/web-5f");
  EXPECT_EQ(owner_of(pod({{"ReplicaSet", "-5f", true}}, "5f")), "ReplicaSet/-5f");
  EXPECT_EQ(owner_of(pod({{"StatefulSet", "db", true}}, "5f")), "StatefulSet/db");
  EXPECT_EQ(owner_of(pod({{"Custom", "helper"}, {"Job", "import", true}})), "Job/import")
      << "the controller, wherever it stands";
  EXPECT_EQ(owner_of(pod({{"Custom", "helper"}})), "") << "an owner that is no controller";
}

// ---- validation

Json workload(const std::string& api_version, const std::string& kind, const Json& pod) {
  Json spec{{"template", {{"metadata", pod.at("metadata")}, {"spec", pod.at("spec")}}}};
  if (kind == "CronJob") spec = {{"jobTemplate", {{"spec", spec}}}};
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
          {"spec", std::move(spec)}};
}

TEST(Validate, JudgesTheTemplateOfEveryWorkload) {
  for (const auto& [api_version, kind] :
       std::vector<std::pair<std::string, std::string>>{{"apps/v1", "Deployment"},
                                                        {"apps/v1", "StatefulSet"},
                                                        {"apps/v1", "DaemonSet"},
                                                        {"apps/v1", "ReplicaSet"},
                                                        {"v1", "ReplicationController"},
                                                        {"batch/v1", "Job"},
                                                        {"batch/v1", "CronJob"},
                                                        {"batch/v1beta1", "CronJob"},
                                                        {"extensions/v1beta1", "Deployment"}}) {
    SCOPED_TRACE(kind);
    for (const char* operation : {"CREATE", "UPDATE"}) {
      const auto answer =
          validated(review(workload(api_version, kind, short_pod()), operation).dump());
      EXPECT_EQ(answer.status, 200);
      EXPECT_EQ(answer.body, refused("403", "Forbidden", kWhyDenied));
    }
    const auto allowed = validated(review(workload(api_version, kind, plain_pod())).dump());
    EXPECT_EQ(allowed.body, kAllowed);
  }
}

TEST(Validate, AnUpdateThatLeavesTheTemplateIsNeverInTheWay) {
  auto update = review(workload("apps/v1", "Deployment", short_pod()), "UPDATE");
  update["request"]["oldObject"] = update["request"]["object"];
  update["request"]["object"]["spec"]["replicas"] = 0;
  update["request"]["object"]["metadata"].erase("finalizers");
  EXPECT_EQ(validated(update.dump()).body, kAllowed);
  auto& pod = update["request"]["object"]["spec"]["template"];
  pod["metadata"]["annotations"]["gracekeeper.dev/app-shutdown"] = "61s";
  EXPECT_EQ(Json::parse(validated(update.dump()).body)["response"]["allowed"], false);
}

TEST(Validate, AWorkloadIsJudgedAsItWillBeInjectedAndNeverPatched) {
  const auto pod = annotated_pod({{"linkerd.io/inject", "enabled"},
                                  {"config.linkerd.io/shutdown-grace-period", "60s"},
                                  {"gracekeeper.dev/on-shortfall", "raise"}});
  const auto answer = validated(review(workload("apps/v1", "Deployment", pod)).dump());
  EXPECT_EQ(
      answer.body,
      R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true,)"
      R"("auditAnnotations":{"findings":"GK001","raised":"terminationGracePeriodSeconds=70"},)"
      R"("warnings":["GK001 terminationGracePeriodSeconds 30 < 70 = app 10 + wait 0 + grace 60; raised to 70"]}})");
  EXPECT_EQ(answer.record.patch_operations, 0U);
}

TEST(Validate, MissesAProxyThatWasAskedFor) {
  const auto pod = annotated_pod({{"linkerd.io/inject", "enabled"}});
  const auto response = Json::parse(validated(review(pod).dump()).body).at("response");
  EXPECT_EQ(response.at("allowed"), true);
  EXPECT_EQ(
      response.at("warnings").dump(),
      R"(["linkerd.io/inject asks for a proxy but the pod has none: was the mutating webhook )"
      R"(out of reach?"])");
}

TEST(Validate, MissesAHookThatWasLost) {
  auto pod = annotated_pod({{"config.alpha.linkerd.io/proxy-wait-before-exit-seconds", "10"}});
  pod["spec"]["terminationGracePeriodSeconds"] = 140;
  pod["spec"]["containers"].push_back({{"name", "linkerd-proxy"}});
  const auto response = Json::parse(validated(review(pod).dump()).body).at("response");
  EXPECT_EQ(response.at("allowed"), true);
  EXPECT_EQ(
      response.at("warnings").dump(),
      R"(["GK003 wait 0 < app 10: new connections of the app fail after 0 s",)"
      R"("the proxy waits 0 s, but 10 s are asked for: its preStop hook was lost or changed"])");
}

// ---- texts

TEST(WarningText, IsAtMost120CharactersWithoutControlCharacters) {
  const std::string longest(120, 'a');
  EXPECT_EQ(warning_text(longest), longest);
  EXPECT_EQ(warning_text(longest + "b"), std::string(119, 'a') + "\u2026");
  EXPECT_EQ(warning_text(""), "");
  EXPECT_EQ(warning_text("a\nb\tc\x1B[0m\x7F"), "a b c [0m ");
  // Characters are counted, not bytes, and none is cut in the middle.
  std::string accents;
  for (int i = 0; i < 121; ++i) accents += "\u00e9";
  std::string cut;
  for (int i = 0; i < 119; ++i) cut += "\u00e9";
  EXPECT_EQ(warning_text(accents), cut + "\u2026");
  EXPECT_EQ(warning_text("a\xC2\x9B"
                         "b\u00a0c"),
            "a b\u00a0c")
      << "U+0080 to U+009F are controls, too";
}

TEST(StatusBody, NamesTheReasonOfItsCode) {
  EXPECT_EQ(status_body(413, "too \"large\""),
            R"({"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure",)"
            R"("message":"too \"large\"","reason":"RequestEntityTooLarge","code":413})");
  for (const auto& [code, reason] :
       std::vector<std::pair<int, std::string>>{{400, "BadRequest"},
                                                {403, "Forbidden"},
                                                {404, "NotFound"},
                                                {405, "MethodNotAllowed"},
                                                {415, "UnsupportedMediaType"},
                                                {418, "BadRequest"},
                                                {500, "InternalError"},
                                                {503, "ServiceUnavailable"}}) {
    EXPECT_EQ(Json::parse(status_body(code, "m")).at("reason"), reason);
  }
}

TEST(LetThroughAfterFailure, LeavesThePodAsItIs) {
  const auto answer = let_through_after_failure(review(short_pod()).dump());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(
      answer.body,
      R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true,)"
      R"("warnings":["gracekeeper failed to decide about this pod and left it as it is"]}})");
  EXPECT_EQ(answer.record.outcome, Outcome::Failed);
  const auto unreadable = let_through_after_failure("nonsense");
  EXPECT_EQ(unreadable.status, 500);
  EXPECT_EQ(unreadable.body,
            R"({"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure",)"
            R"("message":"internal error","reason":"InternalError","code":500})");
}

}  // namespace
}  // namespace gracekeeper
