#include <gtest/gtest.h>
#include <string>

#include "rules/registry.h"

namespace gracekeeper {
namespace {

std::size_t findings_in(int misspelt) {
  Namespace where{.name = "shop", .annotations = {}};
  for (int i = 0; i < misspelt; ++i) {
    // One letter from the name of config.linkerd.io/shutdown-grace-period.
    auto key = std::to_string(i) + ".linkerd.io/shutdown-grace-perio";
    where.annotations.emplace(std::move(key), AnnotationValue{"5s"});
  }
  return gk005_unknown_annotation().check_namespace(where, {}).size();
}

TEST(UnknownAnnotation, SuggestsAKeyForEach) { EXPECT_EQ(findings_in(200), 200U); }

// A hostile object holds tens of thousands, each compared with every known key.
TEST(UnknownAnnotation, LooksAtSoManyOnly) { EXPECT_EQ(findings_in(2000), 256U); }

}  // namespace
}  // namespace gracekeeper
