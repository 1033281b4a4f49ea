#include "decision/edits.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "core/annotations.h"
#include "sidecar/await_helper.h"
#include "sidecar/custom_profile.h"
#include "sidecar/linkerd_annotations.h"
#include "sidecar/linkerd_ports.h"
#include "sidecar/linkerd_profile.h"

namespace gracekeeper {
namespace {

// A sleep of the form that the configuration and the cluster allow. The API server refuses a sleep
// action longer than T (ValidatePodSpec), so such a wait is left to an exec hook.
Value handler(const Assessment& a, Millis length, std::string_view program) {
  const auto seconds = ceil_seconds(length);
  const bool available = a.configuration->pre_stop_form == PreStopForm::Sleep ||
                         (a.configuration->pre_stop_form == PreStopForm::Auto &&
                          a.configuration->kubernetes_version.has_sleep_action());
  const bool accepted = seconds <= a.termination_grace_period_seconds;
  return sleep_handler(seconds, available && accepted, program);
}

std::string milliseconds(Millis grace) { return fmt::format("{}ms", grace.count()); }

// Its hook takes as long as the wait, and ends as it is meant to.
bool waits_as_meant(const Assessment& a, const Container& container) {
  const auto& hook = container.pre_stop;
  return hook && hook->length == a.proxy.wait.value &&
         hook->until_app_exits == a.proxy.until_app_exits;
}

// The annotation decides; a hook or a grace that already does what it says stays as it is.
void adjust_adopted(const Assessment& a, std::vector<Edit>& edits) {
  const auto* container = adopted_proxy(a.pod());
  const std::string name(kProxyName);
  if (a.proxy.is_classic() && (a.settings.wait || a.settings.wait_mode)) {
    const Millis wait = a.proxy.wait.value;
    const bool is_known = a.proxy.pre_stop && a.proxy.pre_stop->length;
    if (wait.count() > 0 && is_known && !waits_as_meant(a, *container))
      edits.emplace_back(SetPreStop{name, proxy_wait_handler(a)});
    if (a.settings.wait && wait.count() == 0 && container->pre_stop)
      edits.emplace_back(RemovePreStop{name});
  }
  if (a.settings.grace) {
    const auto& variable = container->grace_variable;
    const auto own =
        variable && variable->value ? parse_proxy_duration(*variable->value) : fail("absent");
    const Millis grace = a.proxy.grace.value;
    // Linkerd's injector truncates in floating point: its value for the same annotation is as good.
    const Millis as_linkerd_writes{linkerd_milliseconds(grace)};
    if (!own || (*own != grace && *own != as_linkerd_writes)) {
      edits.emplace_back(SetGraceVariable{name, milliseconds(grace)});
    }
  }
}

void add(std::vector<Edit> more, std::vector<Edit>& edits) {
  if (edits.empty()) {
    edits = std::move(more);
    return;
  }
  edits.insert(edits.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

// What the container is told of its grace. A native sidecar that drains in its hook has no hook and
// no time to drain, but the setting may stand in other places too.
Millis told_grace(const Assessment& a) {
  const auto& grace = a.proxy.profile->grace;
  if (!a.proxy.is_native() || !grace.is_in_hook()) return a.proxy.grace.value;
  return a.settings.grace ? a.settings.grace->value : grace.standard;
}

std::vector<Edit> profile_edits(const Assessment& a, const Namespace* where) {
  const ProfileInjection injection{.pod = a.pod(),
                                   .where = where,
                                   .namespace_name = a.subject->namespace_name,
                                   .proxy = a.proxy,
                                   .grace = told_grace(a),
                                   .wait_handler = proxy_wait_handler(a)};
  if (a.proxy.presence == Proxy::Presence::Injected) return inject_profile(injection);
  if (a.proxy.presence == Proxy::Presence::Adopted) return adjust_profile(injection, a.settings);
  return {};
}

// The shortened grace as the annotation states it.
std::string grace_text(const Assessment& a, Millis grace) {
  return a.settings.profile ? a.settings.profile->grace.annotation_text(grace)
                            : format_duration(grace);
}

// The port of a proxy that is there already.
std::int64_t admin_port_of(const Container& proxy) {
  const auto found = std::find_if(proxy.ports.begin(), proxy.ports.end(),
                                  [](const auto& port) { return port.name == "linkerd-admin"; });
  return found == proxy.ports.end() ? kDefaultAdminPort : found->number;
}

// Has a Job's command started by linkerd-await. `pod` is the one that is injected: the endpoint
// that linkerd-await calls is opened in it.
void add_job_shutdown(const Assessment& a, const Namespace* where, const Policy& policy, Pod& pod,
                      std::vector<Edit>& edits) {
  const auto& job = a.job_shutdown;
  const auto annotate = [&](std::string_view key, std::string value) {
    pod.annotations.insert_or_assign(std::string(key), AnnotationValue{value, true});
    edits.emplace_back(SetAnnotation{std::string(key), std::move(value)});
  };
  // Whoever takes the proxy out again sees by it that the command was wrapped here.
  if (a.settings.job_shutdown->source == Source::Namespace)
    annotate(annotation::kJobShutdown, "await=" + job.container);
  auto port = kDefaultAdminPort;
  if (const auto* proxy = adopted_proxy(pod)) {
    port = admin_port_of(*proxy);
  } else {
    const auto effective = effective_values(pod, where, a.settings, policy.linkerd);
    port = effective.values.proxy.admin_port;
    if (!effective.values.proxy.enable_shutdown_endpoint)
      annotate(annotation::kAdminShutdown, "enabled");
  }
  edits.emplace_back(SetCommand{job.container, wrapped_command(job, port)});
}

}  // namespace

void add_app_sleeps(const Assessment& a, std::vector<Edit>& edits) {
  for (const auto& container : a.pod().containers) {
    if (a.is_of_proxy(container.name) || is_proxy_name(container.name) ||
        container.name == kDebugName)
      continue;
    const auto hook = app_pre_stop(container, a.settings);
    if (hook.added)
      edits.emplace_back(SetPreStop{container.name, handler(a, *hook.length, "sleep")});
  }
}

Value proxy_wait_handler(const Assessment& a) {
  const auto& profile = a.proxy.profile;
  const bool by_sleep = !profile || (profile->wait.is_in_hook() && profile->hook.is_null());
  const bool waits = by_sleep && a.proxy.is_classic() && a.proxy.wait.value.count() > 0;
  if (!waits) return {};
  if (a.proxy.until_app_exits)
    return app_wait_handler(a.wait_plan, a.proxy.wait.value, *a.configuration);
  return handler(a, a.proxy.wait.value, "/bin/sleep");
}

void add_wait_helper(const Assessment& a, std::vector<Edit>& edits) {
  const bool is_there =
      a.proxy.presence == Proxy::Presence::Injected || a.proxy.presence == Proxy::Presence::Adopted;
  if (!a.proxy.until_app_exits || !a.settings.wait_mode || !is_there) return;
  if (a.configuration->helper_image.empty()) return;  // the hook that is there has its program
  const Pod& pod = a.pod();
  auto parts = helper_parts(a.wait_plan, *a.configuration);
  const auto& volumes = pod.volume_names;
  if (std::find(volumes.begin(), volumes.end(), kHelperName) == volumes.end())
    edits.emplace_back(AddVolume{std::move(parts.volume)});
  const auto* adopted = adopted_proxy(pod, a.proxy.container_name());
  const auto mounts_it = [](const VolumeMount& mount) { return mount.name == kHelperName; };
  if (adopted == nullptr ||
      std::none_of(adopted->volume_mounts.begin(), adopted->volume_mounts.end(), mounts_it))
    edits.emplace_back(AddVolumeMount{a.proxy.container_name(), std::move(parts.mount)});
  // The last of the init containers: it needs nothing of the others, not even the network, and they
  // keep their places.
  if (!parts.init_container.is_null() && pod.find_container(kHelperName) == nullptr)
    edits.emplace_back(AddContainer{.list = Container::List::InitContainers,
                                    .container = std::move(parts.init_container)});
}

std::vector<Edit> make_edits(const Assessment& a, const Namespace* where, const Policy& policy) {
  std::vector<Edit> edits;
  // A pod without containers is not a pod that the API server takes.
  if (a.pod().containers.empty()) return edits;
  add_app_sleeps(a, edits);
  std::optional<Pod> with_shutdown;
  if (a.job_shutdown.kind == JobShutdown::Kind::Wrap) {
    with_shutdown = a.pod();
    add_job_shutdown(a, where, policy, *with_shutdown, edits);
  }
  const Pod& pod = with_shutdown ? *with_shutdown : a.pod();
  if (a.proxy.profile) {
    add(profile_edits(a, where), edits);
  } else if (a.proxy.presence == Proxy::Presence::Adopted && !a.proxy.is_istio()) {
    adjust_adopted(a, edits);
  }
  if (a.proxy.presence == Proxy::Presence::Injected && !a.proxy.profile) {
    auto injected = inject_linkerd({.pod = pod,
                                    .where = where,
                                    .namespace_name = a.subject->namespace_name,
                                    .settings = a.settings,
                                    .proxy = a.proxy,
                                    .values = policy.linkerd,
                                    .wait_handler = proxy_wait_handler(a),
                                    .created_by = policy.created_by,
                                    .prepared = policy.prepared.get()});
    add(std::move(injected), edits);
  } else if (const auto ports = due_opaque_ports(a.pod(), where, policy.linkerd)) {
    // Clients' proxies look for it on pods without a proxy too.
    edits.emplace_back(SetAnnotation{std::string(annotation::kOpaquePorts), *ports});
  }
  add_wait_helper(a, edits);
  return edits;
}

Subject mended(const Assessment& a, const Mend& mend) {
  Subject out = *a.subject;
  if (mend.kind == Mend::Kind::Raise) out.pod.termination_grace_period_seconds = mend.seconds;
  if (mend.kind == Mend::Kind::Fit) {
    out.pod.annotations.insert_or_assign(std::string(a.settings.grace_key()),
                                         AnnotationValue{grace_text(a, mend.grace), true});
  }
  return out;
}

std::vector<Edit> mend_edits(const Assessment& a, const Mend& mend) {
  if (mend.kind == Mend::Kind::Raise) return {SetTerminationGracePeriod{mend.seconds}};
  if (mend.kind == Mend::Kind::Fit)
    return {SetAnnotation{std::string(a.settings.grace_key()), grace_text(a, mend.grace)}};
  return {};
}

}  // namespace gracekeeper
