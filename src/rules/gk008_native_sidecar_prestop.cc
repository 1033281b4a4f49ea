#include <fmt/format.h>

#include "core/istio.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

std::vector<Finding> check(const Assessment& a) {
  const auto* own =
      adopted_proxy(a.pod(), a.proxy.is_istio() ? kProxyName : a.proxy.container_name());
  const auto* proxy = own != nullptr ? own : istio_proxy(a.pod());
  if (proxy == nullptr || !proxy->is_native_sidecar() || !proxy->pre_stop) return {};
  // Istio's own hook starts the drain and returns at once.
  if (own == nullptr && is_istio_drain_hook(proxy->pre_stop->command)) return {};
  const auto& length = proxy->pre_stop->length;
  return {{.rule = "GK008",
           .name = "native-sidecar-prestop",
           .severity = Severity::Warning,
           .path = pre_stop_path(a, *proxy),
           .container = proxy->name,
           .message = fmt::format(
               "the preStop hook ({}) of a native proxy delays nothing: it runs from the moment of "
               "deletion, beside the application's, and can only hold the pod longer",
               length ? format_seconds(*length) + " s" : "of unknown length"),
           .short_message =
               "GK008 a preStop hook on a native proxy delays nothing and can hold the pod longer",
           .remedy =
               "Remove the hook: the kubelet stops a native sidecar after the application anyway.",
           .numbers = {}}};
}

}  // namespace

Rule gk008_native_sidecar_prestop() {
  return {.id = "GK008",
          .name = "native-sidecar-prestop",
          .severity = Severity::Warning,
          .summary = "a native proxy has a preStop hook",
          .cause =
              "The hook of a native sidecar starts with the deletion, in parallel to everything "
              "else; only its "
              "SIGTERM comes late. So the hook never helps, and when it is longer than the "
              "application's stop it "
              "makes the termination slower, holds Jobs that are done and takes from the time to "
              "drain.",
          .example =
              "spec:\n"
              "  initContainers:\n"
              "  - name: linkerd-proxy\n"
              "    image: cr.l5d.io/linkerd/proxy:edge-26.8.1\n"
              "    restartPolicy: Always\n"
              "    lifecycle:\n"
              "      preStop:\n"
              "        sleep:\n"
              "          seconds: 20\n",
          .remedy = "Remove the hook.",
          .check_pod = check};
}

}  // namespace gracekeeper
