#include "core/hazard.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace gracekeeper {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

const ContainerTimes* find_proxy(const Timeline& timeline) {
  const auto found = std::find_if(timeline.containers.begin(), timeline.containers.end(),
                                  [](const ContainerTimes& c) { return c.role == Role::Proxy; });
  return found == timeline.containers.end() ? nullptr : &*found;
}

Millis last_app_exit(const Timeline& timeline) {
  Millis last{0};
  for (const auto& container : timeline.containers) {
    if (container.role == Role::App) last = std::max(last, container.exit);
  }
  return last;
}

void add_refused_connections(const Assessment& a, const Timeline& timeline,
                             std::vector<Hazard>& hazards) {
  const auto* proxy = find_proxy(timeline);
  if (proxy == nullptr) return;
  // Istio's proxy takes connections of the app until it ends.
  const Millis from = a.proxy.is_istio() ? proxy->exit : a.proxy.refuses_from(proxy->sigterm);
  std::vector<std::string> outliving;
  Millis until{0};
  for (const auto& container : timeline.containers) {
    if (container.role != Role::App || container.exit <= from) continue;
    outliving.push_back(container.name);
    until = std::max(until, container.exit);
  }
  if (outliving.empty()) return;
  auto cause = fmt::format(
      "the proxy {}, while {} {} until {} s",
      a.proxy.is_istio()
          ? fmt::format("is gone at {} s, and every connection with it", format_seconds(from))
          : fmt::format("{} at {} s and takes no new connection from then on",
                        from == proxy->sigterm ? "gets SIGTERM" : "begins to drain",
                        format_seconds(from)),
      joined(outliving), outliving.size() == 1 ? "runs" : "run", format_seconds(until));
  hazards.push_back(
      {Hazard::Kind::NewConnectionsRefused, from, until, std::move(outliving), std::move(cause)});
}

bool is_of_a_proxy(std::string_view container, const Assessment& a) {
  return a.is_of_proxy(container) || is_proxy_name(container) || container == kDebugName;
}

void add_refused_connections_of_sidecars(const Assessment& a, const Timeline& timeline,
                                         std::vector<Hazard>& hazards) {
  const auto without = sidecars_without_proxy(a, timeline);
  if (without.empty()) return;
  const Millis from = find_proxy(timeline)->sigterm;
  std::vector<std::string> names;
  Millis until{0};
  for (const auto i : without) {
    names.push_back(timeline.containers[i].name);
    until = std::max(until, timeline.containers[i].exit);
  }
  auto cause = fmt::format(
      "the proxy gets SIGTERM at {} s and takes no new connection from then on, while the native "
      "sidecar{} {}, which {} stopped after it, {} until {} s",
      format_seconds(from), names.size() == 1 ? "" : "s", joined(names),
      names.size() == 1 ? "is" : "are", names.size() == 1 ? "runs" : "run", format_seconds(until));
  hazards.push_back(
      {Hazard::Kind::NewConnectionsRefused, from, until, std::move(names), std::move(cause)});
}

void add_traffic_after_stop(const Assessment& a, const Timeline& timeline,
                            std::vector<Hazard>& hazards) {
  const Millis propagation = a.configuration->endpoint_propagation;
  for (std::size_t i = 0; i < timeline.containers.size(); ++i) {
    const auto& times = timeline.containers[i];
    if (times.role != Role::App || a.containers[i].hook_is_unknown()) continue;
    if (times.sigterm >= propagation) continue;
    const auto* container = a.pod().find_container(times.name);
    if (container == nullptr || container->ports.empty()) continue;
    hazards.push_back(
        {Hazard::Kind::TrafficAfterStop,
         times.sigterm,
         propagation,
         {times.name},
         fmt::format("{} gets SIGTERM at {} s, but its endpoints may be in use until about {} s "
                     "after the deletion",
                     times.name, format_seconds(times.sigterm), format_seconds(propagation))});
  }
}

void add_cut_hooks(const Timeline& timeline, std::vector<Hazard>& hazards) {
  std::vector<std::string> cut;
  for (const auto& container : timeline.containers) {
    if (container.hook_cut_short) cut.push_back(container.name);
  }
  if (cut.empty()) return;
  auto cause =
      fmt::format("the preStop hook of {} has not ended when the grace period of {} s is over",
                  joined(cut), format_seconds(timeline.grace_period));
  hazards.push_back({Hazard::Kind::HookCutShort, timeline.grace_period, timeline.grace_period,
                     std::move(cut), std::move(cause)});
}

