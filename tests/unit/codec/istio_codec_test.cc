#include "codec/istio_codec.h"

#include <gtest/gtest.h>
#include <string>

namespace gracekeeper {
namespace {

std::string dump(const std::optional<AnnotationValue>& value) {
  if (!value) return "-";
  return value->is_string ? "'" + value->text + "'" : value->text;
}

std::string read(std::string_view text) {
  const auto config = read_istio_config(text);
  if (!config) return "nothing";
  if (!config->is_readable) return "unreadable";
  return dump(config->termination_drain) + " " + dump(config->exit_on_zero) + " " +
         dump(config->minimum_drain);
}

TEST(IstioCodec, ReadsWhatSaysHowTheProxyEnds) {
  EXPECT_EQ(read("terminationDrainDuration: 20s"), "'20s' - -");
  EXPECT_EQ(read("termination_drain_duration: 20s\n"), "'20s' - -");
  EXPECT_EQ(read("terminationDrainDuration: 20\n"), "20 - -");
  EXPECT_EQ(read("concurrency: 2\nproxyMetadata:\n  EXIT_ON_ZERO_ACTIVE_CONNECTIONS: 'true'\n"
                 "  MINIMUM_DRAIN_DURATION: 7s\n  OTHER: x\n"),
            "- 'true' '7s'");
  EXPECT_EQ(read("proxyMetadata: {EXIT_ON_ZERO_ACTIVE_CONNECTIONS: true}"), "- true -");
  EXPECT_EQ(read(R"({"terminationDrainDuration":"20s","proxyMetadata":{}})"), "'20s' - -");
  EXPECT_EQ(read("proxyMetadata: none\nterminationDrainDuration: [1]\n"), "- - -");
}

TEST(IstioCodec, SaysWhatItCannotRead) {
  EXPECT_EQ(read(""), "nothing");
  EXPECT_EQ(read(" \n"), "nothing");
  EXPECT_EQ(read("terminationDrainDuration=20s"), "unreadable");
  EXPECT_EQ(read("a: [b"), "unreadable");
  EXPECT_EQ(read("a: 1\n---\nb: 2\n"), "unreadable");
  EXPECT_EQ(read("# nothing but a comment\n"), "unreadable");
}

}  // namespace
}  // namespace gracekeeper
