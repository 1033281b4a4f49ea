#include "decision/webhook_words.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>

#include "../core/pods.h"
#include "core/annotations.h"

namespace gracekeeper {
namespace {

using namespace annotation;
using testing::annotated;

struct Limits {
  std::int64_t grace_period = 30;
  std::optional<std::int64_t> most = std::nullopt;
};

// About a pod whose app takes 5 + 10 s.
std::string words_about(Annotations annotations, Limits limits = {}) {
  annotations.emplace(kInject, AnnotationValue{"enabled", true});
  auto pod = testing::pod_of({testing::container("web", testing::sleep_for(Millis{5000}))},
                             std::move(annotations));
  pod.termination_grace_period_seconds = limits.grace_period;
  const auto subject = testing::subject_of(std::move(pod));
  auto policy = make_policy({}, {}, "test");
  policy.configuration.max_termination_grace_period_seconds = limits.most;
  return webhook_words(decide(subject, nullptr, policy), assess_under(subject, nullptr, policy))
      .value_or("nothing");
}

TEST(WebhookWords, SayNothingOfAPodThatHasTheTime) {
  EXPECT_EQ(words_about(annotated({{kGrace, "5s"}})), "nothing");
  EXPECT_EQ(words_about(annotated({{kGrace, "60s"}, {kIgnore, "GK001"}})), "nothing");
}

TEST(WebhookWords, SayWhatIsMended) {
  EXPECT_EQ(words_about(annotated({{kGrace, "60s"}, {kOnShortfall, "raise"}})),
            "The webhook mends this: with on-shortfall raise it sets "
            "terminationGracePeriodSeconds to 75.");
  EXPECT_EQ(words_about(annotated({{kGrace, "60s"}, {kOnShortfall, "fit"}})),
            "The webhook mends this: with on-shortfall fit it shortens the proxy's grace to 15 s.");
}

TEST(WebhookWords, SayWhatHappensWhereNothingCanBeMended) {
  const std::string reason =
      "on-shortfall raise may set at most 60 (maxTerminationGracePeriodSeconds).";
  EXPECT_EQ(words_about(annotated({{kGrace, "60s"}, {kOnShortfall, "raise"}}), {.most = 60}),
            "The webhook cannot mend this and refuses the pod: " + reason);
  EXPECT_EQ(words_about(annotated({{kOnShortfall, "raise"}}), {.most = 60}),
            "The webhook cannot mend this and lets the pod through with a warning, since only "
            "defaults make it too short: " +
                reason);
}

TEST(WebhookWords, SayWhatIsRefusedAndWhatIsOnlyWarnedOf) {
  EXPECT_EQ(words_about(annotated({{kGrace, "60s"}})),
            "The webhook refuses this pod: on-shortfall is deny.");
  EXPECT_EQ(words_about(annotated({{kGrace, "60s"}, {kOnShortfall, "warn"}})),
            "The webhook lets this pod through, with a warning: on-shortfall is warn.");
  EXPECT_EQ(words_about({}),
            "The webhook lets this pod through, with a warning: only defaults make it too short.");
}

// Only defaults make these too short, but another rule refuses them all the same.
TEST(WebhookWords, KnowOfEveryRuleThatRefuses) {
  const std::string refused = "The webhook refuses this pod: on-shortfall is deny.";
  EXPECT_EQ(words_about(annotated({{kWait, "30"}, {kAppShutdown, "0s"}})), refused) << "GK002";
  EXPECT_EQ(words_about({}, {.grace_period = 5}), refused) << "GK013";
  EXPECT_EQ(words_about({}, {.grace_period = 0}), refused) << "GK015";
  // Whoever asks not to hear of them is not refused.
  EXPECT_EQ(words_about(annotated({{kIgnore, "GK001,GK015"}}), {.grace_period = 0}), "nothing");
}

// Whatever on-shortfall says: nobody mends it, warns of it or refuses it but the API server.
TEST(WebhookWords, LeaveAPodWithoutContainersToTheApiServer) {
  for (const char* mode : {"deny", "warn", "raise", "fit"}) {
    auto pod = testing::pod_of({}, annotated({{kInject, "enabled"}, {kOnShortfall, mode}}));
    pod.termination_grace_period_seconds = 1;
    const auto subject = testing::subject_of(std::move(pod));
    const auto policy = make_policy({}, {}, "test");
    const auto decision = decide(subject, nullptr, policy);
    EXPECT_TRUE(decision.short_of_time) << mode;
    EXPECT_EQ(webhook_words(decision, assess_under(subject, nullptr, policy)),
              "The webhook leaves this pod alone: no API server takes one without containers.")
        << mode;
  }
}

}  // namespace
}  // namespace gracekeeper