void add_kills(const Timeline& timeline, std::vector<Hazard>& hazards) {
  std::map<Millis, std::vector<std::string>> killed;
  bool proxy_killed = false;
  Millis proxy_kill{0};
  for (const auto& container : timeline.containers) {
    if (!container.killed) continue;
    killed[container.sigkill].push_back(container.name);
    if (container.role == Role::Proxy) {
      proxy_killed = true;
      proxy_kill = container.sigkill;
    }
  }
  for (auto& [when, names] : killed) {
    auto cause = fmt::format("SIGKILL at {} s ends {}, which had not finished",
                             format_seconds(when), joined(names));
    if (proxy_killed && proxy_kill == when)
      cause += "; connections still open through the proxy are cut";
    hazards.push_back({Hazard::Kind::Killed, when, when, std::move(names), std::move(cause)});
  }
}

void add_idle_wait(const Assessment& a, const Timeline& timeline, std::vector<Hazard>& hazards) {
  if (!a.proxy.is_classic() || a.proxy.until_app_exits) return;
  const Millis from = last_app_exit(timeline);
  const Millis to = std::min(a.proxy.cover(), timeline.grace_period);
  if (to <= from) return;
  hazards.push_back({Hazard::Kind::WaitingForNothing,
                     from,
                     to,
                     {a.proxy.container_name()},
                     fmt::format("{}every app container is gone at {} s, but the proxy's {} "
                                 "holds the pod until {} s",
                                 a.app_time_is_known() ? "" : "as far as the times are known, ",
                                 format_seconds(from),
                                 a.proxy.is_istio() ? "fixed drain"
                                 : a.proxy.profile  ? "wait"
                                                    : "preStop sleep",
                                 format_seconds(to))});
}

void add_endless_job(const Assessment& a, std::vector<Hazard>& hazards) {
  if (!runs_to_completion(*a.subject) || !a.proxy.is_classic() ||
      a.job_shutdown.kind == JobShutdown::Kind::Wrap) {
    return;
  }
  if (stops_its_proxy(a.pod(), a.proxy)) {
    if (shutdown_endpoint(a.pod(), a.settings, a.proxy, *a.configuration) !=
        ShutdownEndpoint::Closed)
      return;
    hazards.push_back({Hazard::Kind::NeverEnds,
                       Millis{0},
                       std::nullopt,
                       {a.proxy.container_name()},
                       "the work ends and asks the proxy to end too, but the proxy's shutdown "
                       "endpoint is closed, so it runs on and the Job never completes"});
    return;
  }
  hazards.push_back({Hazard::Kind::NeverEnds,
                     Millis{0},
                     std::nullopt,
                     {a.proxy.container_name()},
                     "the work ends but the classic proxy runs on, so the Job never completes"});
}

}  // namespace

std::vector<std::size_t> sidecars_after_proxy(const Assessment& a) {
  std::vector<std::size_t> found;
  if (!a.proxy.exists() || a.proxy.is_istio() || a.proxy.profile || !a.ordered_sidecars())
    return found;
  // The kubelet stops native sidecars in reverse order, when everything else is gone, a classic
  // proxy too (pkg/kubelet/kuberuntime/kuberuntime_termination_order.go, newTerminationOrdering).
  for (std::size_t i = 0; i < a.containers.size(); ++i) {
    const auto& planned = a.containers[i];
    if (planned.role == Role::Proxy && planned.native) break;
    if (planned.role == Role::Sidecar && planned.native && !is_of_a_proxy(planned.name, a))
      found.push_back(i);
  }
  return found;
}

std::vector<std::size_t> sidecars_without_proxy(const Assessment& a, const Timeline& timeline) {
  auto found = sidecars_after_proxy(a);
  std::erase_if(found, [&](std::size_t i) {
    const auto& planned = a.containers[i];
    const auto& times = timeline.containers[i];
    const Millis from = find_proxy(timeline)->sigterm;
    const auto source = a.settings.shutdown_of(planned.name, false, *a.configuration).source;
    const bool has_time = is_stated(source) && planned.stop.count() > 0;
    return times.exit <= from || (!has_time && times.hook_end <= from);
  });
  return found;
}

std::string_view to_string(Hazard::Kind kind) {
  switch (kind) {
    case Hazard::Kind::NewConnectionsRefused:
      return "new-connections-refused";
    case Hazard::Kind::TrafficAfterStop:
      return "traffic-after-stop";
    case Hazard::Kind::HookCutShort:
      return "hook-cut-short";
    case Hazard::Kind::Killed:
      return "killed";
    case Hazard::Kind::WaitingForNothing:
      return "waiting-for-nothing";
    case Hazard::Kind::NeverEnds:
      return "never-ends";
  }
  return "";
}

std::vector<Hazard> find_hazards(const Assessment& assessment, const Timeline& timeline) {
  std::vector<Hazard> hazards;
  add_refused_connections(assessment, timeline, hazards);
  add_refused_connections_of_sidecars(assessment, timeline, hazards);
  add_traffic_after_stop(assessment, timeline, hazards);
  add_cut_hooks(timeline, hazards);
  add_kills(timeline, hazards);
  add_idle_wait(assessment, timeline, hazards);
  add_endless_job(assessment, hazards);
  return hazards;
}

}  // namespace gracekeeper
