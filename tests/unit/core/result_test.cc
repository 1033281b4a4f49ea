#include "core/result.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace gracekeeper {
namespace {

TEST(Error, IsRenderedWithThePartsThatAreKnown) {
  const std::vector<std::pair<Error, std::string>> rows{
      {{.message = "bad", .file = {}, .position = {}, .path = {}}, "bad"},
      {{.message = "bad", .file = "a.yaml", .position = {}, .path = {}}, "a.yaml: bad"},
      {{.message = "bad", .file = "a.yaml", .position = {3, 0}, .path = {}}, "a.yaml:3: bad"},
      {{.message = "bad", .file = "a.yaml", .position = {3, 7}, .path = "spec.x"},
       "a.yaml:3:7: spec.x: bad"},
      {{.message = "bad", .file = {}, .position = {3, 7}, .path = {}}, "line 3, column 7: bad"},
      {{.message = "bad", .file = {}, .position = {}, .path = "spec.x"}, "spec.x: bad"},
  };
  for (const auto& [error, text] : rows) EXPECT_EQ(to_string(error), text);
}

}  // namespace
}  // namespace gracekeeper
