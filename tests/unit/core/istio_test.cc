#include "core/istio.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/advice.h"
#include "core/annotations.h"
#include "core/assessment.h"
#include "core/hazard.h"
#include "pods.h"

namespace gracekeeper {
namespace {

using testing::annotated;
using testing::container;
using testing::native_sidecar;
using testing::pod_of;
using testing::sleep_for;
using testing::subject_of;
using testing::unquoted;

AnnotationValue text(std::string value) { return {std::move(value), true}; }

std::string dump(const IstioDrain& drain) {
  return fmt::format("{}{} from {}", format_seconds(drain.drain.value),
                     drain.until_idle ? " until idle" : "", drain.origin);
}

struct Row {
  std::string_view claim;
  IstioConfig annotation;
  Container::IstioVariables variables;
  std::string_view expected;
};

TEST(IstioDrain, ComesFromTheStrongestPlace) {
  const IstioConfig twenty{.termination_drain = text("20s")};
  const Row rows[] = {
      {"nothing is said", {}, {}, "5 from Istio's default"},
      {"the annotation", twenty, {}, "20 from proxy.istio.io/config"},
      {"PROXY_CONFIG", {}, {.config = twenty}, "20 from PROXY_CONFIG"},
      {"the annotation over PROXY_CONFIG",
       {.termination_drain = text("1m")},
       {.config = twenty},
       "60 from proxy.istio.io/config"},
      {"the legacy variable over both",
       twenty,
       {.drain_seconds = "7", .config = twenty},
       "7 from TERMINATION_DRAIN_DURATION_SECONDS"},
      {"a variable that is no number", twenty, {.drain_seconds = "7s"}, "5 from Istio's default"},
      {"a negative sleep is none",
       {},
       {.drain_seconds = "-7"},
       "0 from TERMINATION_DRAIN_DURATION_SECONDS"},
      {"a value that cannot be read",
       {.termination_drain = text("soon")},
       {.config = twenty},
       "5 from Istio's default"},
      {"until idle, at least the default",
       {.termination_drain = text("20s"), .exit_on_zero = text("true")},
       {},
       "5 until idle from the default of MINIMUM_DRAIN_DURATION"},
      {"until idle, at least what is said",
       {.exit_on_zero = text("true"), .minimum_drain = text("12s")},
       {},
       "12 until idle from MINIMUM_DRAIN_DURATION"},
      {"the container's variables over the annotation",
       {.exit_on_zero = text("true"), .minimum_drain = text("12s")},
       {.exit_on_zero = "1", .minimum_drain = "3s"},
       "3 until idle from MINIMUM_DRAIN_DURATION"},
      {"switched off by the container's variable",
       {.exit_on_zero = text("true")},
       {.exit_on_zero = "false"},
       "5 from Istio's default"},
      {"a minimum alone does nothing",
       {.minimum_drain = text("12s")},
       {},
       "5 from Istio's default"},
      {"what is no string is none, as is said of it: no boolean",
       {.termination_drain = text("20s"), .exit_on_zero = unquoted("true")},
       {.config = IstioConfig{.exit_on_zero = text("true")}},
       "20 from proxy.istio.io/config"},
      {"no number, not even one that could be read",
       {.termination_drain = unquoted("0")},
       {},
       "5 from Istio's default"},
      {"nor for the minimum",
       {.exit_on_zero = text("true"), .minimum_drain = unquoted("0")},
       {},
       "5 until idle from the default of MINIMUM_DRAIN_DURATION"},
      {"nor in PROXY_CONFIG",
       {},
       {.config = IstioConfig{.termination_drain = text("20s"), .exit_on_zero = unquoted("true")}},
       "20 from PROXY_CONFIG"},
      {"proxyMetadata of PROXY_CONFIG",
       {},
       {.config = IstioConfig{.exit_on_zero = text("true"), .minimum_drain = text("9s")}},
       "9 until idle from MINIMUM_DRAIN_DURATION"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    auto pod = pod_of({container("web"), container("istio-proxy")});
    pod.istio_config = row.annotation;
    pod.containers[1].istio = row.variables;
    EXPECT_EQ(dump(istio_drain(pod, pod.containers[1])), row.expected);
  }
}

TEST(IstioDrain, NamesWhatIstioRefuses) {
  const auto refused = [](IstioConfig config) {
    auto pod = pod_of({container("istio-proxy")});
    pod.istio_config = std::move(config);
    std::string out;
    for (const auto& message : istio_drain(pod, pod.containers[0]).refused) out += message + "\n";
    return out;
  };
  EXPECT_EQ(refused({.termination_drain = text("20s")}), "");
  EXPECT_EQ(refused({.termination_drain = AnnotationValue{"30", false}}),
            "terminationDrainDuration: \"30\" is not a duration: write \"30s\"\n");
  EXPECT_EQ(
      refused({.termination_drain = text("-5s")}),
      "terminationDrainDuration: \"-5s\" is not a duration: write seconds, such as \"30s\"\n");
  EXPECT_EQ(refused({.exit_on_zero = AnnotationValue{"true", false}}),
            "proxyMetadata.EXIT_ON_ZERO_ACTIVE_CONNECTIONS: true is no string: write it in quotes, "
            "\"true\"\n");
  EXPECT_EQ(
      refused({.exit_on_zero = text("yes"), .minimum_drain = text("7")}),
      "proxyMetadata.EXIT_ON_ZERO_ACTIVE_CONNECTIONS: \"yes\" is not a boolean: write \"true\" or "
      "\"false\"\nproxyMetadata.MINIMUM_DRAIN_DURATION: \"7\" is not a duration: write \"7s\"\n");
  EXPECT_EQ(refused({.minimum_drain = AnnotationValue{"0", false}}),
            "proxyMetadata.MINIMUM_DRAIN_DURATION: \"0\" is not a duration: write \"0s\"\n");
  EXPECT_EQ(refused({.is_readable = false}),
            "it is no YAML mapping: write settings, such as \"terminationDrainDuration: 30s\"\n");
}

TEST(IstioDrain, KnowsTheHookOfIstiosTemplate) {
  EXPECT_TRUE(
      is_istio_drain_hook({"pilot-agent", "request", "--debug-port=15020", "POST", "drain"}));
  EXPECT_TRUE(is_istio_drain_hook({"/usr/local/bin/pilot-agent", "request", "POST", "drain"}));
  EXPECT_FALSE(is_istio_drain_hook({"pilot-agent", "wait"}));
  EXPECT_FALSE(is_istio_drain_hook({"sleep", "5"}));
  EXPECT_FALSE(is_istio_drain_hook({}));
}

// "web 0-10, istio-proxy 0-5; refused 5-10": SIGTERM and exit of each container, and the hazards.
std::string planned(Pod pod) {
  static const Configuration plain;
  const auto subject = subject_of(std::move(pod));
  const auto a = assess(subject, nullptr, plain);
  std::string out;
  for (const auto& times : a.timeline.containers) {
    out += fmt::format("{}{} {}-{}", out.empty() ? "" : ", ", times.name,
                       format_seconds(times.sigterm), format_seconds(times.exit));
  }
  for (const auto& hazard : find_hazards(a, a.timeline)) {
    out += fmt::format("; {} {}-{}", to_string(hazard.kind), format_seconds(hazard.from),
                       format_seconds(hazard.to.value_or(Millis{0})));
  }
  return out + fmt::format("; need {}", a.budget.required());
}

Pod with_drain(Pod pod, std::string drain) {
  pod.istio_config = IstioConfig{.termination_drain = text(std::move(drain))};
  return pod;
}

TEST(IstioTimeline, TheProxyGoesOnBesideTheApp) {
  const auto classic = [] { return pod_of({container("web"), container("istio-proxy")}); };
  EXPECT_EQ(planned(classic()), "web 0-10, istio-proxy 0-5; new-connections-refused 5-10; need 10");
  EXPECT_EQ(planned(with_drain(classic(), "10s")), "web 0-10, istio-proxy 0-10; need 10");
  EXPECT_EQ(planned(with_drain(classic(), "25s")),
            "web 0-10, istio-proxy 0-25; waiting-for-nothing 10-25; need 25");
  EXPECT_EQ(planned(with_drain(classic(), "60s")),
            "web 0-10, istio-proxy 0-30; killed 30-30; waiting-for-nothing 10-30; need 60");
}

TEST(IstioTimeline, ItsHookDelaysItsEnd) {
  EXPECT_EQ(planned(pod_of({container("web"), container("istio-proxy", sleep_for(Millis{6000}))})),
            "web 0-10, istio-proxy 6-11; waiting-for-nothing 10-11; need 11");
}

TEST(IstioTimeline, UntilIdleItEndsWithTheApp) {
  auto pod = pod_of({container("web", sleep_for(Millis{5000})), container("istio-proxy")});
  pod.istio_config = IstioConfig{.exit_on_zero = text("true")};
  EXPECT_EQ(planned(std::move(pod)), "web 5-15, istio-proxy 0-15; need 15");
}

TEST(IstioTimeline, ANativeOneBeginsWhenTheAppIsGone) {
  EXPECT_EQ(planned(with_drain(pod_of({container("web"), native_sidecar("istio-proxy")}), "7s")),
            "web 0-10, istio-proxy 10-17; need 17");
}

TEST(IstioTimeline, LinkerdsProxyCountsWhereBothAre) {
  const auto subject =
      subject_of(pod_of({container("web"), container("linkerd-proxy"), container("istio-proxy")}));
  static const Configuration plain;
  const auto a = assess(subject, nullptr, plain);
  EXPECT_EQ(a.proxy.container_name(), "linkerd-proxy");
  EXPECT_EQ(a.containers[1].name, "istio-proxy");
  EXPECT_EQ(a.containers[1].role, Role::Sidecar);
}

// An app that takes longer than Istio's duration can say: the advice is tried without the
// annotation.
TEST(IstioTimeline, IsAdvisedWithoutTheAnnotationToo) {
  const auto subject = subject_of(pod_of({container("web"), container("istio-proxy")},
                                         annotated({{annotation::kAppShutdown, "99999999999"}})));
  const Configuration configuration;
  const auto a = assess(subject, nullptr, configuration);
  EXPECT_FALSE(advise(a, a.timeline).empty());
}

TEST(IstioTimeline, LinkerdsSettingsMeanNothingToIt) {
  auto pod = pod_of({container("web"), container("istio-proxy")},
                    annotated({{annotation::kWait, "20"}, {annotation::kGrace, "60s"}}));
  EXPECT_EQ(planned(std::move(pod)),
            "web 0-10, istio-proxy 0-5; new-connections-refused 5-10; need 10");
}

}  // namespace
}  // namespace gracekeeper
