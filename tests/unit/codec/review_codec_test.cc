// What of a review is read; which answers follow is tests/unit/admission.
#include "codec/review_codec.h"

#include <gtest/gtest.h>
#include <string>

namespace gracekeeper {
namespace {

std::string review(const std::string& request) {
  return R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u",)" +
         request + "}}";
}

TEST(DecodeReview, ReadsTheRequestAndItsObject) {
  const auto request = decode_review(review(
      R"("kind":{"group":"","version":"v1","kind":"Pod"},)"
      R"("resource":{"group":"","version":"v1","resource":"pods"},"requestKind":{"kind":"X"},)"
      R"("name":"web","namespace":"shop","operation":"CREATE","userInfo":{"username":"me"},)"
      R"("object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"other",)"
      R"("managedFields":[{"manager":"kubectl","fieldsV1":{"f:spec":{}}}]}},)"
      R"("oldObject":null,"dryRun":true,"options":{})"));
  ASSERT_TRUE(request.has_value()) << request.error().message;
  EXPECT_EQ(request->uid, "u");
  EXPECT_EQ(request->kind, "Pod");
  EXPECT_EQ(request->resource, "pods");
  EXPECT_EQ(request->subresource, "");
  EXPECT_EQ(request->operation, "CREATE");
  EXPECT_EQ(request->name, "web");
  EXPECT_EQ(request->namespace_name, "shop");
  EXPECT_TRUE(request->has_object);
  EXPECT_FALSE(request->is_mirror_pod);
  ASSERT_TRUE(request->object.has_value());
  EXPECT_EQ(std::get<Subject>(*request->object).namespace_name, "shop")
      << "the request's namespace is the object's";
}

TEST(DecodeReview, WithoutANamespaceTheObjectKeepsItsOwn) {
  const auto request = decode_review(
      review(R"("operation":"CREATE","object":{"kind":"Pod","metadata":{"namespace":"other"}})"));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(std::get<Subject>(*request->object).namespace_name, "other");
}

TEST(DecodeReview, KnowsMirrorPods) {
  const auto request = decode_review(
      review(R"("operation":"CREATE","object":{"kind":"Pod","metadata":{"annotations":{)"
             R"("kubernetes.io/config.mirror":"x"}}})"));
  ASSERT_TRUE(request.has_value());
  EXPECT_TRUE(request->is_mirror_pod);
}

TEST(DecodeReview, DoesNotReadObjectsThatNobodyLooksAt) {
  for (const char* rest : {R"("operation":"DELETE","object":{"kind":5})",
                           R"("operation":"CONNECT","object":{"kind":5})",
                           R"("operation":"CREATE","subResource":"eviction","object":{"kind":5})",
                           R"("operation":"DELETE")", R"("operation":"DELETE","object":null)"}) {
    const auto request = decode_review(review(rest));
    ASSERT_TRUE(request.has_value()) << rest;
    ASSERT_TRUE(request->object.has_value()) << rest;
    EXPECT_TRUE(std::holds_alternative<OtherObject>(*request->object)) << rest;
  }
}

TEST(DecodeReview, AnObjectThatCannotBeReadIsNoErrorOfTheReview) {
  const auto request =
      decode_review(review(R"("operation":"CREATE","object":{"kind":"Pod","spec":5})"));
  ASSERT_TRUE(request.has_value());
  ASSERT_FALSE(request->object.has_value());
  EXPECT_EQ(request->object.error(),
            (FieldError{FieldPath{} / "spec", "expected an object, got 5"}));
}

TEST(DecodeReview, KeepsTheUidOfAReviewThatIsRefused) {
  const auto refused = decode_review(R"({"request":{"uid":"u","operation":"CREATE"}})");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().uid, "u");
  const auto twice =
      decode_review(R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",)"
                    R"("request":{"uid":"u"},"request":5})");
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().uid, "u");
  EXPECT_EQ(twice.error().message, "request: expected an object, got 5");
}

TEST(DecodeReview, ReadsALargeReviewAndASmallOneAfterIt) {
  const std::string padding(3U << 20U, 'x');
  for (const auto& text : {padding, std::string("small"), padding}) {
    const auto request = decode_review(
        review(R"("operation":"CREATE","object":{"kind":"Pod","metadata":{"annotations":{"a":")" +
               text + "\"}}}"));
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(std::get<Subject>(*request->object).pod.annotations.at("a").text, text);
  }
}

}  // namespace
}  // namespace gracekeeper
