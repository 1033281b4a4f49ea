// Requests to the webhook and the answers that they are compared with.
#pragma once

#include <string>

#include "../../support/review.h"
#include "admission/admission.h"

namespace gracekeeper::testing {

inline Policy policy_with(Configuration configuration = {}) {
  LinkerdValues values;
  values.trust_anchors_pem = "anchors";  // else every injection has a warning
  return make_policy(configuration, std::move(values), "gracekeeper");
}

inline Answer mutated(const std::string& body, const Policy& policy = policy_with()) {
  return mutate(body, {.policy = policy, .find_namespace = nullptr});
}
inline Answer validated(const std::string& body, const Policy& policy = policy_with()) {
  return validate(body, {.policy = policy, .find_namespace = nullptr});
}

// A pod with no proxy and nothing to find.
inline Json plain_pod() {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
          {"spec", {{"containers", Json::array({{{"name", "web"}, {"image", "web:1"}}})}}}};
}

inline Json annotated_pod(const Json& annotations) {
  auto pod = plain_pod();
  pod["metadata"]["annotations"] = annotations;
  return pod;
}

// 30 s are too short for the 60 s of the application that are stated.
inline Json short_pod() { return annotated_pod({{"gracekeeper.dev/app-shutdown", "60s"}}); }

inline Json review(const Json& object) { return review_of(object, "shop"); }
inline Json review(const Json& object, const char* operation) {
  auto whole = review(object);
  whole["request"]["operation"] = operation;
  return whole;
}

inline constexpr const char* kAllowed =
    R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true}})";

inline std::string refused(const std::string& code, const std::string& reason,
                           const std::string& message) {
  return R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":false,"status":{"code":)" +
         code + R"(,"reason":")" + reason + R"(","message":)" + Json(message).dump() + "}}}";
}

inline std::string bad_request(const std::string& message) {
  return R"({"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","message":)" +
         Json(message).dump() + R"(,"reason":"BadRequest","code":400})";
}

}  // namespace gracekeeper::testing
