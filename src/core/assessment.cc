#include "core/assessment.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/istio.h"
#include "core/profile_proxy.h"

namespace gracekeeper {
namespace {

bool is_proxy_container(const Container& container, const Proxy& proxy) {
  return proxy.presence == Proxy::Presence::Adopted && container.name == proxy.container_name();
}

PlannedContainer plan_app(const Container& container, const Assessment& a) {
  const auto hook = app_pre_stop(container, a.settings);
  return {.name = container.name,
          .role = Role::App,
          .native = false,
          .has_pre_stop = hook.present,
          .pre_stop = hook.length,
          .pre_stop_at_least = hook.at_least,
          .stop = a.settings.shutdown_of(container.name, true, *a.configuration).value};
}

PlannedContainer plan_sidecar(const Container& container, const Assessment& a) {
  return {.name = container.name,
          .role = Role::Sidecar,
          .native = container.is_native_sidecar(),
          .has_pre_stop = container.pre_stop.has_value(),
          .pre_stop = container.pre_stop ? container.pre_stop->length : std::nullopt,
          .pre_stop_at_least = container.pre_stop ? container.pre_stop->at_least : Millis{0},
          .stop = a.settings.shutdown_of(container.name, false, *a.configuration).value};
}

// The other containers of the proxy's profile that come with it and run until the end.
void add_companions(const Assessment& a, Container::List list,
                    std::vector<PlannedContainer>& planned) {
  const bool comes =
      a.proxy.presence == Proxy::Presence::Injected || a.proxy.presence == Proxy::Presence::Assumed;
  if (!a.proxy.profile || !comes) return;
  for (const auto& container : a.proxy.profile->companions) {
    const bool runs = list == Container::List::Containers || container.restart_always;
    if (container.list == list && runs) planned.push_back(plan_sidecar(container, a));
  }
}

// Istio's proxy beside Linkerd's, which is the one that counts.
PlannedContainer plan_second_proxy(const Container& container, const Assessment& a) {
  return {.name = container.name,
          .role = Role::Sidecar,
          .native = container.is_native_sidecar(),
          .has_pre_stop = container.pre_stop.has_value(),
          .pre_stop = container.pre_stop ? container.pre_stop->length : std::nullopt,
          .pre_stop_at_least = container.pre_stop ? container.pre_stop->at_least : Millis{0},
          .stop = istio_drain(a.pod(), container).drain.value};
}

// A proxy that goes on until no connection is open is planned to end with the app, which is what
// holds connections open.
void let_it_end_with_the_app(const Proxy& proxy, std::vector<PlannedContainer>& containers) {
  if (!proxy.until_idle || !proxy.is_classic()) return;
  Millis last_app{0};
  for (const auto& container : containers) {
    if (container.role == Role::App)
      last_app = std::max(last_app, container.hook() + container.stop);
  }
  for (auto& container : containers) {
    if (container.role == Role::Proxy)
      container.stop = std::max(container.stop, last_app - container.hook());
  }
}

// Apps first; an injected native proxy comes before all other sidecars, an adopted one keeps its
// place. Where the companions of a profile's proxy are put: sidecar/custom_profile.h.
std::vector<PlannedContainer> plan_containers(const Assessment& a) {
  std::vector<PlannedContainer> planned;
  for (const auto& container : a.pod().containers) {
    if (is_proxy_container(container, a.proxy) || container.name == kDebugName) continue;
    const bool companion = a.proxy.profile && a.proxy.profile->owns(container.name);
    planned.push_back(container.name == kIstioProxyName ? plan_second_proxy(container, a)
                      : companion                       ? plan_sidecar(container, a)
                                                        : plan_app(container, a));
  }
  add_companions(a, Container::List::Containers, planned);
  const bool adopted_native = a.proxy.presence == Proxy::Presence::Adopted && a.proxy.is_native();
  if (a.proxy.is_native()) add_companions(a, Container::List::InitContainers, planned);
  if (a.proxy.exists() && !adopted_native) planned.push_back(planned_proxy(a.proxy));
  for (const auto& container : a.pod().init_containers) {
    if (!container.restart_always) continue;
    planned.push_back(is_proxy_container(container, a.proxy) ? planned_proxy(a.proxy)
                      : container.name == kIstioProxyName    ? plan_second_proxy(container, a)
                                                             : plan_sidecar(container, a));
  }
  if (!a.proxy.is_native()) add_companions(a, Container::List::InitContainers, planned);
  let_it_end_with_the_app(a.proxy, planned);
  return planned;
}

Millis stated(const Sourced<Millis>& setting) {
  return is_stated(setting.source) ? setting.value : Millis{0};
}

// The containers with every time that nobody stated for this pod counted as nothing.
std::vector<PlannedContainer> only_stated(const Assessment& a) {
  auto planned = a.containers;
  for (auto& container : planned) {
    if (container.role == Role::Proxy && a.proxy.profile) {
      container = planned_proxy(a.proxy.with_times(stated(a.proxy.wait), stated(a.proxy.grace)));
    } else if (container.role == Role::Proxy) {
      container.stop = is_stated(a.proxy.grace.source) ? a.proxy.grace.value : Millis{0};
      if (a.proxy.is_classic() && !is_stated(a.proxy.wait.source)) container.pre_stop = Millis{0};
    } else {
      const auto time =
          a.settings.shutdown_of(container.name, container.role == Role::App, *a.configuration);
      if (!is_stated(time.source)) container.stop = Millis{0};
    }
  }
  let_it_end_with_the_app(a.proxy, planned);
  return planned;
}

Millis sum_of(const Proxy& proxy, Millis app, Millis wait, Millis grace) {
  return proxy.runs_beside_app() ? std::max(app, wait + grace) : app + wait + grace;
}

Budget make_budget(const Assessment& a) {
  Budget budget{
      .wait = a.proxy.wait.value, .grace = a.proxy.grace.value, .margin = a.configuration->margin};
  Millis stated_app{0};
  bool first = true;
  for (const auto& container : a.containers) {
    if (container.hook_is_unknown()) budget.complete = false;
    if (container.hook().count() > 0)
      budget.above_hooks = std::max(budget.above_hooks, container.hook().count() / 1000 + 1);
    if (container.role != Role::App) continue;
    const auto shutdown = a.settings.shutdown_of(container.name, true, *a.configuration);
    stated_app = std::max(stated_app, container.hook() + stated(shutdown));
    const auto time = container.hook() + shutdown.value;
    if (first || time > budget.app) {
      first = false;
      budget.app = time;
      budget.app_container = container.name;
      budget.app_shutdown = shutdown;
      budget.app_pre_stop =
          container.hook_is_unknown() ? std::nullopt : std::optional(container.hook());
      budget.app_pre_stop_at_least = container.pre_stop_at_least;
    }
  }
  // A grace period is held at kLongest (from_seconds), so what is needed must be too: else the
  // largest one would still be short, and what `raise` sets would be raised again.
  constexpr auto longest = kLongest.count() / 1000;
  budget.sum =
      std::min(sum_of(a.proxy, budget.app, budget.wait, budget.grace) + budget.margin, kLongest);
  budget.need = std::max<std::int64_t>(1, ceil_seconds(budget.sum));
  budget.exact_need = std::min(exact_need(a.containers, a.ordered_sidecars()), longest);
  budget.above_hooks = std::min(budget.above_hooks, longest);
  budget.stated_sum =
      std::min(sum_of(a.proxy, stated_app, stated(a.proxy.wait), stated(a.proxy.grace)), kLongest);
  budget.stated_exact_need = std::min(exact_need(only_stated(a), a.ordered_sidecars()), longest);
  return budget;
}

// Whether the pod itself carries one of the settings of the budget; a dropped value is absent.
bool carries_settings(const PodSettings& settings) {
  const auto is_own = [](const auto& setting) { return setting && setting->source == Source::Pod; };
  const auto& named = settings.app_shutdown_by_container;
  return is_own(settings.wait) || is_own(settings.grace) || is_own(settings.app_prestop_sleep) ||
         settings.app_shutdown.source == Source::Pod ||
         settings.on_shortfall.source == Source::Pod ||
         std::any_of(named.begin(), named.end(),
                     [](const auto& entry) { return entry.second.source == Source::Pod; });
}

// An annotation that the proxy's container reads itself is what the pod carries.
bool is_carried(const std::optional<Sourced<Millis>>& setting, const ProfileSetting& of_profile) {
  return of_profile.means == SettingMeans::Annotation && setting && setting->source == Source::Pod;
}

// What follows from the settings and the proxy.
void complete(Assessment& a) {
  const Pod& pod = a.pod();
  a.wait_plan = plan_wait(pod, a.settings, a.proxy, *a.configuration);
  a.proxy.until_app_exits = a.wait_plan.kind == WaitPlan::Kind::UntilAppExits;
  if (a.wait_plan.becomes_sleep && a.proxy.wait.value.count() > 0) {
    // The sleep is written in whole seconds.
    a.proxy.wait.value = from_seconds(ceil_seconds(a.proxy.wait.value));
    a.proxy.pre_stop = Proxy::Prestop{a.proxy.wait.value};
  }
  a.containers = plan_containers(a);
  a.grace_period_is_written = pod.termination_grace_period_seconds.has_value();
  a.termination_grace_period_seconds =
      pod.termination_grace_period_seconds.value_or(kDefaultGracePeriodSeconds);
  a.timeline = plan(a.containers, a.grace_period(), a.ordered_sidecars());
  a.budget = make_budget(a);
  a.job_shutdown = plan_job_shutdown(pod, a.settings, a.proxy);
  a.is_checked = a.proxy.exists() || carries_settings(a.settings);
}

}  // namespace

std::string Budget::app_pre_stop_words(std::string_view unknown) const {
  if (app_pre_stop) return format_seconds(*app_pre_stop);
  if (app_pre_stop_at_least.count() > 0) return "at least " + format_seconds(app_pre_stop_at_least);
  return std::string(unknown);
}

std::string counted_words(const Assessment& assessment) {
  std::vector<const PlannedContainer*> unknown;
  for (const auto& container : assessment.containers) {
    if (container.hook_is_unknown()) unknown.push_back(&container);
  }
  const auto counted = [](const PlannedContainer& container) {
    return fmt::format("{}{} s", container.hook().count() > 0 ? "at least " : "",
                       format_seconds(container.hook()));
  };
  if (std::all_of(unknown.begin(), unknown.end(),
                  [](const auto* container) { return container->hook().count() == 0; }))
    return "0 s";
  if (unknown.size() == 1) return counted(*unknown.front());
  std::string words;
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    words += fmt::format("{}{} ({})",
                         i == 0                   ? ""
                         : i + 1 < unknown.size() ? ", "
                                                  : " and ",
                         counted(*unknown[i]), unknown[i]->name);
  }
  return words;
}

