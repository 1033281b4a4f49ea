#include "decision/policy.h"

#include <fmt/format.h>

namespace gracekeeper {

Policy make_policy(Configuration configuration, LinkerdValues values, std::string created_by) {
  const auto& proxy = values.proxy;
  if (configuration.wait.source == Source::BuiltIn && proxy.wait) {
    configuration.wait = {*proxy.wait, Source::LinkerdValues};
  }
  if (configuration.grace.source == Source::BuiltIn && proxy.shutdown_grace_period) {
    if (const auto grace = parse_proxy_duration(*proxy.shutdown_grace_period)) {
      configuration.grace = {*grace, Source::LinkerdValues};
    }
  }
  if (!configuration.native_sidecar && proxy.native_sidecar) {
    configuration.native_sidecar = Sourced<bool>{*proxy.native_sidecar, Source::LinkerdValues};
  }
  take_proxy_user(values, configuration);
  configuration.service_account_token_projection = values.service_account_token_projection;
  configuration.shutdown_endpoint = values.proxy.enable_shutdown_endpoint;
  configuration.cni = values.cni_enabled;
  return {.configuration = configuration,
          .linkerd = std::move(values),
          .created_by = std::move(created_by)};
}

void take_proxy_user(const LinkerdValues& values, Configuration& configuration) {
  configuration.proxy_uid = values.proxy.uid;
  configuration.proxy_uid_is_annotated = true;
  const auto* context = values.proxy.security_context->as_object();
  if (context == nullptr || context->empty()) return;
  const auto* uid = values.proxy.security_context->find("runAsUser");
  configuration.proxy_uid_is_annotated = false;
  configuration.proxy_uid =
      uid == nullptr || uid->as_int() == nullptr ? std::nullopt : std::optional(*uid->as_int());
}

std::vector<std::string> remarks_on_missing(const LinkerdValues& values) {
  std::vector<std::string> remarks;
  for (const auto& missing : missing_values(values)) {
    remarks.push_back(fmt::format(
        "Linkerd's values have no {} (--linkerd-values): the injected proxy cannot start",
        missing));
  }
  return remarks;
}

}  // namespace gracekeeper
