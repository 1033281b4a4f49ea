// What of a review is read; which answers follow is tests/unit/admission.
#include "codec/review_codec.h"

#include <fmt/format.h>
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

TEST(DecodeReview, RefusesWhatWouldTakeFarMoreMemoryThanItsText) {
  std::string empty_objects;
  for (int i = 0; i < 800'000; ++i) empty_objects += "{},";
  const auto values = decode_review(
      review(R"("operation":"CREATE","object":{"kind":"Pod","x":[)" + empty_objects + "{}]}"));
  ASSERT_FALSE(values.has_value());
  EXPECT_EQ(values.error().message, "the body has more than 1500000 JSON values");
  // In a string they are no values, behind an escaped quote neither.
  EXPECT_TRUE(decode_review(review(R"("operation":"CREATE","object":{"kind":"Pod","x":"\")" +
                                   empty_objects + "\"}"))
                  .has_value());

  const auto uid = decode_review(R"({"request":{"uid":")" + std::string(257, 'u') + "\"}}");
  ASSERT_FALSE(uid.has_value());
  EXPECT_EQ(uid.error().uid, "");
  EXPECT_EQ(uid.error().message, "request.uid: longer than 256 bytes");
}

// They are in messages, in the log, or in the patch, where they become a multiple of themselves.
TEST(DecodeReview, TakesNamesOf256BytesAndNoMore) {
  for (const std::string key :
       {"name", "namespace", "operation", "subResource", "kind", "resource"}) {
    const auto with = [&](std::size_t size) {
      const auto name = fmt::format("\"{}\"", std::string(size, 'n'));
      const bool is_part = key == "kind" || key == "resource";
      const auto value = is_part ? fmt::format(R"({{"{}":{}}})", key, name) : name;
      const auto rest = key == "operation" ? "" : R"(,"operation":"DELETE")";
      return decode_review(review(fmt::format(R"("{}":{}{})", key, value, rest)));
    };
    const auto refused = with(257);
    ASSERT_FALSE(refused.has_value()) << key;
    EXPECT_EQ(refused.error().uid, "u");
    EXPECT_EQ(refused.error().message, fmt::format("request.{}: longer than 256 bytes", key));
    EXPECT_EQ(with(256).has_value(), key != "operation");
  }
  const auto kind = decode_review(R"({"apiVersion":"a","kind":")" + std::string(257, 'k') +
                                  R"(","request":{"uid":"u"}})");
  ASSERT_FALSE(kind.has_value());
  EXPECT_EQ(kind.error().message, "kind, apiVersion: longer than 256 bytes");
}

TEST(DecodeReview, AnswersTheUidThatItHasJudged) {
  const auto request = decode_review(
      review(fmt::format(R"("operation":"DELETE","uid":"{}","uid":"")", std::string(5000, 'u'))));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->uid, "u");
}

