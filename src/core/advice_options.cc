#include "core/advice_options.h"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <utility>

#include "core/advice_istio.h"
#include "core/advice_words.h"
#include "core/annotations.h"
#include "core/profile_proxy.h"

namespace gracekeeper {
namespace {

std::string seconds(Millis time) { return format_seconds(time); }

class Options {
 public:
  explicit Options(const AdviceBasis& basis) : basis_(basis) {}

  std::vector<AdviceOption> weigh() {
    if (base().proxy.is_istio())
      weigh_istio_options();
    else
      weigh_proxy_options();
    weigh_prestop_sleep();
    return std::move(options_);
  }

 private:
  [[nodiscard]] const Assessment& base() const { return basis_.base(); }
  [[nodiscard]] const Budget& budget() const { return basis_.budget(); }
  [[nodiscard]] WhatIf what_if(const Change& change) const {
    return {base(), change, basis_.grace_override()};
  }

  void add(std::string id, std::string what, Change idea, std::string remark = {}) {
    Change complete = basis_.completed(idea);
    options_.push_back({.id = std::move(id),
                        .what = std::move(what),
                        .idea = std::move(idea),
                        .complete = std::move(complete),
                        .remark = std::move(remark)});
  }

  void weigh_proxy_options() {
    const bool adopted = base().proxy.presence == Proxy::Presence::Adopted;
    if (!adopted) weigh_native_sidecar(false);
    weigh_proxy_first();
    weigh_await();
    weigh_wait();
    if (!basis_.now().fits() || basis_.hook_takes_all() || basis_.now().has(Hazard::Kind::Killed)) {
      const auto cap = base().configuration->max_platform_grace_period;
      const bool keep_grace = is_stated(base().proxy.grace.source) &&
                              !(cap && from_seconds(budget().required()) > *cap);
      if (keep_grace) weigh_longer_grace_period();
      weigh_shorter_grace();
      if (!keep_grace) weigh_longer_grace_period();
    }
    if (adopted) weigh_native_sidecar(true);
  }

  void weigh_istio_options() {
    for (auto& option : istio_options(base(), basis_.now())) {
      add(std::move(option.id), std::move(option.what), std::move(option.change),
          std::move(option.remark));
    }
    if (!basis_.now().fits() || basis_.hook_takes_all() || basis_.now().has(Hazard::Kind::Killed))
      weigh_longer_grace_period();
  }

  void weigh_native_sidecar(bool reinjected) {
    if (!base().proxy.is_classic() || base().settings.native_key().empty() ||
        !base().configuration->kubernetes_version.has_native_sidecars())
      return;
    Change idea{.reinjected = reinjected};
    if (reinjected)
      idea.annotate(base().settings.inject_key(), std::string(base().settings.inject_value()));
    idea.annotate(base().settings.native_key(), "true");
    if (!what_if(idea).assessment().proxy.is_native()) return;
    auto what = fmt::format(
        "Run the proxy as a native sidecar: it is stopped only after {} {} gone, so it needs no "
        "wait{}.",
        joined_names(with_late_sidecars(app_names())),
        app_count() == 1 && late_sidecars().empty() ? "is" : "are",
        base().subject->is_job() ? ", and the Job completes by itself" : "");
    if (reinjected)
      what += fmt::format(" Take {} out of the manifest for that and let it be injected.",
                          base().proxy.container_name());
    add("native-sidecar", std::move(what), std::move(idea),
        base().settings.wait ? "The wait annotation has no effect there: remove it." : "");
  }

  void weigh_proxy_first() {
    if (!base().proxy.is_native()) return;
    const auto names = late_sidecars();
    if (names.empty()) return;
    add("proxy-first",
        fmt::format("List {} before {} among the initContainers: native sidecars are stopped in "
                    "reverse order, and the proxy is to be the last.",
                    base().proxy.container_name(), joined_names(names)),
        Change{.proxy_first = true});
  }

