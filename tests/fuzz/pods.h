// Pods of every kind, from the bytes of an input: annotations with odd values, native sidecars,
// adopted proxies of Linkerd's, Istio's and of profiles, hooks, members that are missing or null.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "core/pod.h"
#include "fuzz/fuzz.h"

namespace gracekeeper::fuzz {

using Json = nlohmann::ordered_json;

class PodMaker {
 public:
  explicit PodMaker(Input& input) : input_(input) {}

  Json pod() {
    Json pod{{"apiVersion", "v1"}, {"kind", "Pod"}};
    if (!input_.one_in(20)) pod["metadata"] = metadata();
    pod["spec"] = spec();
    return pod;
  }

  // The pod's Namespace as the webhook knows it.
  std::optional<Namespace> where() {
    if (input_.below(3) != 1) return std::nullopt;
    Namespace made{.name = "shop", .annotations = {}};
    const Json inherited = annotations(4);
    for (const auto& [key, value] : inherited.items())
      made.annotations[key] = {value.get<std::string>()};
    return made;
  }

 private:
  // Members may be missing or null.
  void maybe(Json& object, const char* key, Json value) {
    switch (input_.below(8)) {
      case 6:
        return;
      case 7:
        object[key] = nullptr;
        return;
      default:
        object[key] = std::move(value);
    }
  }

  std::string time() {
    switch (input_.below(4)) {
      case 0:
        return input_.pick<const char*>({"5s", "20s", "1m", "0", "0s", "25500ms", "1.001s", "2m"});
      case 1:
        return input_.pick<const char*>({"20", "0", "5", "45", "86400", "3", "60"});
      case 2:
        return std::to_string(input_.byte()) + input_.pick<const char*>({"s", "ms", "", "m", "h"});
      default:
        return input_.pick<const char*>({"-5s", "", "x", "20 s", "9223372036854775807",
                                         "18446744073709551615", "2562047h", "292y", "1e3s"});
    }
  }

  std::string value_of(unsigned key) {
    switch (key) {
      case 0:
        return input_.pick<const char*>({"enabled", "enabled", "ingress", "disabled", "true", ""});
      case 1:
      case 2:
      case 4:
        return time();
      case 3:
        switch (input_.below(4)) {
          case 0:
            return time();
          case 1:
            return "web=" + time();
          case 2:
            return "web=" + time() + ", worker=" + time() + ",logs=" + time();
          default:
            return input_.text("web=,logs 5sm", 16);
        }
      case 5:
        return input_.pick<const char*>({"raise", "fit", "warn", "deny", "x"});
      case 6:
        return input_.pick<const char*>({"GK001", "", "GK002,GK013", "GK015, GK001", "GK010"});
      case 7:
      case 8:
      case 9:
        return input_.pick<const char*>({"true", "false", "1", "maybe"});
      case 10:
        return input_.pick<const char*>({"await", "await=web", "await=nobody", "never"});
      case 11:
        return input_.pick<const char*>({"/opt/linkerd-await", "linkerd-await", "x"});
      case 12:
        return input_.pick<const char*>({"terminationDrainDuration: 20s", "{", "[]",
                                         "proxyMetadata: {EXIT_ON_ZERO_ACTIVE_CONNECTIONS: 'true'}",
                                         "{terminationDrainDuration: 99999h}"});
      case 13:
        return input_.pick<const char*>({"80,443", "25", "", "80-90,x", "http"});
      case 14:
        return input_.pick<const char*>({"enabled", "disabled", "x"});
      case 36:
        return input_.pick<const char*>({"until-app-exits", "fixed", "x"});
      case 37:
        return input_.pick<const char*>({"2102", "0", "1000", "-1", "x"});
      default:
        return input_.pick<const char*>({"enabled", "yes", "true", "20", "1", "", "[]", "100m"});
    }
  }

