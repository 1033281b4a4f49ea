#include "admission/admission.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "core/base64.h"
#include "../../support/review.h"

namespace gracekeeper {
namespace {

using testing::Json;
using testing::patch_of;
using testing::review_of;

Policy policy_with(Configuration configuration = {}) {
  LinkerdValues values;
  values.trust_anchors_pem = "anchors";  // else every injection has a warning
  return make_policy(configuration, std::move(values), "gracekeeper");
}

Answer mutated(const std::string& body, const Policy& policy = policy_with()) {
  return mutate(body, {.policy = policy, .find_namespace = nullptr});
}
Answer validated(const std::string& body, const Policy& policy = policy_with()) {
  return validate(body, {.policy = policy, .find_namespace = nullptr});
}

// A pod with no proxy and nothing to find.
Json plain_pod() {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
          {"spec", {{"containers", Json::array({{{"name", "web"}, {"image", "web:1"}}})}}}};
}

Json annotated_pod(const Json& annotations) {
  auto pod = plain_pod();
  pod["metadata"]["annotations"] = annotations;
  return pod;
}

// 30 s are too short for the 60 s of the application that are stated.
Json short_pod() { return annotated_pod({{"gracekeeper.dev/app-shutdown", "60s"}}); }

Json review(const Json& object) { return review_of(object, "shop"); }
Json review(const Json& object, const char* operation) {
  auto whole = review(object);
  whole["request"]["operation"] = operation;
  return whole;
}

constexpr const char* kAllowed =
    R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true}})";

std::string refused(const std::string& code, const std::string& reason,
                    const std::string& message) {
  return R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":false,"status":{"code":)" +
         code + R"(,"reason":")" + reason + R"(","message":)" + Json(message).dump() + "}}}";
}

std::string bad_request(const std::string& message) {
  return R"({"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","message":)" +
         Json(message).dump() + R"(,"reason":"BadRequest","code":400})";
}

// ---- requests that cannot be read

TEST(Admission, AnswersWhatHasNoUidWithAStatus) {
  const std::string pod = plain_pod().dump();
  auto without_uid = review(plain_pod());
  without_uid["request"].erase("uid");
  auto empty_uid = review(plain_pod());
  empty_uid["request"]["uid"] = "";
  auto number_uid = review(plain_pod());
  number_uid["request"]["uid"] = 7;
  auto beta = review(plain_pod());
  beta["apiVersion"] = "admission.k8s.io/v1beta1";
  const auto whole = review(plain_pod()).dump();
  struct Row {
    std::string claim;
    std::string body;
    std::string message;
  };
  const std::vector<Row> rows{
      {"empty body", "", "the request has no body; an AdmissionReview is expected"},
      {"no uid", without_uid.dump(), "request.uid: expected a string that is not empty"},
      {"empty uid", empty_uid.dump(), "request.uid: expected a string that is not empty"},
      {"uid of a wrong type", number_uid.dump(),
       "request.uid: expected a string that is not empty"},
      {"no request", R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"})",
       "request.uid: expected a string that is not empty"},
      {"a pod", pod, "request.uid: expected a string that is not empty"},
      {"a list", "[1]", "an AdmissionReview is expected, got a list"},
      {"a string", "\"review\"", "an AdmissionReview is expected, got \"review\""},
      {"null", "null", "an AdmissionReview is expected, got null"},
      {"v1beta1, which is clear about what to do", beta.dump(),
       "admission.k8s.io/v1beta1 is not served: register the webhook with "
       "admissionReviewVersions: [\"v1\"]"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    for (const auto& answer : {mutated(row.body), validated(row.body)}) {
      EXPECT_EQ(answer.status, 400);
      EXPECT_EQ(answer.body, bad_request(row.message));
      EXPECT_EQ(answer.record.outcome, Outcome::Invalid);
      EXPECT_EQ(answer.record.message, row.message);
    }
  }
}

TEST(Admission, AnswersWhatIsNotOneJsonDocumentWithAStatus) {
  const auto whole = review(plain_pod()).dump();
  const std::vector<std::string> bodies{
      "{",
      "apiVersion: admission.k8s.io/v1\n",
      whole.substr(0, whole.size() - 1),
      whole.substr(0, whole.size() / 2),
      whole + whole,
      whole + "x",
      std::string(2000, '[') + std::string(2000, ']'),
      R"({"request":{"uid":"u-1","object":)" + std::string(2000, '[') + std::string(2000, ']') +
          "}}",
      std::string("\xFF\xFE", 2),
      "{\"request\":{\"uid\":\"\xFF\"}}",
      std::string(1, '\0'),
      "   ",
  };
  for (const auto& body : bodies) {
    SCOPED_TRACE(body.substr(0, 60));
    for (const auto& answer : {mutated(body), validated(body)}) {
      EXPECT_EQ(answer.status, 400);
      EXPECT_EQ(answer.body.find(R"({"apiVersion":"v1","kind":"Status","metadata":{},)"
                                 R"("status":"Failure","message":"the body is not one JSON )"
                                 R"(document: )"),
                0U)
          << answer.body;
      EXPECT_TRUE(answer.body.ends_with(R"("reason":"BadRequest","code":400})")) << answer.body;
      EXPECT_EQ(answer.record.outcome, Outcome::Invalid);
    }
  }
}

