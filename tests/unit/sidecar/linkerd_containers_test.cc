#include "sidecar/linkerd_containers.h"

#include <gtest/gtest.h>
#include <string>

#include "injected.h"

namespace gracekeeper {
namespace {

using testing::dump;
using testing::Injected;
using testing::web;
using Object = Value::Object;
using Array = Value::Array;

TEST(ProxyContainer, HasPortsProbesAndImageOfTheValues) {
  LinkerdValues values;
  values.linkerd_version = "v1";
  const Injected injected(
      web({{"config.linkerd.io/admin-port", "5001"}, {"config.linkerd.io/inbound-port", "5002"}}),
      values);
  EXPECT_EQ(injected.part("linkerd-proxy", "image"), "'cr.l5d.io/linkerd/proxy:v1'");
  EXPECT_EQ(injected.part("linkerd-proxy", "imagePullPolicy"), "'IfNotPresent'");
  EXPECT_EQ(injected.part("linkerd-proxy", "ports"),
            "[{containerPort: 5002, name: 'linkerd-proxy'}, {containerPort: 5001, name: "
            "'linkerd-admin'}]");
  EXPECT_EQ(injected.part("linkerd-proxy", "livenessProbe"),
            "{httpGet: {path: '/live', port: 5001}, initialDelaySeconds: 10, timeoutSeconds: 1}");
  EXPECT_EQ(injected.part("linkerd-proxy", "readinessProbe"),
            "{httpGet: {path: '/ready', port: 5001}, initialDelaySeconds: 2, timeoutSeconds: 1}");
  EXPECT_EQ(injected.part("linkerd-proxy", "terminationMessagePolicy"), "'FallbackToLogsOnError'");
}

TEST(ProxyContainer, SharesImageAndResourcesWithItsInitContainers) {
  const Pod pod = web({{"config.linkerd.io/proxy-image", "registry.example/p"},
                       {"config.linkerd.io/proxy-version", "v2"},
                       {"config.linkerd.io/image-pull-policy", "Always"},
                       {"config.linkerd.io/proxy-cpu-limit", "1"},
                       {"config.linkerd.io/proxy-memory-request", "64Mi"},
                       {"config.linkerd.io/proxy-ephemeral-storage-limit", "1Gi"}});
  LinkerdValues cni;
  cni.cni_enabled = true;
  const Injected injected(pod);
  const Injected with_cni(pod, cni);
  const std::string resources =
      "{limits: {cpu: '1', ephemeral-storage: '1Gi'}, requests: {memory: '64Mi'}}";
  EXPECT_EQ(injected.part("linkerd-proxy", "resources"), resources);
  EXPECT_EQ(injected.part("linkerd-init", "resources"), resources);
  EXPECT_EQ(with_cni.part("linkerd-network-validator", "resources"), resources);
  EXPECT_EQ(injected.part("linkerd-init", "image"), "'registry.example/p:v2'");
  EXPECT_EQ(with_cni.part("linkerd-network-validator", "image"), "'registry.example/p:v2'");
  EXPECT_EQ(injected.part("linkerd-init", "imagePullPolicy"), "'Always'");
  EXPECT_EQ(Injected(web()).part("linkerd-proxy", "resources"), "absent");
}

TEST(SecurityContext, OfTheProxyTakesTheCapabilitiesOfTheFirstContainer) {
  Pod pod = web({{"config.linkerd.io/proxy-gid", "33"}});
  pod.containers[0].capabilities = {.add = {"NET_BIND_SERVICE"}, .drop = {"ALL", "NET_RAW"}};
  pod.containers.push_back(testing::container("second"));
  pod.containers[1].capabilities = {.add = {"SYS_ADMIN"}, .drop = {}};
  const Injected injected(pod);
  EXPECT_EQ(injected.part("linkerd-proxy", "securityContext"),
            "{allowPrivilegeEscalation: false, capabilities: {add: ['NET_BIND_SERVICE'], drop: "
            "['ALL', 'NET_RAW']}, readOnlyRootFilesystem: true, runAsNonRoot: true, runAsUser: "
            "2102, runAsGroup: 33, seccompProfile: {type: 'RuntimeDefault'}}");
  EXPECT_EQ(injected.part("linkerd-init", "securityContext"),
            "{allowPrivilegeEscalation: false, capabilities: {add: ['NET_ADMIN', 'NET_RAW', "
            "'NET_BIND_SERVICE'], drop: ['ALL']}, privileged: false, runAsNonRoot: true, "
            "runAsUser: 65534, runAsGroup: 65534, readOnlyRootFilesystem: true, seccompProfile: "
            "{type: 'RuntimeDefault'}}");
}

// Only names are: of anything else, megabytes would be a multiple of themselves in the patch.
TEST(SecurityContext, TakesNoCapabilityThatIsNone) {
  Pod pod = web();
  pod.containers[0].capabilities.add = {std::string(253, 'A'), std::string(254, 'B'), "",
                                        "SYS_TIME"};
  EXPECT_EQ(Injected(pod).part("linkerd-proxy", "securityContext").find('B'), std::string::npos);
  const auto init = Injected(pod).part("linkerd-init", "securityContext");
  EXPECT_NE(init.find("add: ['NET_ADMIN', 'NET_RAW', '" + std::string(253, 'A') + "', 'SYS_TIME']"),
            std::string::npos)
      << init;
}

TEST(SecurityContext, OfTheProxyIsReplacedByTheValues) {
  LinkerdValues values;
  values.proxy.security_context = Object{{"runAsUser", 5}};
  EXPECT_EQ(Injected(web(), values).part("linkerd-proxy", "securityContext"), "{runAsUser: 5}");
}

TEST(SecurityContext, OfInitFollowsItsSwitches) {
  struct Row {
    bool root;
    bool privileged;
    std::int64_t close_wait;
    std::string_view context;
  };
  constexpr std::string_view root = ", runAsNonRoot: false, runAsUser: 0, runAsGroup: 0, ";
  constexpr std::string_view user = ", runAsNonRoot: true, runAsUser: 7, runAsGroup: 65534, ";
  for (const auto& row : {Row{false, false, 0, user},
                          {false, true, 0, user},
                          {true, false, 0, root},
                          {true, false, 5, root}}) {
    LinkerdValues values;
    values.init.run_as_root = row.root;
    values.init.privileged = row.privileged;
    values.init.close_wait_timeout_seconds = row.close_wait;
    values.init.run_as_user = 7;
    values.init.run_as_group = 0;
    const bool privileged = row.privileged || row.close_wait > 0;
    EXPECT_EQ(Injected(web(), values).part("linkerd-init", "securityContext"),
              fmt::format("{{allowPrivilegeEscalation: {}, capabilities: {{add: ['NET_ADMIN', "
                          "'NET_RAW']}}, privileged: {}{}readOnlyRootFilesystem: true, "
                          "seccompProfile: {{type: 'RuntimeDefault'}}}}",
                          privileged, privileged, row.context));
  }
}

TEST(InitArguments, OfTheDefaults) {
  EXPECT_EQ(Injected(web()).part("linkerd-init", "args"),
            "['--firewall-bin-path', 'iptables-nft', '--firewall-save-bin-path', "
            "'iptables-nft-save', '--ipv6=false', '--incoming-proxy-port', '4143', "
            "'--outgoing-proxy-port', '4140', '--proxy-uid', '2102', '--inbound-ports-to-ignore', "
            "'4190,4191,4567,4568', '--outbound-ports-to-ignore', '4567,4568']");
}

TEST(InitArguments, OfEverySetting) {
  LinkerdValues values;
  values.disable_ipv6 = false;
  values.init = {.iptables_mode = "legacy",
                 .ignore_inbound_ports = "",
                 .ignore_outbound_ports = "",
                 .skip_subnets = "10.0.0.0/8",
                 .log_level = "debug",
                 .log_format = "json",
                 .close_wait_timeout_seconds = 90,
                 .run_as_root = true};
  values.proxy.gid = 33;
  EXPECT_EQ(Injected(web(), values).part("linkerd-init", "args"),
            "['--incoming-proxy-port', '4143', '--outgoing-proxy-port', '4140', '--proxy-uid', "
            "'2102', '--proxy-gid', '33', '--inbound-ports-to-ignore', '4190,4191', "
            "'--timeout-close-wait-secs', '90', '--log-format', 'json', '--log-level', 'debug', "
            "'--subnets-to-ignore', '10.0.0.0/8']");
}

TEST(ServiceAccountMount, OfTheFirstContainerIsShared) {
  Pod pod = web();
  pod.containers[0].volume_mounts = {
      {"data", "/data"},
      {"kube-api-access-x", "/var/run/secrets/kubernetes.io/serviceaccount", true}};
  const std::string account =
      "{mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', name: 'kube-api-access-x', "
      "readOnly: true}";
  const Injected injected(pod);
  EXPECT_EQ(injected.part("linkerd-init", "volumeMounts"),
            "[{mountPath: '/run', name: 'linkerd-proxy-init-xtables-lock'}, " + account + "]");
  EXPECT_EQ(injected.part("linkerd-proxy", "volumeMounts"),
            "[{mountPath: '/var/run/linkerd/identity/end-entity', name: "
            "'linkerd-identity-end-entity'}, {mountPath: '/var/run/secrets/tokens', name: "
            "'linkerd-identity-token'}, " +
                account + "]");
}

TEST(Validator, ConnectsToAnAddressThatOnlyRedirectionAnswers) {
  LinkerdValues values;
  EXPECT_EQ(dump(*validator_container(values).find("args")),
            "['--log-format', 'plain', '--log-level', 'debug', '--connect-addr', "
            "'1.1.1.1:20001', '--listen-addr', '0.0.0.0:4140', '--timeout', '10s']");
  values.disable_ipv6 = false;
  EXPECT_EQ(dump(*validator_container(values).find("args")),
            "['--log-format', 'plain', '--log-level', 'debug', '--connect-addr', "
            "'[fd00::1]:20001', '--listen-addr', '[::]:4140', '--timeout', '10s']");
  values.validator.connect_addr = "a:1";
  values.validator.listen_addr = "b:2";
  EXPECT_EQ(dump(*validator_container(values).find("args")),
            "['--log-format', 'plain', '--log-level', 'debug', '--connect-addr', 'a:1', "
            "'--listen-addr', 'b:2', '--timeout', '10s']");
  EXPECT_NE(validator_container(values).find("securityContext"), nullptr);
  values.validator.security_context = Object{};
  EXPECT_EQ(validator_container(values).find("securityContext"), nullptr);
}

TEST(Debug, HasProbesThatCannotFail) {
  const Pod pod = web({{"config.linkerd.io/enable-debug-sidecar", "true"},
                       {"config.linkerd.io/debug-image", "registry.example/d"},
                       {"config.linkerd.io/debug-image-version", "v3"},
                       {"config.linkerd.io/debug-image-pull-policy", "Never"}});
  const Injected injected(pod);
  ASSERT_NE(injected.find("linkerd-debug"), nullptr);
  EXPECT_EQ(dump(*injected.find("linkerd-debug")),
            "{name: 'linkerd-debug', image: 'registry.example/d:v3', imagePullPolicy: 'Never', "
            "terminationMessagePolicy: 'FallbackToLogsOnError', livenessProbe: {exec: {command: "
            "['true']}}, readinessProbe: {exec: {command: ['true']}}}");
  EXPECT_EQ(Injected(web()).find("linkerd-debug"), nullptr);
}

TEST(Volumes, AreLinkerds) {
  EXPECT_EQ(dump(linkerd_parts({}).lock_volume),
            "{name: 'linkerd-proxy-init-xtables-lock', emptyDir: {}}");
  EXPECT_EQ(dump(linkerd_parts({}).identity_volume),
            "{name: 'linkerd-identity-end-entity', emptyDir: {medium: 'Memory'}}");
  EXPECT_EQ(dump(pod_info_volume()),
            "{name: 'linkerd-podinfo', downwardAPI: {items: [{path: 'labels', fieldRef: "
            "{fieldPath: 'metadata.labels'}}]}}");
  EXPECT_EQ(dump(linkerd_parts({}).token_volume),
            "{name: 'linkerd-identity-token', projected: {sources: [{serviceAccountToken: {path: "
            "'linkerd-identity-token', expirationSeconds: 86400, audience: 'identity.l5d.io'}}]}}");
}

}  // namespace
}  // namespace gracekeeper