  Json annotations(unsigned most) {
    static constexpr std::array<const char*, 38> kKeys{
        "linkerd.io/inject",
        "config.alpha.linkerd.io/proxy-wait-before-exit-seconds",
        "config.linkerd.io/shutdown-grace-period",
        "gracekeeper.dev/app-shutdown",
        "gracekeeper.dev/app-prestop-sleep",
        "gracekeeper.dev/on-shortfall",
        "gracekeeper.dev/ignore",
        "config.linkerd.io/proxy-enable-native-sidecar",
        "config.beta.linkerd.io/proxy-enable-native-sidecar",
        "config.alpha.linkerd.io/proxy-enable-native-sidecar",
        "gracekeeper.dev/job-shutdown",
        "gracekeeper.dev/linkerd-await",
        "proxy.istio.io/config",
        "config.linkerd.io/opaque-ports",
        "config.linkerd.io/proxy-await",
        "config.linkerd.io/proxy-admin-shutdown",
        "config.linkerd.io/admin-port",
        "config.linkerd.io/enable-debug-sidecar",
        "config.linkerd.io/proxy-cpu-limit",
        "config.linkerd.io/proxy-additional-env",
        "config.linkerd.io/proxy-version",
        "config.linkerd.io/skip-outbound-ports",
        "example.com/a~1b/c",
        "linkerd.io/created-by",
        "envoy.example.com/inject",
        "envoy.example.com/wait",
        "envoy.example.com/drain",
        "gate.example.com/inject",
        "gate.example.com/wait",
        "gate.example.com/drain",
        "side.example.com/inject",
        "side.example.com/grace",
        "side.example.com/wait",
        "slow.example.com/inject",
        "slow.example.com/wait",
        "slow.example.com/grace",
        "gracekeeper.dev/wait-mode",
        "config.linkerd.io/proxy-uid"};
    Json made = Json::object();
    // A small number stands for what matters most.
    for (auto left = input_.below(most + 1); left > 0; --left) {
      const auto key = input_.below(kKeys.size());
      const bool is_time = key == 25 || key == 26 || key == 28 || key == 29 || key == 31 ||
                           key == 32 || key == 34 || key == 35;
      made[kKeys[key]] = value_of(is_time ? 2 : key);
    }
    return made;
  }

  Json metadata() {
    Json metadata = Json::object();
    maybe(metadata, "name", "web");
    const auto odd = input_.byte();
    if ((odd & 1U) != 0) metadata["labels"] = {{"app", "web"}, {"a/b", "c"}};
    if ((odd & 2U) != 0) {
      metadata["ownerReferences"] = {
          {{"kind", (odd & 4U) != 0 ? "Job" : "ReplicaSet"}, {"name", "o"}, {"controller", true}}};
    }
    maybe(metadata, "annotations", annotations(9));
    return metadata;
  }

  std::int64_t seconds() {
    return input_.pick<std::int64_t>(
        {5, 0, 1, 20, 45, 30, -1, 3600, input_.byte(), std::numeric_limits<std::int64_t>::max()});
  }

  Json hook() {
    switch (input_.below(7)) {
      case 6:
        return {
            {"exec", {{"command", {"/gracekeeper/gracekeeper-await-app", "--timeout", time()}}}}};
      case 0:
        return {{"sleep", {{"seconds", seconds()}}}};
      case 1:
        return {{"exec",
                 {{"command",
                   {"/bin/sleep",
                    input_.pick<const char*>({"5", "20", "1.5", "2m", "x", "99999999999d"})}}}}};
      case 2:
        return {
            {"exec", {{"command", {"sh", "-c", "exec sleep " + std::to_string(input_.byte())}}}}};
      case 3:
        return {{"exec", {{"command", {"/drain"}}}}};
      case 4:
        return {{"httpGet", {{"path", "/"}, {"port", 80}}}};
      default:
        return Json::object();
    }
  }

  Json environment() {
    Json env = Json::array();
    for (auto left = input_.below(4); left > 0; --left) {
      Json variable{{"name", input_.pick<const char*>(
                                 {"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD", "A", "GATE_DRAIN",
                                  "TERMINATION_DRAIN_DURATION_SECONDS", "PROXY_CONFIG",
                                  "LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED",
                                  "EXIT_ON_ZERO_ACTIVE_CONNECTIONS", "MINIMUM_DRAIN_DURATION"})}};
      const auto form = input_.below(8);
      if (form < 6)
        variable["value"] = form == 5 ? "99999999999999d" : time();
      else if (form == 6)
        variable["valueFrom"] = {{"fieldRef", {{"fieldPath", "x"}}}};
      env.push_back(std::move(variable));
    }
    return env;
  }