PlannedContainer planned_proxy(const Proxy& proxy) {
  return {.name = std::string(proxy.container_name()),
          .role = Role::Proxy,
          .native = proxy.mode == Proxy::Mode::Native,
          .has_pre_stop = proxy.pre_stop.has_value(),
          .pre_stop = proxy.pre_stop ? proxy.pre_stop->length : std::nullopt,
          .pre_stop_at_least = proxy.pre_stop ? proxy.pre_stop->at_least : Millis{0},
          .stop = proxy.stop(),
          .hook_ends_with_others = proxy.until_app_exits};
}

PrestopTime app_pre_stop(const Container& container, const PodSettings& settings) {
  if (container.pre_stop)
    return {.present = true,
            .added = false,
            .length = container.pre_stop->length,
            .at_least = container.pre_stop->at_least};
  if (settings.app_prestop_sleep && settings.app_prestop_sleep->value.count() > 0) {
    return {.present = true, .added = true, .length = settings.app_prestop_sleep->value};
  }
  return {};
}

Assessment assess(const Subject& subject, const Namespace* where,
                  const Configuration& configuration) {
  Assessment a{.subject = &subject, .where = where, .configuration = &configuration};
  auto chosen = choose_proxy(subject.pod, where, subject.namespace_name, configuration);
  a.settings = std::move(chosen.settings);
  a.proxy = std::move(chosen.proxy);
  a.remarks = std::move(chosen.remarks);
  complete(a);
  return a;
}

