// Requests that cannot be read: each gets a well-formed answer.
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "answers.h"

namespace gracekeeper {
namespace {

using testing::bad_request;
using testing::Json;
using testing::mutated;
using testing::plain_pod;
using testing::refused;
using testing::review;
using testing::validated;

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

}  // namespace
}  // namespace gracekeeper