  Json container(const std::string& name) {
    Json made{{"name", name}, {"image", input_.one_in(12) ? "cr.l5d.io/linkerd/proxy:x" : "e"}};
    const auto parts = input_.byte();
    if ((parts & 1U) != 0) {
      Json lifecycle = Json::object();
      if ((parts & 2U) != 0) lifecycle["postStart"] = {{"exec", {{"command", {"x"}}}}};
      maybe(lifecycle, "preStop", hook());
      maybe(made, "lifecycle", lifecycle);
    }
    if ((parts & 4U) != 0) maybe(made, "env", environment());
    if ((parts & 8U) != 0) {
      maybe(made, "ports",
            Json::array({{{"containerPort", input_.pick({8080, 25, 0, 4191})},
                          {"name", input_.pick<const char*>({"http", "linkerd-admin", ""})}}}));
    }
    if ((parts & 16U) != 0) {
      made["command"] = input_.pick<Json>(
          {Json::array({"run", "it"}), Json::array({"linkerd-await"}),
           Json::array({"linkerd-await", "--shutdown", "--", "run"}), Json::array(), nullptr});
    }
    if ((parts & 32U) != 0) {
      maybe(
          made, "args",
          Json::array({input_.pick<const char*>({"a", "--delay=5ms", "--grace", "--drain-time-s"}),
                       std::to_string(input_.byte())}));
    }
    if ((parts & 64U) != 0) made["livenessProbe"] = {{"terminationGracePeriodSeconds", seconds()}};
    if ((parts & 128U) != 0) {
      made["volumeMounts"] = {
          {{"name", "t"}, {"mountPath", "/var/run/secrets/kubernetes.io/serviceaccount"}}};
    }
    if ((parts & 192U) == 192U)
      made["securityContext"] = {{"runAsUser", input_.pick({1000, 2102, 0, -1})}};
    return made;
  }

  const char* sidecar_name() {
    return input_.pick<const char*>({"linkerd-proxy", "istio-proxy", "envoy", "gate", "side",
                                     "slow", "linkerd-init", "gate-metrics", "linkerd-debug",
                                     "gracekeeper-await-app"});
  }

  Json spec() {
    Json spec = Json::object();
    maybe(
        spec, "terminationGracePeriodSeconds",
        input_.pick<std::int64_t>(
            {30, 60, 1, 10, 0, 200, -5, 100'000, input_.byte(), kLongest.count() / 1000,
             std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}));
    const auto parts = input_.byte();
    if ((parts & 1U) != 0) {
      maybe(spec, "volumes",
            Json::array(
                {{{"name", input_.pick<const char*>({"data", "linkerd-identity-end-entity",
                                                     "envoy-bootstrap", "gracekeeper-await-app"})},
                  {"emptyDir", Json::object()}}}));
    }
    if ((parts & 6U) == 6U) spec["hostNetwork"] = input_.flag();
    if ((parts & 8U) != 0) spec["restartPolicy"] = input_.pick<const char*>({"Never", "OnFailure"});
    if ((parts & 48U) == 48U) spec["automountServiceAccountToken"] = input_.flag();
    Json containers = Json::array();
    if (!input_.one_in(30)) containers.push_back(container("web"));
    if ((parts & 64U) != 0) containers.push_back(container("worker"));
    if (input_.below(4) == 1) containers.insert(containers.begin(), container(sidecar_name()));
    spec["containers"] = std::move(containers);
    if ((parts & 128U) == 0) return spec;
    Json init = Json::array();
    for (auto left = input_.below(4); left > 0; --left) {
      const auto kind = input_.byte();
      init.push_back(container(kind % 4 == 3   ? sidecar_name()
                               : kind % 4 == 2 ? "setup"
                                               : "logs" + std::string(init.size(), 's')));
      if (kind >= 64) init.back()["restartPolicy"] = "Always";
    }
    maybe(spec, "initContainers", init);
    return spec;
  }

  Input& input_;
};

}  // namespace gracekeeper::fuzz