TEST(DecodeReview, TakesAPodOf10000ContainersAndNoMore) {
  const auto pod_with = [](std::string_view key, int count) {
    std::string containers;
    for (int i = 0; i < count; ++i)
      containers += std::string(i == 0 ? "" : ",") + R"({"name":"c"})";
    return decode_review(review(R"("operation":"CREATE","object":{"kind":"Pod","spec":{")" +
                                std::string(key) + R"(":[)" + containers + "]}}"));
  };
  for (const std::string key : {"containers", "initContainers"}) {
    EXPECT_TRUE(pod_with(key, 10'000)->object.has_value());
    EXPECT_EQ(pod_with(key, 10'001)->object.error(),
              (FieldError{FieldPath{} / "spec" / key, "has 10001 items, at most 10000 are taken"}));
  }
}

std::string list_of(std::string_view item, int count) {
  std::string list = "[";
  for (int i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + std::string(item);
  return list + "]";
}

DecodedObject pod_with(std::string_view metadata, std::string_view spec,
                       std::string_view container) {
  return decode_review(review(fmt::format(R"("operation":"CREATE","object":{{"kind":"Pod",)"
                                          R"("metadata":{{"name":"p"{}}},"spec":{{{})"
                                          R"("containers":[{{"name":"c"{}}}]}}}})",
                                          metadata, spec, container)))
      ->object;
}

// A few bytes of a document are dozens where they are kept.
TEST(DecodeReview, TakesSoMuchOfAPodAndNoMore) {
  constexpr int kUsual = 299'900;
  constexpr int kTooMany = 300'001;
  const FieldPath container = FieldPath{} / "spec" / "containers" / std::size_t{0};
  const auto security = FieldPath{} / "securityContext";
  const struct {
    std::string_view format;
    std::string_view item;
    FieldPath path;
  } in_container[] = {
      {R"(,"args":{})", R"("")", FieldPath{} / "args"},
      {R"(,"ports":{})", "{}", FieldPath{} / "ports"},
      {R"(,"env":{})", "1", FieldPath{} / "env"},
      {R"(,"volumeMounts":{})", "1", FieldPath{} / "volumeMounts"},
      {R"(,"securityContext":{{"capabilities":{{"drop":{}}}}})", R"("")",
       security / "capabilities" / "drop"},
  };
  for (const auto& row : in_container) {
    const auto with = [&](int count) {
      return pod_with("", "", fmt::format(fmt::runtime(row.format), list_of(row.item, count)));
    };
    EXPECT_TRUE(with(kUsual).has_value()) << row.format;
    const auto refused = with(kTooMany);
    ASSERT_FALSE(refused.has_value()) << row.format;
    EXPECT_EQ(refused.error().path, container / row.path);
    EXPECT_TRUE(refused.error().message.ends_with(
        ": with all before it more than 300000, which are not taken"))
        << refused.error().message;
  }
  // Of these nothing is kept, however many.
  for (const std::string_view format :
       {R"(,"volumeMounts":[{}])", R"(,"securityContext":{{"capabilities":{}}})"}) {
    const auto text = fmt::format(fmt::runtime(format), list_of("1", kTooMany));
    EXPECT_TRUE(pod_with("", "", text)) << format;
  }
  EXPECT_FALSE(pod_with(fmt::format(R"(,"ownerReferences":{})", list_of("{}", kTooMany)), "", ""));
  EXPECT_FALSE(pod_with("", fmt::format(R"("volumes":{},)", list_of("{}", kTooMany)), ""));
}

TEST(DecodeReview, CountsAllOfAPodTogether) {
  const auto half = list_of(R"("")", 150'000);
  EXPECT_TRUE(pod_with("", "", R"(,"args":)" + half));
  const auto refused = pod_with("", "", R"(,"args":)" + half + R"(,"command":)" + half);
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_string(refused.error().path), "spec.containers[0].command");
}

TEST(DecodeReview, TakesSoManyAnnotationsAndLabels) {
  for (const std::string key : {"annotations", "labels"}) {
    const auto with = [&](int count) {
      std::string members;
      for (int i = 0; i < count; ++i) members += fmt::format("{}\"{}\":\"\"", i == 0 ? "" : ",", i);
      return pod_with(",\"" + key + "\":{" + members + "}", "", "");
    };
    EXPECT_TRUE(with(100'000).has_value());
    EXPECT_EQ(with(100'001).error(), (FieldError{FieldPath{} / "metadata" / key,
                                                 "has 100001 members, at most 100000 are taken"}));
  }
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

TEST(DecodeReview, KnowsWhatTakesLong) {
  const auto pod_with = [](int containers, std::string_view one) {
    std::string text;
    for (int i = 0; i < containers; ++i) text += one;
    return review(R"("operation":"CREATE","object":{"kind":"Pod","spec":{"containers":[)" + text +
                  "{}]}}");
  };
  EXPECT_FALSE(takes_long_to_decide(pod_with(3'000, "{},"))) << "not in so few bytes";
  EXPECT_TRUE(takes_long_to_decide(pod_with(9'000, "{},")));
  const std::string usual = R"({"name":"c","image":"registry.example/some/where/image:1.2.3"},)";
  EXPECT_FALSE(takes_long_to_decide(pod_with(500, usual)));
  EXPECT_TRUE(takes_long_to_decide(pod_with(1'000, usual)));
}

TEST(DecodeReview, ReadsInPlaceWhatHasReadableBytesBehindIt) {
  const std::string text = review(
      R"("operation":"CREATE","object":{"kind":"Pod","metadata":{"annotations":{"a":"b"}}})");
  for (const std::string& behind : {std::string(kReadableBehindReview, '\0'),
                                    std::string(kReadableBehindReview, '"'), std::string("}}")}) {
    const std::string all = text + behind;
    const auto request = decode_review(std::string_view(all).substr(0, text.size()), behind.size());
    ASSERT_TRUE(request.has_value()) << behind;
    EXPECT_EQ(std::get<Subject>(*request->object).pod.annotations.at("a").text, "b");
  }
  // What is not whole does not become so by what follows.
  const std::string half =
      text.substr(0, text.size() - 1) + std::string(kReadableBehindReview, '}');
  EXPECT_FALSE(
      decode_review(std::string_view(half).substr(0, text.size() - 1), kReadableBehindReview));
}

}  // namespace
}  // namespace gracekeeper