  void weigh_await() {
    if (!basis_.now().has(Hazard::Kind::NeverEnds) || base().proxy.profile) return;
    Change idea{.awaits = true};
    if (basis_.wait_is_too_short())
      idea.annotate(base().settings.wait_key(), basis_.wait_text(basis_.app_in_whole_seconds()));
    const bool is_closed = shutdown_endpoint(base().pod(), base().settings, base().proxy,
                                             *base().configuration) != ShutdownEndpoint::Open;
    if (is_closed && base().proxy.presence == Proxy::Presence::Adopted) return;
    if (is_closed) idea.annotate(annotation::kAdminShutdown, "enabled");
    add("linkerd-await",
        fmt::format(
            "Start the work with `linkerd-await --shutdown -- COMMAND`, which stops the proxy when "
            "the work is done, so that the Job completes{}. It does nothing when the pod is "
            "deleted; {} for that.",
            is_closed ? fmt::format(", and open the proxy's endpoint for it ({}: enabled)",
                                    annotation::kAdminShutdown)
                      : std::string(),
            is_closed ? "the other annotations are" : "the annotations are"),
        std::move(idea),
        fmt::format("{}: await has it done, where the manifest has the command and the image has "
                    "linkerd-await.",
                    annotation::kJobShutdown));
  }

  void weigh_wait() {
    if (base().proxy.is_classic() && !can_be_told_wait(base().pod(), base().proxy)) return;
    const Millis app = basis_.app_in_whole_seconds();
    Change idea;
    idea.annotate(base().settings.wait_key(), basis_.wait_text(app));
    if (basis_.wait_is_too_short()) {
      add("longer-wait",
          fmt::format("Delay the proxy's SIGTERM by {} s: {} {} takes to stop ({}).", seconds(app),
                      so_long(base()), budget().app_container, app_arithmetic()),
          std::move(idea),
          planned_proxy(base().proxy).hook_is_unknown()
              ? "It takes the place of the proxy's own preStop hook, whose length cannot be read: "
                "where that one takes longer, leave it."
              : "");
    } else if (basis_.wait_is_too_long()) {
      add("shorter-wait",
          fmt::format("Shorten the wait from {} to {} s: {} takes no longer to stop ({}), and the "
                      "rest of a fixed wait only holds the pod.",
                      seconds(base().proxy.wait.value), seconds(app), budget().app_container,
                      app_arithmetic()),
          std::move(idea));
      weigh_end_with_app();
    } else if (base().proxy.is_native() && basis_.now().has(Hazard::Kind::NewConnectionsRefused) &&
               !base().ordered_sidecars()) {
      idea.reinjected = true;
      idea.annotate(base().settings.inject_key(), std::string(base().settings.inject_value()));
      add("longer-wait",
          fmt::format(
              "Before Kubernetes 1.29 a proxy among the init containers is stopped together "
              "with the app. Take {} out of the manifest, let it be injected as "
              "a classic sidecar, and delay its SIGTERM by {} s.",
              base().proxy.container_name(), seconds(app)),
          std::move(idea));
    }
  }

  void weigh_end_with_app() {
    Change idea{.ends_with_app = true};
    if (!what_if(idea).assessment().proxy.until_app_exits) return;
    add("until-app-exits",
        fmt::format("Let the wait end when {} {} gone, at the latest after the {} s: a small "
                    "program in the proxy's hook sees whether anything but the proxy still has "
                    "sockets.",
                    app_names(), app_count() == 1 ? "is" : "are", seconds(base().proxy.wait.value)),
        std::move(idea),
        base().configuration->helper_image.empty()
            ? "The webhook must know the image that has the program (helper.image)."
            : "");
  }

  void weigh_shorter_grace() {
    if (!base().proxy.exists() || !can_be_told_grace(base().pod(), base().proxy) ||
        AdviceBasis::least_grace(base()) >= base().proxy.grace.value || basis_.now().fits())
      return;
    auto complete = basis_.completed(Change{}, true);
    const auto& grace = complete.annotations.front().second;
    options_.push_back(
        {.id = "shorter-grace",
         .what = fmt::format("Shorten the proxy's grace from {} to {}: it ends earlier anyway when "
                             "no connection is open, and cuts those that are open for longer.",
                             format_duration(base().proxy.grace.value), grace),
         .idea = {},
         .complete = std::move(complete),
         .remark = {}});
  }

  void weigh_longer_grace_period() {
    if (basis_.grace_override()) {
      options_.push_back(
          {.id = "longer-termination-grace-period",
           .what = fmt::format("A longer terminationGracePeriodSeconds does nothing here: this "
                               "termination is given {} s whatever the pod asks for.",
                               seconds(*basis_.grace_override())),
           .idea = {},
           .complete = {},
           .remark = {}});
    } else if (from_seconds(budget().required()) > base().grace_period()) {
      options_.push_back({.id = "longer-termination-grace-period",
                          .what = "Give the pod the time that its settings ask for.",
                          .idea = {},
                          .complete = {.termination_grace_period_seconds = budget().required()},
                          .remark = {}});
    }
  }

