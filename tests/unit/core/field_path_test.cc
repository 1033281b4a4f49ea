#include "core/field_path.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gracekeeper {
namespace {

TEST(FieldPath, IsWrittenForPeopleAndForPatches) {
  struct Row {
    FieldPath path;
    std::string text;
    std::string pointer;
  };
  const auto metadata = FieldPath{} / "metadata" / "annotations";
  const std::vector<Row> rows{
      {FieldPath{}, "", ""},
      {FieldPath{} / "spec", "spec", "/spec"},
      {FieldPath{} / "spec" / "containers" / 0 / "name", "spec.containers[0].name",
       "/spec/containers/0/name"},
      {FieldPath{} / "items" / std::size_t{12} / 3, "items[12][3]", "/items/12/3"},
      {metadata / "config.linkerd.io/shutdown-grace-period",
       "metadata.annotations[\"config.linkerd.io/shutdown-grace-period\"]",
       "/metadata/annotations/config.linkerd.io~1shutdown-grace-period"},
      {metadata / "a~1/b", "metadata.annotations[\"a~1/b\"]", "/metadata/annotations/a~01~1b"},
      {metadata / "~", "metadata.annotations[\"~\"]", "/metadata/annotations/~0"},
      {metadata / "plain-key_9", "metadata.annotations.plain-key_9",
       "/metadata/annotations/plain-key_9"},
      {metadata / "say \"hi\\\"", "metadata.annotations[\"say \\\"hi\\\\\\\"\"]",
       "/metadata/annotations/say \"hi\\\""},
      {metadata / "", "metadata.annotations[\"\"]", "/metadata/annotations/"},
      {FieldPath{} / "a.b", "[\"a.b\"]", "/a.b"},
      {FieldPath{} / "schl\u00fcssel", "[\"schl\u00fcssel\"]", "/schl\u00fcssel"},
      // A key of digits is a key, not an index.
      {metadata / "0", "metadata.annotations.0", "/metadata/annotations/0"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(to_string(row.path), row.text);
    EXPECT_EQ(to_pointer(row.path), row.pointer);
  }
}

TEST(FieldPath, IsJoinedFromTwo) {
  const auto to_pod = FieldPath{} / "spec" / "template";
  const auto in_pod = FieldPath{} / "spec" / "containers" / 1;
  EXPECT_EQ(to_string(to_pod / in_pod), "spec.template.spec.containers[1]");
  EXPECT_EQ(to_pod / FieldPath{}, to_pod);
  EXPECT_EQ(FieldPath{} / in_pod, in_pod);
  EXPECT_TRUE(FieldPath{}.empty());
  EXPECT_FALSE(to_pod.empty());
  EXPECT_NE(FieldPath{} / "0", FieldPath{} / 0);
}

}  // namespace
}  // namespace gracekeeper
