// The annotation keys that this program reads or recognises.
//
// To add an annotation of this project's own: add its constant here and a row in
// known_annotations() (annotations.cc), read it in settings.cc, and describe it in
// docs/configuration.md.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace gracekeeper::annotation {

// Linkerd's.
inline constexpr std::string_view kInject = "linkerd.io/inject";
inline constexpr std::string_view kWait = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds";
inline constexpr std::string_view kGrace = "config.linkerd.io/shutdown-grace-period";
inline constexpr std::string_view kNative = "config.linkerd.io/proxy-enable-native-sidecar";
inline constexpr std::string_view kNativeBeta =
    "config.beta.linkerd.io/proxy-enable-native-sidecar";
inline constexpr std::string_view kNativeAlpha =
    "config.alpha.linkerd.io/proxy-enable-native-sidecar";
inline constexpr std::string_view kProxyUid = "config.linkerd.io/proxy-uid";
inline constexpr std::string_view kAdminShutdown = "config.linkerd.io/proxy-admin-shutdown";

// This project's own.
inline constexpr std::string_view kOwnPrefix = "gracekeeper.dev/";
inline constexpr std::string_view kAppShutdown = "gracekeeper.dev/app-shutdown";
inline constexpr std::string_view kAppPrestopSleep = "gracekeeper.dev/app-prestop-sleep";
inline constexpr std::string_view kOnShortfall = "gracekeeper.dev/on-shortfall";
inline constexpr std::string_view kIgnore = "gracekeeper.dev/ignore";
inline constexpr std::string_view kJobShutdown = "gracekeeper.dev/job-shutdown";
inline constexpr std::string_view kAwaitProgram = "gracekeeper.dev/linkerd-await";
inline constexpr std::string_view kWaitMode = "gracekeeper.dev/wait-mode";

// Istio's: read for the pods that have its proxy, never written.
inline constexpr std::string_view kIstioConfig = "proxy.istio.io/config";

// A value beyond this many bytes is not read: none that means anything comes near, and reading some
// of them takes time and memory that grow faster than they do.
inline constexpr std::size_t kLongestValue = std::size_t{16} * 1024;

// Every key above and every other annotation of Linkerd's configuration: a key that is close to
// one of these and is none of them is a misspelling (GK005).
std::span<const std::string_view> known_annotations();
bool is_known(std::string_view key);

// Whether it is one of Linkerd's lists of ports (opaque-ports, skip-…-ports): an item that is not
// usable is left out, and the others hold.
bool is_list_of_ports(std::string_view key);

}  // namespace gracekeeper::annotation