TEST(Admission, AnswersWhatHasAUidWithARefusalOfCode400) {
  const auto changed = [](const std::function<void(Json&)>& change) {
    auto whole = review(plain_pod());
    change(whole);
    return whole.dump();
  };
  struct Row {
    std::string body;
    std::string message;
  };
  const std::vector<Row> rows{
      {changed([](Json& r) { r["kind"] = "Pod"; }),
       "expected kind AdmissionReview of admission.k8s.io/v1, got kind \"Pod\" of "
       "\"admission.k8s.io/v1\""},
      {changed([](Json& r) { r["apiVersion"] = "admission.k8s.io/v2"; }),
       "expected kind AdmissionReview of admission.k8s.io/v1, got kind \"AdmissionReview\" of "
       "\"admission.k8s.io/v2\""},
      {changed([](Json& r) { r.erase("kind"); }),
       "expected kind AdmissionReview of admission.k8s.io/v1, got kind \"\" of "
       "\"admission.k8s.io/v1\""},
      {changed([](Json& r) { r["kind"] = 5; }), "kind: expected a string, got 5"},
      {changed([](Json& r) { r["request"]["operation"] = "PATCH"; }),
       "request.operation: expected CREATE, UPDATE, DELETE or CONNECT, got \"PATCH\""},
      {changed([](Json& r) { r["request"].erase("operation"); }),
       "request.operation: expected CREATE, UPDATE, DELETE or CONNECT, got \"\""},
      {changed([](Json& r) { r["request"]["operation"] = true; }),
       "request.operation: expected a string, got true"},
      {changed([](Json& r) { r["request"]["kind"] = "Pod"; }),
       "request.kind: expected an object, got \"Pod\""},
      {changed([](Json& r) { r["request"]["kind"]["kind"] = 1.5; }),
       "request.kind.kind: expected a string, got 1.5"},
      {changed([](Json& r) { r["request"]["namespace"] = Json::array(); }),
       "request.namespace: expected a string, got a list"},
      {changed([](Json& r) { r["request"].erase("object"); }),
       "request.object: expected an object, got none"},
      {changed([](Json& r) { r["request"]["object"] = nullptr; }),
       "request.object: expected an object, got none"},
      // Of the object itself only what is read can be refused.
      {changed([](Json& r) { r["request"]["object"]["kind"] = 5; }),
       "request.object.kind: expected a string, got 5"},
      {changed([](Json& r) { r["request"]["object"]["spec"] = "none"; }),
       "request.object.spec: expected an object, got \"none\""},
      {changed(
           [](Json& r) { r["request"]["object"]["spec"]["terminationGracePeriodSeconds"] = "30"; }),
       "request.object.spec.terminationGracePeriodSeconds: expected an integer, got \"30\""},
      {changed([](Json& r) { r["request"]["object"]["spec"]["containers"][0]["name"] = 1; }),
       "request.object.spec.containers[0].name: expected a string, got 1"},
      {changed([](Json& r) { r["request"]["object"]["metadata"]["annotations"] = "none"; }),
       "request.object.metadata.annotations: expected an object, got \"none\""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.message);
    for (const auto& answer : {mutated(row.body), validated(row.body)}) {
      EXPECT_EQ(answer.status, 200);
      EXPECT_EQ(answer.body, refused("400", "BadRequest", row.message));
      EXPECT_EQ(answer.record.outcome, Outcome::Invalid);
      EXPECT_EQ(answer.record.uid, "u-1");
      EXPECT_EQ(answer.record.message, row.message);
    }
  }
}

TEST(Admission, EchoesAnyUid) {
  for (const std::string uid :
       {"705ab4f5-6393-11e8-b7cc-42010a800002", "quote\" backslash\\ \xC3\xA9\n"}) {
    auto whole = review(plain_pod());
    whole["request"]["uid"] = uid;
    EXPECT_EQ(Json::parse(mutated(whole.dump()).body).at("response"),
              (Json{{"uid", uid}, {"allowed", true}}));
  }
}

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
        return std::optional(where);
      }};
  auto pod = annotated_pod({{"gracekeeper.dev/on-shortfall", "deny"}});
  pod["metadata"]["namespace"] = "claimed";
  const auto answer = mutate(review_of(pod, "real").dump(), context);
  EXPECT_EQ(asked, std::vector<std::string>{"real"});
  EXPECT_EQ(answer.record.namespace_name, "real");
  EXPECT_EQ(answer.record.outcome, Outcome::Denied) << "the Namespace's shutdown counts";
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
  EXPECT_EQ(warning_text("a\xC2\x9B" "b\u00a0c"), "a b\u00a0c") << "U+0080 to U+009F are controls, too";
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