Assessment assess_as_it_is(const Subject& subject, const Namespace* where,
                           const Configuration& configuration) {
  Assessment a{.subject = &subject, .where = where, .configuration = &configuration};
  auto chosen = choose_proxy(subject.pod, where, subject.namespace_name, configuration);
  a.settings = std::move(chosen.settings);
  const bool carries = carries_settings(a.settings);
  a.settings.app_prestop_sleep.reset();
  a.settings.wait_mode.reset();
  auto carried = a.settings;
  const auto& profile = a.settings.profile;
  if (!profile || !is_carried(carried.wait, profile->wait)) carried.wait.reset();
  if (!profile || !is_carried(carried.grace, profile->grace)) carried.grace.reset();
  if (chosen.proxy.presence == Proxy::Presence::Adopted) {
    a.proxy = a.settings.profile
                  ? adopt_profile(subject.pod, where, subject.namespace_name, carried)
                  : resolve_proxy(subject.pod, carried, configuration);
  }
  complete(a);
  // Nothing is wrapped any more.
  if (a.job_shutdown.kind == JobShutdown::Kind::Wrap) a.job_shutdown = {};
  a.is_checked = a.is_checked || carries;
  return a;
}

Timeline plan_under(const Assessment& assessment, Millis grace_period) {
  return plan(assessment.containers, grace_period, assessment.ordered_sidecars());
}

}  // namespace gracekeeper