  // On top of the best option, since both have to hold together.
  void weigh_prestop_sleep() {
    if (!basis_.now().has(Hazard::Kind::TrafficAfterStop)) return;
    const Millis sleep = from_seconds(ceil_seconds(base().configuration->endpoint_propagation));
    std::vector<std::string> bare;
    std::vector<std::string> own;
    for (const auto& hazard : basis_.now().hazards()) {
      if (hazard.kind != Hazard::Kind::TrafficAfterStop) continue;
      const auto* container = base().pod().find_container(hazard.containers.front());
      (container != nullptr && container->pre_stop ? own : bare)
          .push_back(hazard.containers.front());
    }
    const AdviceOption* best = basis_.now().is_clean() ? nullptr : first_that_helps();
    const bool alone = best == nullptr;
    Change idea = alone ? Change{} : best->idea;
    std::string what = fmt::format(
        "{}et {} accept requests for {} s more before SIGTERM, until no "
        "endpoint leads to the pod any longer",
        alone ? "L" : "Together with " + best->id + ": l", joined_names(bare.empty() ? own : bare),
        seconds(sleep));
    if (!bare.empty()) {
      idea.annotate(annotation::kAppPrestopSleep, fmt::format("{}s", ceil_seconds(sleep)));
      what += " (a preStop sleep)";
    }
    if (!own.empty()) {
      idea.shortest_app_hook = sleep;
      what += fmt::format("; make the preStop hook of {} {} s long in the manifest",
                          joined_names(own), seconds(sleep));
    }
    const WhatIf outcome = what_if(idea);
    const auto& then = outcome.assessment();
    if (then.proxy.is_classic() && !then.proxy.is_istio() &&
        can_be_told_wait(then.pod(), then.proxy) && then.proxy.wait.value < then.budget.app &&
        (!alone || !basis_.wait_is_too_short())) {
      idea.annotate(base().settings.wait_key(),
                    basis_.wait_text(from_seconds(ceil_seconds(then.budget.app))));
    }
    add("app-prestop-sleep", what + ".", std::move(idea));
    // Where nothing else is wrong it is the best that can be done.
    if (alone) std::rotate(options_.begin(), options_.end() - 1, options_.end());
  }

  [[nodiscard]] const AdviceOption* first_that_helps() const {
    const auto found = std::find_if(
        options_.begin(), options_.end(),
        [&](const AdviceOption& option) { return what_if(option.complete).is_clean(); });
    return found == options_.end() ? nullptr : &*found;
  }

  // ---- words ----------------------------------------------------------------------------------

  [[nodiscard]] std::ptrdiff_t app_count() const {
    return std::count_if(base().containers.begin(), base().containers.end(),
                         [](const PlannedContainer& c) { return c.role == Role::App; });
  }

  [[nodiscard]] std::string app_names() const {
    std::vector<std::string> names;
    for (const auto& container : base().containers) {
      if (container.role == Role::App) names.push_back(container.name);
    }
    if (names.empty()) return "the app";
    return names.size() > 3 ? fmt::format("all {} app containers", names.size())
                            : joined_names(names);
  }

  // Native sidecars that have something to do when the proxy takes no new connection any more; also
  // where they only come to it once the grace period is long enough.
  [[nodiscard]] std::vector<std::string> late_sidecars() const {
    const auto enough = basis_.grace_override().value_or(
        std::max(base().grace_period(), from_seconds(budget().required())));
    std::vector<std::string> names;
    for (const auto i : sidecars_without_proxy(base(), plan_under(base(), enough)))
      names.push_back(base().containers[i].name);
    return names;
  }
  [[nodiscard]] std::vector<std::string> with_late_sidecars(std::string apps) const {
    auto names = late_sidecars();
    names.insert(names.begin(), std::move(apps));
    return names;
  }

  [[nodiscard]] std::string app_arithmetic() const {
    return fmt::format("preStop {} + shutdown {}{}", budget().app_pre_stop_words("unknown"),
                       seconds(budget().app_shutdown.value),
                       is_stated(budget().app_shutdown.source) ? "" : ", which is assumed");
  }

  const AdviceBasis& basis_;
  std::vector<AdviceOption> options_;
};

}  // namespace

std::vector<AdviceOption> weigh_options(const AdviceBasis& basis) { return Options(basis).weigh(); }

}  // namespace gracekeeper
