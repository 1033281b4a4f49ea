#include "core/annotations.h"

#include <algorithm>
#include <array>

namespace gracekeeper::annotation {
namespace {

// Linkerd's keys: linkerd2 pkg/k8s/labels.go.
constexpr std::array kKnown{
    kInject,
    kWait,
    kGrace,
    kNative,
    kNativeBeta,
    kNativeAlpha,
    kAppShutdown,
    kAppPrestopSleep,
    kOnShortfall,
    kIgnore,
    kJobShutdown,
    kAwaitProgram,
    kWaitMode,
    std::string_view{"linkerd.io/created-by"},
    std::string_view{"linkerd.io/proxy-version"},
    std::string_view{"linkerd.io/trust-root-sha256"},
    std::string_view{"config.linkerd.io/access-log"},
    std::string_view{"config.linkerd.io/admin-port"},
    std::string_view{"config.linkerd.io/close-wait-timeout"},
    std::string_view{"config.linkerd.io/control-port"},
    std::string_view{"config.linkerd.io/debug-image"},
    std::string_view{"config.linkerd.io/debug-image-pull-policy"},
    std::string_view{"config.linkerd.io/debug-image-version"},
    std::string_view{"config.linkerd.io/default-inbound-policy"},
    std::string_view{"config.linkerd.io/enable-debug-sidecar"},
    std::string_view{"config.linkerd.io/enable-external-profiles"},
    std::string_view{"config.linkerd.io/enable-gateway"},
    std::string_view{"config.linkerd.io/image-pull-policy"},
    std::string_view{"config.linkerd.io/inbound-port"},
    std::string_view{"config.linkerd.io/init-image"},
    std::string_view{"config.linkerd.io/init-image-version"},
    std::string_view{"config.linkerd.io/opaque-ports"},
    std::string_view{"config.linkerd.io/outbound-port"},
    std::string_view{"config.linkerd.io/pod-inbound-ports"},
    std::string_view{"config.linkerd.io/proxy-additional-env"},
    kAdminShutdown,
    std::string_view{"config.linkerd.io/proxy-await"},
    std::string_view{"config.linkerd.io/proxy-cpu-limit"},
    std::string_view{"config.linkerd.io/proxy-cpu-ratio-limit"},
    std::string_view{"config.linkerd.io/proxy-cpu-request"},
    std::string_view{"config.linkerd.io/proxy-disable-inbound-protocol-detect-timeout"},
    std::string_view{"config.linkerd.io/proxy-disable-outbound-protocol-detect-timeout"},
    std::string_view{"config.linkerd.io/proxy-ephemeral-storage-limit"},
    std::string_view{"config.linkerd.io/proxy-ephemeral-storage-request"},
    std::string_view{"config.linkerd.io/proxy-gid"},
    std::string_view{"config.linkerd.io/proxy-image"},
    std::string_view{"config.linkerd.io/proxy-inbound-connect-timeout"},
    std::string_view{"config.linkerd.io/proxy-inbound-discovery-cache-unused-timeout"},
    std::string_view{"config.linkerd.io/proxy-log-format"},
    std::string_view{"config.linkerd.io/proxy-log-http-headers"},
    std::string_view{"config.linkerd.io/proxy-log-level"},
    std::string_view{"config.linkerd.io/proxy-memory-limit"},
    std::string_view{"config.linkerd.io/proxy-memory-request"},
    std::string_view{"config.linkerd.io/proxy-metrics-hostname-labels"},
    std::string_view{"config.linkerd.io/proxy-outbound-connect-timeout"},
    std::string_view{"config.linkerd.io/proxy-outbound-discovery-cache-unused-timeout"},
    std::string_view{"config.linkerd.io/proxy-require-identity-inbound-ports"},
    kProxyUid,
    std::string_view{"config.linkerd.io/proxy-version"},
    std::string_view{"config.linkerd.io/skip-inbound-ports"},
    std::string_view{"config.linkerd.io/skip-outbound-ports"},
    std::string_view{"config.linkerd.io/skip-subnets"},
};

}  // namespace

std::span<const std::string_view> known_annotations() { return kKnown; }

bool is_list_of_ports(std::string_view key) {
  return key == "config.linkerd.io/opaque-ports" || key == "config.linkerd.io/skip-inbound-ports" ||
         key == "config.linkerd.io/skip-outbound-ports";
}

bool is_known(std::string_view key) {
  return std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end();
}

}  // namespace gracekeeper::annotation
