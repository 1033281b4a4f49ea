#include "sidecar/prepared_sidecar.h"

#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "core/edit.h"
#include "injected.h"
#include "sidecar/linkerd_profile.h"

namespace gracekeeper {
namespace {

using testing::web;

std::string text_in_test(const Value&) { return "shared"; }

std::size_t count_shared(const Value& value) {
  if (value.text() != nullptr) return 1;
  std::size_t count = 0;
  if (const auto* items = value.as_array())
    for (const auto& item : *items) count += count_shared(item);
  if (const auto* members = value.as_object())
    for (const auto& member : *members) count += count_shared(member.second);
  return count;
}

// How many parts of the injection were made for another pod already, and that it is the one that
// is made without preparation.
std::size_t shared_by(const LinkerdValues& prepared_for, const Pod& pod,
                      const Proxy& proxy = {.mode = Proxy::Mode::Classic}) {
  const auto prepared = prepare_sidecar(prepared_for, text_in_test);
  const PodSettings settings;
  const auto inject = [&](const PreparedSidecar* with) {
    return inject_linkerd({.pod = pod,
                           .settings = settings,
                           .proxy = proxy,
                           .values = prepared_for,
                           .prepared = with});
  };
  const auto edits = inject(&prepared);
  EXPECT_EQ(edits, inject(nullptr));
  std::size_t count = 0;
  for (const auto& edit : edits) {
    if (const auto* added = std::get_if<AddContainer>(&edit))
      count += count_shared(added->container);
    if (const auto* added = std::get_if<AddVolume>(&edit)) count += count_shared(added->volume);
  }
  return count;
}

TEST(PreparedSidecar, IsUsedByPodsThatChangeNothingAboutIt) {
  LinkerdValues values;
  values.trust_anchors_pem = "anchors";
  values.proxy.additional_env.write() = {Value::Object{{"name", "EXTRA"}, {"value", "1"}}};
  // Its variables, and image, pull policy, probes, ports, hook, command, arguments, volumes.
  const auto all = shared_by(values, web());
  EXPECT_GT(all, 40U + 12U);
  Pod other = web();
  other.containers.front().ports = {{.number = 9999}};
  EXPECT_EQ(shared_by(values, other), all) << "the ports are the pod's";
  for (const auto& [key, text] : std::vector<std::pair<std::string, std::string>>{
           {"config.linkerd.io/proxy-memory-limit", "1Gi"},
           {"config.linkerd.io/proxy-additional-env", R"([{"name": "MORE", "value": "2"}])"},
           {"config.linkerd.io/shutdown-grace-period", "5s"}})
    EXPECT_EQ(shared_by(values, web({{key, text}})), all) << key;
}

TEST(PreparedSidecar, IsLeftAloneByPodsThatChangeSomethingAboutIt) {
  for (const auto& [key, text] : std::vector<std::pair<std::string, std::string>>{
           {"config.linkerd.io/proxy-log-level", "debug"},
           {"config.linkerd.io/admin-port", "4199"},
           {"config.linkerd.io/opaque-ports", "3306"},
           {"config.linkerd.io/skip-inbound-ports", "25"},
           {"config.linkerd.io/proxy-version", "v9"}})
    EXPECT_EQ(shared_by({}, web({{key, text}})), 0U) << key;
  LinkerdValues traced;
  traced.proxy.tracing.enabled = true;
  EXPECT_EQ(shared_by(traced, web()), 0U) << "the labels of its variables are the pod's";
}

// Of those that were made for another pod already.
std::size_t shared_contexts(const LinkerdValues& values, Capabilities capabilities) {
  Pod pod = web();
  pod.containers.front().capabilities = std::move(capabilities);
  const auto prepared = prepare_sidecar(values, text_in_test);
  const PodSettings settings;
  const Proxy proxy{.mode = Proxy::Mode::Classic};
  const auto inject = [&](const PreparedSidecar* with) {
    return inject_linkerd(
        {.pod = pod, .settings = settings, .proxy = proxy, .values = values, .prepared = with});
  };
  const auto edits = inject(&prepared);
  EXPECT_EQ(edits, inject(nullptr));
  std::size_t count = 0;
  for (const auto& edit : edits) {
    const auto* added = std::get_if<AddContainer>(&edit);
    if (added == nullptr) continue;
    const auto* context = added->container.find("securityContext");
    if (context != nullptr && context->text() != nullptr) ++count;
  }
  return count;
}

TEST(PreparedSidecar, HasTheSecurityContextsOfPodsThatDropAllCapabilitiesOrNone) {
  LinkerdValues values;
  EXPECT_EQ(shared_contexts(values, {}), 2U);
  EXPECT_EQ(shared_contexts(values, {.add = {}, .drop = {"ALL"}}), 2U);
  EXPECT_EQ(shared_contexts(values, {.add = {}, .drop = {"NET_RAW"}}), 0U);
  EXPECT_EQ(shared_contexts(values, {.add = {}, .drop = {"ALL", "NET_RAW"}}), 0U);
  EXPECT_EQ(shared_contexts(values, {.add = {"NET_BIND_SERVICE"}, .drop = {"ALL"}}), 0U);
  values.proxy.security_context = Value::Object{{"runAsUser", 5}};
  values.init.run_as_root = true;
  EXPECT_EQ(shared_contexts(values, {.add = {}, .drop = {"ALL"}}), 2U);
}

TEST(PreparedSidecar, OfOtherValuesIsLeftAloneAlsoByPodsThatChangeNothing) {
  LinkerdValues values;
  const auto prepared = prepare_sidecar(values, text_in_test);
  values.proxy.admin_port = 4999;
  const Pod pod = web();
  const PodSettings settings;
  const Proxy proxy{.mode = Proxy::Mode::Classic};
  const auto inject = [&](const PreparedSidecar* with) {
    return inject_linkerd(
        {.pod = pod, .settings = settings, .proxy = proxy, .values = values, .prepared = with});
  };
  EXPECT_EQ(inject(&prepared), inject(nullptr));
}

TEST(PreparedSidecar, FitsWhereAllThatItIsMadeOfIsTheSame) {
  const LinkerdValues values;
  const auto prepared = prepare_sidecar(values, text_in_test);
  const auto changed = [&](auto change) {
    LinkerdValues of_pod = values;
    change(of_pod);
    return fits(prepared, of_pod);
  };
  EXPECT_TRUE(changed([](auto&) {}));
  EXPECT_TRUE(changed([](auto& v) { v.proxy.wait = Millis{20000}; }));
  EXPECT_TRUE(changed([](auto& v) { v.proxy.native_sidecar = false; }));
  EXPECT_TRUE(changed([](auto& v) { v.proxy.tracing.labels.write()["service.name"] = "web"; }));
  EXPECT_FALSE(changed([](auto& v) { v.proxy.is_ingress = true; }));
  EXPECT_FALSE(changed([](auto& v) { v.proxy.minimum_workers = 4; }));
  EXPECT_FALSE(changed([](auto& v) { v.trust_anchors_pem = "others"; }));
  EXPECT_FALSE(changed([](auto& v) { v.cluster_domain = "example"; }));
  EXPECT_FALSE(changed([](auto& v) { v.proxy.uid = 1; }));
  EXPECT_FALSE(changed([](auto& v) { v.init.log_level = "debug"; }));
  EXPECT_FALSE(changed([](auto& v) { v.service_account_token_projection = false; }));
}

}  // namespace
}  // namespace gracekeeper
