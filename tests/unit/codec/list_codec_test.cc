#include "codec/list_codec.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace gracekeeper {
namespace {

TEST(ListCodec, ReadsAPage) {
  const auto page = decode_list_page(R"({
    "kind": "ConfigMapList", "apiVersion": "v1",
    "metadata": {"resourceVersion": "7", "continue": "next", "remainingItemCount": 3},
    "items": [
      {"metadata": {"name": "linkerd-config", "namespace": "linkerd", "resourceVersion": "5",
                    "annotations": {"a": "1"}, "labels": {"x": "y"}},
       "data": {"values": "proxy: {}"}},
      {"metadata": {"name": "web-1", "ownerReferences": [
         {"apiVersion": "v1", "kind": "Other", "name": "x"},
         {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": true}]},
       "status": {"conditions": [{"type": "Failed", "status": "True"}]}}]})");
  ASSERT_TRUE(page) << to_string(page.error());
  EXPECT_EQ(page->resource_version, "7");
  EXPECT_EQ(page->continue_token, "next");
  ASSERT_EQ(page->items.size(), 2U);
  const auto& first = page->items[0];
  EXPECT_EQ(first.namespace_name + "/" + first.name + "@" + first.resource_version,
            "linkerd/linkerd-config@5");
  EXPECT_EQ(first.annotations.at("a").text, "1");
  EXPECT_EQ(first.data.at("values"), "proxy: {}");
  EXPECT_EQ(first.controller, "");
  EXPECT_EQ(page->items[1].controller, "Deployment");
  EXPECT_TRUE(page->items[1].is_finished);
}

TEST(ListCodec, NullItemsAreGosEmptyList) {
  const auto page = decode_list_page(R"({"metadata":{"resourceVersion":"1"},"items":null})");
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->items.empty());
}

TEST(ListCodec, KnowsWhatHasEnded) {
  const std::vector<std::pair<std::string, bool>> rows{
      {R"({"phase":"Running"})", false},
      {R"({"phase":"Succeeded"})", true},
      {R"({"phase":"Failed"})", true},
      {R"({"conditions":[{"type":"Complete","status":"True"}]})", true},
      {R"({"conditions":[{"type":"Complete","status":"False"}]})", false},
      {R"({"conditions":[{"type":"Suspended","status":"True"}]})", false},
      {R"({"conditions":7})", false},
      {R"({})", false}};
  for (const auto& [status, is_finished] : rows) {
    const auto page = decode_list_page(fmt::format(
        R"({{"metadata":{{}},"items":[{{"metadata":{{"name":"x"}},"status":{}}}]}})", status));
    ASSERT_TRUE(page);
    EXPECT_EQ(page->items.at(0).is_finished, is_finished) << status;
  }
}

// "put shop@7", "error 410 too old", or the refusal.
std::string told(const Result<WatchEvent>& event) {
  if (!event) return to_string(event.error());
  const auto object = event->object.name + "@" + event->object.resource_version;
  switch (event->type) {
    case WatchEvent::Type::Put:
      return "put " + object;
    case WatchEvent::Type::Deleted:
      return "deleted " + object;
    case WatchEvent::Type::Bookmark:
      return "bookmark " + object;
    case WatchEvent::Type::Error:
      return fmt::format("error {} {}", event->code, event->message);
  }
  return "";
}

TEST(ListCodec, ReadsEvents) {
  const std::string shop = R"({"metadata":{"name":"shop","resourceVersion":"7"}})";
  const std::vector<std::pair<std::string, std::string>> rows{
      {R"({"type":"ADDED","object":)" + shop + "}", "put shop@7"},
      {R"({"type":"MODIFIED","object":)" + shop + "}", "put shop@7"},
      {R"({"type":"DELETED","object":)" + shop + "}", "deleted shop@7"},
      {R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8","annotations":{"k8s.io/initial-events-end":"true"}}}})",
       "bookmark @8"},
      {R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})",
       "error 410 too old"},
      {R"({"type":"ERROR","object":{"code":"x"}})", "error 0 "},
      {R"({"type":"ODD","object":{}})", "the event's type is unknown: \"ODD\""},
      {R"({"type":"ADDED"})", "the event has no object"},
      {R"({"type":"ADDED","object":{"metadata":{"name":"x"}}})",
       "the event has no resource version"},
      {R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}})",
       "the event's object has no name"},
      {R"({"type":"ADDED","object":{"metadata":{"name":7}}})",
       "metadata.name: expected a string, got 7"},
      {R"({"type":7,"object":{}})", "type: expected a string, got 7"},
      {"[]", "the answer is no JSON object"}};
  for (const auto& [line, expected] : rows) EXPECT_EQ(told(decode_watch_event(line)), expected);
}

TEST(ListCodec, SaysWhatAServerSaid) {
  EXPECT_EQ(status_message(R"({"kind":"Status","message":"forbidden"})"), "forbidden");
  EXPECT_EQ(status_message("<html>"), "<html>");
  EXPECT_EQ(status_message(std::string(199, 'x') + "é!"), std::string(199, 'x') + "…");
}

TEST(ListCodec, ReadsTheVersion) {
  EXPECT_EQ(decode_version(R"({"major":"1","minor":"29+","gitVersion":"v1.29.3-eks"})"),
            (KubernetesVersion{1, 29}));
  EXPECT_EQ(decode_version(R"({"gitVersion":"v1.29.3"})").error().message,
            "the answer to /version has no major and minor");
  EXPECT_EQ(decode_version("x").error().message.rfind("the answer is not JSON: ", 0), 0U);
}

}  // namespace
}  // namespace gracekeeper
