// What must hold for every pod, tried on some thousand random ones: a patch applies, the second
// mutation changes nothing, what was mended is never refused afterwards, and `inject` gives what
// the webhook gives.
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "../../support/review.h"
#include "../io/temporary_folder.h"
#include "admission/admission.h"
#include "cli/injector.h"
#include "codec/document.h"
#include "core/edit.h"

namespace gracekeeper::cli {
namespace {

using testing::Json;
using testing::patch_of;
using testing::review_of;

class RandomPods {
 public:
  explicit RandomPods(unsigned seed) : random_(seed) {}

  Json pod() {
    Json pod{{"apiVersion", "v1"}, {"kind", "Pod"}};
    if (!one_in(20)) pod["metadata"] = metadata();
    pod["spec"] = spec();
    return pod;
  }

  Configuration configuration() {
    Configuration c;
    c.kubernetes_version = {1, pick<int>({28, 29, 30, 34})};
    if (one_in(4)) c.wait = {Millis{pick<int>({0, 5000, 40'000})}, Source::Configuration};
    if (one_in(4)) c.grace = {Millis{pick<int>({1, 20'000, 25'500})}, Source::Configuration};
    if (one_in(4)) c.app_shutdown = {Millis{pick<int>({0, 999, 60'000})}, Source::Configuration};
    if (one_in(4)) c.native_sidecar = Sourced<bool>{one_in(2), Source::Configuration};
    if (one_in(4)) c.margin = Millis{pick<int>({1, 5000})};
    if (one_in(4)) c.pre_stop_form = pick<PreStopForm>({PreStopForm::Exec, PreStopForm::Sleep});
    c.on_shortfall = pick<OnShortfall>(
        {OnShortfall::Deny, OnShortfall::Warn, OnShortfall::Raise, OnShortfall::Fit});
    return c;
  }

 private:
  bool one_in(unsigned n) { return random_() % n == 0; }
  template <typename T>
  T pick(std::initializer_list<T> choices) {
    return *(choices.begin() + static_cast<std::ptrdiff_t>(random_() % choices.size()));
  }
  // A member that is there, null, or missing.
  void maybe(Json& object, const char* key, Json value) {
    if (one_in(8)) object[key] = nullptr;
    if (one_in(2)) object[key] = std::move(value);
  }

  Json metadata() {
    Json metadata = Json::object();
    maybe(metadata, "name", "web");
    maybe(metadata, "labels", {{"app", "web"}, {"a/b", "c"}});
    Json annotations = Json::object();
    const auto add = [&](const char* key, std::initializer_list<const char*> values) {
      if (one_in(2)) annotations[key] = pick(values);
    };
    add("linkerd.io/inject", {"enabled", "enabled", "enabled", "ingress", "disabled", "true"});
    add("config.alpha.linkerd.io/proxy-wait-before-exit-seconds",
        {"0", "5", "20", "45", "45", "20s", "86400"});
    add("config.linkerd.io/shutdown-grace-period",
        {"0", "5s", "1.001s", "25500ms", "2m", "60", "-5s"});
    add("config.linkerd.io/proxy-enable-native-sidecar", {"true", "false", "maybe"});
    add("gracekeeper.dev/app-shutdown", {"0", "3s", "1m", "web=5s,worker=0.5s", "logs=30s", "x"});
    add("gracekeeper.dev/app-prestop-sleep", {"0", "5s", "45"});
    add("gracekeeper.dev/on-shortfall", {"deny", "warn", "raise", "raise", "fit", "fit", "x"});
    add("gracekeeper.dev/ignore", {"", "GK001", "GK002,GK013", "GK010"});
    add("config.linkerd.io/proxy-await", {"enabled", "disabled"});
    add("example.com/a~1b", {"1"});
    maybe(metadata, "annotations", annotations);
    return metadata;
  }

  Json hook() {
    switch (random_() % 5) {
      case 0:
        return {{"sleep", {{"seconds", pick<int>({0, 5, 20, 45})}}}};
      case 1:
        return {{"exec", {{"command", {"/bin/sleep", pick<const char*>({"5", "20", "1.5"})}}}}};
      case 2:
        return {{"exec", {{"command", {"/drain"}}}}};
      case 3:
        return {{"httpGet", {{"path", "/"}, {"port", 80}}}};
      default:
        return Json::object();
    }
  }

  Json container(const std::string& name) {
    Json made{{"name", name}, {"image", "example/" + name}};
    if (one_in(3)) {
      Json lifecycle = Json::object();
      if (one_in(2)) lifecycle["postStart"] = {{"exec", {{"command", {"x"}}}}};
      maybe(lifecycle, "preStop", hook());
      maybe(made, "lifecycle", lifecycle);
    }
    if (one_in(3)) {
      Json env = Json::array();
      if (one_in(2)) env.push_back({{"name", "A"}, {"value", "1"}});
      if (one_in(2)) {
        Json variable{{"name", kGraceVariable}};
        if (one_in(2)) variable["value"] = pick<const char*>({"20s", "120s", "1000ms", "x", ""});
        if (one_in(4)) variable["valueFrom"] = {{"fieldRef", {{"fieldPath", "x"}}}};
        env.push_back(variable);
      }
      maybe(made, "env", env);
    }
    maybe(made, "ports", Json::array({{{"containerPort", 8080}}}));
    return made;
  }

  Json spec() {
    Json spec = Json::object();
    maybe(spec, "terminationGracePeriodSeconds",
          pick<std::int64_t>({-5, 0, 1, 10, 30, 30, 60, 200, 100'000, 9'223'372'036'854'775'807}));
    maybe(spec, "volumes", Json::array({{{"name", "data"}, {"emptyDir", Json::object()}}}));
    if (one_in(10)) spec["hostNetwork"] = true;
    Json init = Json::array();
    if (one_in(3)) init.push_back(container("setup"));
    if (one_in(3)) init.push_back(container("logs"));
    if (one_in(3) && !init.empty()) init.back()["restartPolicy"] = "Always";
    if (one_in(8)) {
      init.push_back(container("linkerd-proxy"));
      if (!one_in(4)) init.back()["restartPolicy"] = "Always";
    }
    if (one_in(20)) init.push_back(container("linkerd-init"));
    maybe(spec, "initContainers", init);
    Json containers = Json::array();
    if (!one_in(30)) containers.push_back(container("web"));
    if (one_in(3)) containers.push_back(container("worker"));
    if (one_in(5)) containers.insert(containers.begin(), container("linkerd-proxy"));
    spec["containers"] = std::move(containers);
    return spec;
  }

  std::mt19937 random_;
};

constexpr unsigned kPods = 3000;

Policy policy_with(const Configuration& configuration) {
  LinkerdValues values;
  values.trust_anchors_pem = "anchors";
  return make_policy(configuration, std::move(values), "gracekeeper");
}

Answer answer(Answer (*path)(std::string_view, const AdmissionContext&), const Json& pod,
              const Policy& policy) {
  return path(review_of(pod, "shop").dump(), {.policy = policy, .find_namespace = nullptr});
}

TEST(EveryPod, IsPatchedOnceAndValidAfterwards) {
  RandomPods random(20'240'601);
  std::map<Outcome, int> outcomes;
  for (unsigned i = 0; i < kPods; ++i) {
    const Json pod = random.pod();
    const auto configuration = random.configuration();
    const auto policy = policy_with(configuration);
    SCOPED_TRACE(pod.dump());
    const auto first = answer(mutate, pod, policy);
    ++outcomes[first.record.outcome];
    ASSERT_EQ(first.status, 200);
    const Json patch = patch_of(first.body);
    ASSERT_EQ(patch.empty(), first.record.outcome != Outcome::Patched);
    Json after;
    ASSERT_NO_THROW(after = pod.patch(patch)) << patch.dump();
    if (first.record.outcome == Outcome::Denied) continue;

    const auto second = answer(mutate, after, policy);
    ASSERT_EQ(patch_of(second.body).dump(), "[]") << after.dump();
    ASSERT_NE(second.record.outcome, Outcome::Denied) << second.record.message << after.dump();

    const auto verdict = answer(validate, after, policy);
    ASSERT_EQ(verdict.record.outcome, Outcome::Allowed) << verdict.record.message << after.dump();
  }
  // The pods must be such that all of it happens.
  EXPECT_GT(outcomes[Outcome::Patched], 500);
  EXPECT_GT(outcomes[Outcome::Allowed], 300);
  EXPECT_GT(outcomes[Outcome::Denied], 100);
  EXPECT_EQ(outcomes[Outcome::Invalid] + outcomes[Outcome::Failed], 0);
}

// The API server refuses a sleep action longer than terminationGracePeriodSeconds: a patch must
// never add one, unless the configuration insists on the form.
TEST(EveryPod, GetsNoSleepThatTheApiServerRefuses) {
  RandomPods random(7);
  int sleeps = 0;
  for (unsigned i = 0; i < kPods; ++i) {
    const Json pod = random.pod();
    const auto policy = policy_with(random.configuration());
    const auto first = answer(mutate, pod, policy);
    const Json after = pod.patch(patch_of(first.body));
    const auto total = after["spec"].value("terminationGracePeriodSeconds", Json());
    const auto seconds = total.is_number() ? total.get<std::int64_t>() : 30;
    for (const auto& operation : patch_of(first.body)) {
      const auto text = operation.dump();
      const auto at = text.find(R"("preStop":{"sleep":{"seconds":)");
      if (at == std::string::npos) continue;
      ++sleeps;
      EXPECT_LE(std::stoll(text.substr(at + 30)), seconds) << text << pod.dump();
    }
  }
  EXPECT_GT(sleeps, 100);
}

TEST(EveryPod, IsLeftByInjectAsByTheWebhook) {
  RandomPods random(42);
  const io::test::TemporaryFolder folder;
  for (int round = 0; round < 6; ++round) {
    const auto policy = policy_with(random.configuration());
    std::string input;
    std::vector<Json> expected;
    for (unsigned i = 0; i < kPods / 20; ++i) {
      Json pod = random.pod();
      pod["metadata"]["namespace"] = "shop";
      input += pod.dump() + "\n---\n";
      expected.push_back(pod.patch(patch_of(answer(mutate, pod, policy).body)));
    }
    const auto injected = inject_inputs({folder.put("pods.yaml", input)}, policy);
    ASSERT_TRUE(injected.errors.empty()) << to_string(injected.errors.front());
    std::vector<Json> found;
    for (const auto& item : read_documents(injected.manifests, "out.yaml").items) {
      const auto& document = std::get<Document>(item);
      if (!document.is_empty) found.push_back(Json::parse(document.json));
    }
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i].dump(), expected[i].dump());
  }
}

}  // namespace
}  // namespace gracekeeper::cli
