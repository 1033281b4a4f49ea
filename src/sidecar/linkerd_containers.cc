#include "sidecar/linkerd_containers.h"

#include <fmt/format.h>
#include <string>

#include "sidecar/linkerd_environment.h"

namespace gracekeeper {
namespace {

constexpr std::size_t kMembersSetLater = 7;  // at most

std::string image_of(const LinkerdImage& image, const LinkerdValues& values) {
  return fmt::format("{}:{}", image.name,
                     image.version.empty() ? values.linkerd_version : image.version);
}

const std::string& pull_policy_of(const LinkerdImage& image, const LinkerdValues& values) {
  return image.pull_policy.empty() ? values.image_pull_policy : image.pull_policy;
}

void set_if_any(Value& object, std::string_view key, Value value) {
  if (!value.is_null()) object.set(key, std::move(value));
}

// The first app container stands for the whole pod (linkerd2 pkg/inject).
const Container* first_app(const Pod& pod) {
  return pod.containers.empty() ? nullptr : &pod.containers.front();
}

// What is copied from the app into the proxy is a name: nothing longer is one, and the pod with it
// would be refused. Copies of megabytes would be a multiple of them in the patch.
bool is_name(std::string_view text) {
  constexpr std::size_t kLongestName = 253;  // Kubernetes' DNS-1123 subdomain
  return !text.empty() && text.size() <= kLongestName;
}

Value::Array names_in(const std::vector<std::string>& texts) {
  Value::Array names;
  std::copy_if(texts.begin(), texts.end(), std::back_inserter(names), is_name);
  return names;
}

const Capabilities& capabilities_of(const Pod& pod) {
  static const Capabilities none;
  const auto* app = first_app(pod);
  return app == nullptr ? none : app->capabilities;
}

const Capabilities& all_dropped() {
  static const Capabilities all{.add = {}, .drop = {"ALL"}};
  return all;
}

// Null: the pod has neither of the two.
const Value& usual_context(const Capabilities& of_app, const UsualContexts& contexts) {
  static const Value none;
  if (!of_app.add.empty()) return none;
  if (of_app.drop.empty()) return contexts.plain;
  return of_app.drop == all_dropped().drop ? contexts.drops_all : none;
}

Value mount(std::string_view path, std::string_view volume) {
  return Value::object({{"mountPath", path}, {"name", volume}});
}

Value http_probe(std::string_view path, std::int64_t port) {
  return Value::object({{"httpGet", Value::object({{"path", path}, {"port", port}})}});
}

Value exec(Value::Array command) {
  return Value::object({{"exec", Value::object({{"command", std::move(command)}})}});
}

Value proxy_security_context(const Capabilities& of_app, const LinkerdProxyValues& proxy,
                             const LinkerdParts& parts) {
  if (const auto* own = proxy.security_context->as_object(); own != nullptr && !own->empty()) {
    return *proxy.security_context;
  }
  Value context{Value::object({{"allowPrivilegeEscalation", false}}, kMembersSetLater)};
  Value capabilities;
  if (auto names = names_in(of_app.add); !names.empty()) capabilities.set("add", std::move(names));
  if (auto names = names_in(of_app.drop); !names.empty())
    capabilities.set("drop", std::move(names));
  set_if_any(context, "capabilities", std::move(capabilities));
  context.set("readOnlyRootFilesystem", true);
  context.set("runAsNonRoot", true);
  context.set("runAsUser", proxy.uid);
  if (proxy.gid >= 0) context.set("runAsGroup", proxy.gid);
  context.set("seccompProfile", parts.seccomp_profile);
  return context;
}

Value proxy_mounts(const LinkerdValues& values, const LinkerdParts& parts, const Value& account) {
  Value::Array mounts;
  mounts.reserve(4);
  mounts.push_back(parts.identity_mount);
  if (values.proxy.tracing.enabled) {
    mounts.push_back(mount("/var/run/linkerd/podinfo", "linkerd-podinfo"));
  }
  if (values.service_account_token_projection) {
    mounts.push_back(parts.token_mount);
  }
  if (!account.is_null()) mounts.push_back(account);
  return mounts;
}

Value classic_lifecycle(const Value& post_start, const Value& wait_handler) {
  Value lifecycle;
  set_if_any(lifecycle, "postStart", post_start);
  set_if_any(lifecycle, "preStop", wait_handler);
  return lifecycle;
}

// A probe that waits before its first try.
Value delayed_probe(std::string_view path, std::int64_t port, const LinkerdProbe& times) {
  auto probe = http_probe(path, port);
  probe.set("initialDelaySeconds", times.initial_delay_seconds);
  probe.set("timeoutSeconds", times.timeout_seconds);
  return probe;
}

// The kubelet starts the next container when this hook has returned: the apps find a proxy that is
// ready.
Value await_hook(const LinkerdProxyValues& proxy) {
  return exec({"/usr/lib/linkerd/linkerd-await", "--timeout=2m",
               Value(fmt::format("--port={}", proxy.admin_port))});
}

Value startup_probe(const LinkerdProxyValues& proxy) {
  auto probe = http_probe("/ready", proxy.admin_port);
  probe.set("initialDelaySeconds", proxy.startup.initial_delay_seconds);
  probe.set("periodSeconds", proxy.startup.period_seconds);
  probe.set("failureThreshold", proxy.startup.failure_threshold);
  return probe;
}

Value::Array init_arguments(const LinkerdValues& values) {
  const auto& proxy = values.proxy;
  const auto& init = values.init;
  Value::Array args;
  const auto add = [&](std::string_view flag, Value value) {
    args.emplace_back(flag);
    args.push_back(std::move(value));
  };
  const auto add_number = [&](std::string_view flag, std::int64_t number) {
    add(flag, fmt::format("{}", number));
  };
  const auto add_if_any = [&](std::string_view flag, const std::string& text) {
    if (!text.empty()) add(flag, text);
  };
  if (init.iptables_mode == "nft") {
    add("--firewall-bin-path", "iptables-nft");
    add("--firewall-save-bin-path", "iptables-nft-save");
  }
  if (values.disable_ipv6) args.emplace_back("--ipv6=false");
  add_number("--incoming-proxy-port", proxy.inbound_port);
  add_number("--outgoing-proxy-port", proxy.outbound_port);
  add_number("--proxy-uid", proxy.uid);
  if (proxy.gid >= 0) add_number("--proxy-gid", proxy.gid);
  add("--inbound-ports-to-ignore",
      fmt::format("{},{}{}{}", proxy.control_port, proxy.admin_port,
                  init.ignore_inbound_ports.empty() ? "" : ",", init.ignore_inbound_ports));
  add_if_any("--outbound-ports-to-ignore", init.ignore_outbound_ports);
  if (init.close_wait_timeout_seconds > 0) {
    add_number("--timeout-close-wait-secs", init.close_wait_timeout_seconds);
  }
  add_if_any("--log-format", init.log_format);
  add_if_any("--log-level", init.log_level);
  add_if_any("--subnets-to-ignore", init.skip_subnets);
  return args;
}

Value init_security_context(const Capabilities& of_app, const LinkerdInitValues& init,
                            const LinkerdParts& parts) {
  Value::Array add{Value("NET_ADMIN"), Value("NET_RAW")};
  for (auto& name : names_in(of_app.add)) add.push_back(std::move(name));
  Value::Array drop;
  for (auto& name : names_in(of_app.drop)) {
    if (name != Value("NET_ADMIN") && name != Value("NET_RAW")) drop.push_back(std::move(name));
  }
  Value capabilities{Value::object({{"add", std::move(add)}})};
  if (!drop.empty()) capabilities.set("drop", std::move(drop));
  const bool privileged = init.privileged || init.close_wait_timeout_seconds > 0;
  // User 0 without runAsRoot would contradict runAsNonRoot.
  const auto id = [&](std::int64_t configured) -> std::int64_t {
    if (init.run_as_root) return 0;
    return configured == 0 ? 65534 : configured;
  };
  return Value::object({{"allowPrivilegeEscalation", privileged},
                        {"capabilities", std::move(capabilities)},
                        {"privileged", privileged},
                        {"runAsNonRoot", !init.run_as_root},
                        {"runAsUser", id(init.run_as_user)},
                        {"runAsGroup", id(init.run_as_group)},
                        {"readOnlyRootFilesystem", true},
                        {"seccompProfile", parts.seccomp_profile}});
}

Value lock_volume(const LinkerdValues& values) {
  return Value::object({{"name", values.init.lock_volume}, {"emptyDir", Value::Object{}}});
}

Value identity_volume() {
  return Value::object({{"name", "linkerd-identity-end-entity"},
                        {"emptyDir", Value::object({{"medium", "Memory"}})}});
}

Value token_volume() {
  constexpr int day_in_seconds = 86'400;
  const Value token{
      Value::object({{"serviceAccountToken", Value::object({{"path", "linkerd-identity-token"},
                                                            {"expirationSeconds", day_in_seconds},
                                                            {"audience", "identity.l5d.io"}})}})};
  return Value::object({{"name", "linkerd-identity-token"},
                        {"projected", Value::object({{"sources", Value::array({token})}})}});
}

}  // namespace

Value service_account_mount(const Pod& pod) {
  const auto* app = first_app(pod);
  if (app == nullptr) return {};
  for (const auto& mount : app->volume_mounts) {
    if (mount.path != kServiceAccountPath || !is_name(mount.name)) continue;
    return Value::object(
        {{"mountPath", mount.path}, {"name", mount.name}, {"readOnly", mount.read_only}});
  }
  return {};
}

Value resources_of(const LinkerdResources& resources) {
  Value limits;
  Value requests;
  const auto add = [&](std::string_view name, const LinkerdResource& resource) {
    if (!resource.limit.empty()) limits.set(name, resource.limit);
    if (!resource.request.empty()) requests.set(name, resource.request);
  };
  add("cpu", resources.cpu);
  add("memory", resources.memory);
  add("ephemeral-storage", resources.ephemeral_storage);
  Value out;
  if (!limits.is_null()) out.set("limits", std::move(limits));
  if (!requests.is_null()) out.set("requests", std::move(requests));
  return out;
}

LinkerdParts linkerd_parts(const LinkerdValues& values) {
  const auto& proxy = values.proxy;
  return {.image = image_of(proxy.image, values),
          .pull_policy = pull_policy_of(proxy.image, values),
          .resources = resources_of(proxy.resources),
          .liveness = delayed_probe("/live", proxy.admin_port, proxy.liveness),
          .readiness = delayed_probe("/ready", proxy.admin_port, proxy.readiness),
          .startup = proxy.await ? startup_probe(proxy) : Value(),
          .ports = Value::array(
              {Value::object({{"containerPort", proxy.inbound_port}, {"name", "linkerd-proxy"}}),
               Value::object({{"containerPort", proxy.admin_port}, {"name", "linkerd-admin"}})}),
          .post_start = proxy.await ? await_hook(proxy) : Value(),
          .init_command = Value::array({Value("/usr/lib/linkerd/linkerd2-proxy-init")}),
          .init_arguments = init_arguments(values),
          .lock_volume = lock_volume(values),
          .identity_volume = identity_volume(),
          .token_volume = values.service_account_token_projection ? token_volume() : Value(),
          .lock_mount = mount(values.init.lock_mount_path, values.init.lock_volume),
          .identity_mount =
              mount("/var/run/linkerd/identity/end-entity", "linkerd-identity-end-entity"),
          .token_mount = mount("/var/run/secrets/tokens", "linkerd-identity-token"),
          .seccomp_profile = Value::object({{"type", "RuntimeDefault"}}),
          .message_policy = "FallbackToLogsOnError",
          .proxy_contexts = {},
          .init_contexts = {}};
}

void add_usual_contexts(LinkerdParts& parts, const LinkerdValues& values) {
  parts.proxy_contexts = {.plain = proxy_security_context({}, values.proxy, parts),
                          .drops_all = proxy_security_context(all_dropped(), values.proxy, parts)};
  parts.init_contexts = {.plain = init_security_context({}, values.init, parts),
                         .drops_all = init_security_context(all_dropped(), values.init, parts)};
}

Value proxy_container(const Pod& pod, const LinkerdValues& values, const LinkerdProxyOfPod& proxy,
                      const LinkerdParts& parts, const Value& account,
                      const SharedEnvironment* environment) {
  const bool native = proxy.mode == Proxy::Mode::Native;
  Value container{Value::object({{"name", kProxyName},
                                 {"image", parts.image},
                                 {"imagePullPolicy", parts.pull_policy},
                                 {"env", proxy_environment(pod, values, proxy.grace, environment)},
                                 {"livenessProbe", parts.liveness},
                                 {"ports", parts.ports},
                                 {"readinessProbe", parts.readiness}},
                                kMembersSetLater)};
  if (native) set_if_any(container, "startupProbe", parts.startup);
  set_if_any(container, "resources", parts.resources);
  const auto& of_app = capabilities_of(pod);
  const auto& usual = usual_context(of_app, parts.proxy_contexts);
  container.set("securityContext",
                usual.is_null() ? proxy_security_context(of_app, values.proxy, parts) : usual);
  container.set("terminationMessagePolicy", parts.message_policy);
  if (!native)
    set_if_any(container, "lifecycle", classic_lifecycle(parts.post_start, proxy.wait_handler));
  container.set("volumeMounts", proxy_mounts(values, parts, account));
  if (native) container.set("restartPolicy", "Always");
  return container;
}

Value init_container(const Pod& pod, const LinkerdValues& values, const LinkerdParts& parts,
                     const Value& account) {
  Value container{Value::object({{"name", kInitName},
                                 {"image", parts.image},
                                 {"imagePullPolicy", parts.pull_policy},
                                 {"command", parts.init_command},
                                 {"args", parts.init_arguments}},
                                kMembersSetLater)};
  set_if_any(container, "resources", parts.resources);
  const auto& of_app = capabilities_of(pod);
  const auto& usual = usual_context(of_app, parts.init_contexts);
  container.set("securityContext",
                usual.is_null() ? init_security_context(of_app, values.init, parts) : usual);
  container.set("terminationMessagePolicy", parts.message_policy);
  Value::Array mounts;
  mounts.reserve(2);
  mounts.push_back(parts.lock_mount);
  if (!account.is_null()) mounts.push_back(account);
  container.set("volumeMounts", std::move(mounts));
  return container;
}

Value validator_container(const LinkerdValues& values) {
  const auto& validator = values.validator;
  // An address that answers only when the traffic is redirected to the listener.
  const std::string connect = !validator.connect_addr.empty() ? validator.connect_addr
                              : values.disable_ipv6           ? "1.1.1.1:20001"
                                                              : "[fd00::1]:20001";
  const std::string listen = !validator.listen_addr.empty() ? validator.listen_addr
                             : values.disable_ipv6          ? "0.0.0.0:4140"
                                                            : "[::]:4140";
  Value container{Value::object(
      {{"name", kValidatorName},
       {"image", image_of(values.proxy.image, values)},
       {"imagePullPolicy", pull_policy_of(values.proxy.image, values)},
       {"command", Value::array({Value("/usr/lib/linkerd/linkerd2-network-validator")})},
       {"args", Value::array({"--log-format", validator.log_format, "--log-level",
                              validator.log_level, "--connect-addr", connect, "--listen-addr",
                              listen, "--timeout", validator.timeout})}})};
  set_if_any(container, "resources", resources_of(values.proxy.resources));
  if (const auto* context = validator.security_context->as_object();
      context != nullptr && !context->empty()) {
    container.set("securityContext", *validator.security_context);
  }
  return container;
}

Value debug_container(const LinkerdValues& values) {
  // Some clusters demand probes of every container; these cannot fail.
  const auto always = exec({Value("true")});
  return Value::object({{"name", kDebugName},
                        {"image", image_of(values.debug_image, values)},
                        {"imagePullPolicy", pull_policy_of(values.debug_image, values)},
                        {"terminationMessagePolicy", "FallbackToLogsOnError"},
                        {"livenessProbe", always},
                        {"readinessProbe", always}});
}

Value pod_info_volume() {
  const Value labels{Value::object(
      {{"path", "labels"}, {"fieldRef", Value::object({{"fieldPath", "metadata.labels"}})}})};
  return Value::object({{"name", "linkerd-podinfo"},
                        {"downwardAPI", Value::object({{"items", Value::array({labels})}})}});
}

}  // namespace gracekeeper
