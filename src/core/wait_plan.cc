#include "core/wait_plan.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/annotations.h"
#include "core/sidecar_profile.h"

namespace gracekeeper {
namespace {

WaitPlan impossible(std::string reason, std::string remedy) {
  return {
      .kind = WaitPlan::Kind::Impossible, .reason = std::move(reason), .remedy = std::move(remedy)};
}

std::optional<std::int64_t> template_uid(const SidecarProfile& profile) {
  const auto* proxy = profile.proxy_template();
  const auto* context = proxy == nullptr ? nullptr : proxy->find("securityContext");
  const auto* uid = context == nullptr ? nullptr : context->find("runAsUser");
  return uid == nullptr || uid->as_int() == nullptr ? std::nullopt : std::optional(*uid->as_int());
}

// The user that the proxy will run as; nothing when only its image knows.
std::optional<std::int64_t> proxy_user(const Pod& pod, const PodSettings& settings,
                                       const Proxy& proxy, const Configuration& configuration) {
  std::optional<std::int64_t> own;
  if (proxy.presence == Proxy::Presence::Adopted)
    own = adopted_proxy(pod, proxy.container_name())->run_as_user;
  else if (proxy.profile)
    own = template_uid(*proxy.profile);
  else
    own = configuration.proxy_uid_is_annotated && settings.proxy_uid ? settings.proxy_uid
                                                                     : configuration.proxy_uid;
  return own ? own : pod.run_as_user;
}

// A container whose sockets would be taken for the proxy's.
const Container* same_user(const Pod& pod, const Proxy& proxy, std::int64_t uid) {
  for (const auto& container : pod.containers) {
    if (container.name == proxy.container_name()) continue;
    const auto own = container.run_as_user ? container.run_as_user : pod.run_as_user;
    if (own == uid) return &container;
  }
  return nullptr;
}

// A native sidecar ends after the classic proxy, so its sockets would hold the wait to its end.
std::string_view native_sidecar(const Pod& pod, const Proxy& proxy) {
  for (const auto& container : pod.init_containers) {
    if (container.restart_always) return container.name;
  }
  if (!proxy.profile || proxy.presence == Proxy::Presence::Adopted) return {};
  for (const auto& container : proxy.profile->companions) {
    if (container.list == Container::List::InitContainers && container.restart_always)
      return container.name;
  }
  return {};
}

// The wait is the length of the proxy's hook and nothing else is in that hook.
bool is_a_sleep(const Proxy& proxy) {
  return !proxy.profile || (proxy.profile->wait.is_in_hook() && proxy.profile->hook.is_null());
}

// `done`: the container's own hook does what is asked for, so that nothing has to be brought.
WaitPlan plan_asked(const Pod& pod, const PodSettings& settings, const Proxy& proxy,
                    const Configuration& configuration, bool done) {
  const auto name = proxy.container_name();
  const auto remove = fmt::format("Remove {}.", annotation::kWaitMode);
  if (proxy.is_native())
    return impossible("a native sidecar is stopped when the application is gone anyway", remove);
  if (proxy.is_istio())
    return impossible("the pod's proxy is Istio's, which is never changed", remove);
  if (!is_a_sleep(proxy))
    return impossible(fmt::format("the wait of {} is not a sleep in its preStop hook", name),
                      remove);
  if (proxy.pre_stop && !proxy.pre_stop->length)
    return impossible(fmt::format("how long the preStop hook of {} takes is unknown", name),
                      fmt::format("State the wait with {}.", settings.wait_key()));
  if (proxy.wait.value.count() == 0)
    return impossible("there is no wait that could end",
                      fmt::format("State the longest one with {}.", settings.wait_key()));
  if (proxy.wait.value > kLongestAppWait)
    return impossible(fmt::format("{} takes no wait of more than 1,000 days", kAwaitAppProgram),
                      fmt::format("State a shorter one with {}.", settings.wait_key()));
  if (pod.host_network)
    return impossible("with hostNetwork the sockets of the whole node are in sight",
                      "Use a fixed wait there.");
  if (const auto sidecar = native_sidecar(pod, proxy); !sidecar.empty())
    return impossible(
        fmt::format("the native sidecar {} outlives {}", sidecar, name),
        "Let the proxy be a native sidecar too, which needs no wait: the sockets of the "
        "other one would be taken for the application's.");
  const auto uid = proxy_user(pod, settings, proxy, configuration);
  if (!uid)
    return impossible(
        fmt::format("the user that {} runs as is not known", name),
        fmt::format("State securityContext.runAsUser of {}: by it its sockets are told "
                    "from the application's.",
                    name));
  if (*uid == 0)
    return impossible(
        fmt::format("{} runs as root, as an application may that states no user", name),
        "Let the proxy run as a user of its own.");
  if (const auto* container = same_user(pod, proxy, *uid))
    return impossible(
        fmt::format("container {} runs as {}'s user {}", container->name, name, *uid),
        fmt::format("Let {} run as another user: by it the sockets of the two are told apart.",
                    container->name));
  if (configuration.helper_image.empty() && !done)
    return impossible("no image is known that has the program for it",
                      "Name this project's image with --helper-image, or with helper.image in the "
                      "configuration.");
  return {.kind = WaitPlan::Kind::UntilAppExits, .proxy_uid = *uid};
}

// What the annotation, the pod's or its Namespace's, comes to.
WaitPlan plan_mode(const Pod& pod, const PodSettings& settings, const Proxy& proxy,
                   const Configuration& configuration, bool done) {
  const auto& mode = settings.wait_mode;
  if (mode->value == WaitMode::Fixed || !proxy.exists()) return {};
  auto plan = plan_asked(pod, settings, proxy, configuration, done);
  // A Namespace's is asked of those of its pods that have a wait of this kind.
  const bool has_nothing_to_end =
      !proxy.is_classic() || proxy.is_istio() || proxy.wait.value.count() == 0;
  if (plan.kind == WaitPlan::Kind::Impossible && mode->source == Source::Namespace &&
      has_nothing_to_end)
    return {};
  return plan;
}

// The hook of the proxy that is there already, where it ends with the app.
const Hook* hook_that_ends_with_app(const Pod& pod, const Proxy& proxy) {
  if (proxy.presence != Proxy::Presence::Adopted || !proxy.is_classic()) return nullptr;
  const auto& hook = adopted_proxy(pod, proxy.container_name())->pre_stop;
  return hook && hook->until_app_exits ? &*hook : nullptr;
}

// No setting puts another hook in its place.
bool keeps(const Hook& hook, const PodSettings& settings, const Proxy& proxy) {
  if (is_a_sleep(proxy)) return hook.length == proxy.wait.value;
  const auto& profile = *proxy.profile;
  return !(settings.wait && profile.wait.is_in_hook()) &&
         !(settings.grace && profile.grace.is_in_hook());
}

}  // namespace

WaitPlan plan_wait(const Pod& pod, const PodSettings& settings, const Proxy& proxy,
                   const Configuration& configuration) {
  const Hook* own = hook_that_ends_with_app(pod, proxy);
  const bool done = own != nullptr && keeps(*own, settings, proxy);
  WaitPlan plan;
  if (settings.wait_mode)
    plan = plan_mode(pod, settings, proxy, configuration, done);
  else if (done)
    plan.kind = WaitPlan::Kind::UntilAppExits;
  // Istio's proxy is never changed.
  plan.becomes_sleep = own != nullptr && plan.kind != WaitPlan::Kind::UntilAppExits &&
                       !proxy.is_istio() && is_a_sleep(proxy);
  return plan;
}

}  // namespace gracekeeper
