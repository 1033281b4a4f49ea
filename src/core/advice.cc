#include "core/advice.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/advice_istio.h"
#include "core/advice_words.h"
#include "core/annotations.h"
#include "core/profile_proxy.h"
#include "core/what_if.h"

namespace gracekeeper {
namespace {

// What a proxy needs to end when its app is gone and no connection is left to wait for. A shorter
// grace is never advised.
constexpr Millis kShortestGrace{5'000};

std::string seconds(Millis time) { return format_seconds(time); }
std::string seconds_annotation(Millis time) { return fmt::format("{}s", ceil_seconds(time)); }

// An option while it is weighed.
struct Option {
  std::string id;
  std::string what;  // the first sentence
  Change idea;       // what makes it this option
  Change complete;   // with the grace and the T that it takes
  std::string remark;
};

class Adviser {
 public:
  Adviser(const Assessment& base, const Timeline& timeline)
      : base_(base),
        override_(timeline.grace_period == base.grace_period()
                      ? std::nullopt
                      : std::optional(timeline.grace_period)),
        now_(base, Change{}, override_) {}

  std::vector<Advice> advise() {
    if (base_.proxy.is_istio())
      weigh_istio_options();
    else
      weigh_proxy_options();
    weigh_prestop_sleep();
    std::vector<Advice> advice;
    for (const auto& option : options_) advice.push_back(worked_out(option));
    if (is_well()) advice.insert(advice.begin(), nothing_to_do());
    if (base_.proxy.is_classic() && !base_.proxy.profile && !base_.proxy.is_istio() &&
        !base_.subject->is_job() &&
        (now_.has(Hazard::Kind::NewConnectionsRefused) ||
         stops_its_proxy(base_.pod(), base_.proxy))) {
      advice.push_back(await_does_nothing());
    }
    std::stable_partition(advice.begin(), advice.end(), [](const Advice& a) { return a.helps; });
    if (advice.empty()) advice.push_back(nothing_helps());
    return advice;
  }

 private:
  [[nodiscard]] const Budget& budget() const { return base_.budget; }
  [[nodiscard]] Millis app_in_whole_seconds() const {
    return from_seconds(std::max<std::int64_t>(1, ceil_seconds(budget().app)));
  }
  [[nodiscard]] bool wait_is_too_short() const {
    return base_.proxy.is_classic() && !base_.proxy.until_idle &&
           base_.proxy.cover() < budget().app;
  }
  // Less than a second is rounding, not waste.
  [[nodiscard]] bool wait_is_too_long() const {
    return base_.proxy.is_classic() && budget().complete && !base_.proxy.until_app_exits &&
           base_.proxy.cover() >= app_in_whole_seconds() + Millis{1000};
  }
  [[nodiscard]] bool wait_is_far_too_long() const {
    return wait_is_too_long() && base_.proxy.cover() > 2 * budget().app + Millis{30'000};
  }
  [[nodiscard]] bool is_well() const {
    return !hook_takes_all() && now_.is_clean() && !now_.has(Hazard::Kind::TrafficAfterStop) &&
           !wait_is_far_too_long();
  }
  // It fits, but nobody should set it so.
  [[nodiscard]] bool hook_takes_all() const {
    return !override_ && now_.fits() && from_seconds(budget().required()) > base_.grace_period();
  }

  // ---- completing an option -------------------------------------------------------------------

  // A grace that nobody wrote for this pod may be shortened along with something else.
  [[nodiscard]] bool may_shorten(const Proxy& proxy) const {
    return proxy.exists() && !proxy.is_istio() && (override_ || !is_stated(proxy.grace.source));
  }

  // The least that the grace should be: connections that the app still has after the proxy's
  // SIGTERM last as long as the app.
  static Millis least_grace(const Assessment& a) {
    if (!a.proxy.is_classic() || a.proxy.wait.value >= a.budget.app) return kShortestGrace;
    return std::max(kShortestGrace, from_seconds(ceil_seconds(a.budget.app - a.proxy.wait.value)));
  }

  [[nodiscard]] bool fits_with_grace(Change change, Millis grace, Millis limit) const {
    change.annotate(base_.settings.grace_key(), grace_text(grace));
    return WhatIf(base_, change, override_).assessment().budget.fits(limit);
  }

  // The longest grace of whole seconds between the two with which the change fits.
  [[nodiscard]] std::optional<Millis> longest_grace(const Change& change, Millis least,
                                                    Millis longest, Millis limit) const {
    auto good = least.count() / 1000;
    auto bad = ceil_seconds(longest);
    if (good >= bad || !fits_with_grace(change, least, limit)) return std::nullopt;
    while (bad - good > 1) {
      const auto middle = good + (bad - good) / 2;
      (fits_with_grace(change, from_seconds(middle), limit) ? good : bad) = middle;
    }
    return from_seconds(good);
  }

  // Adds a shorter grace, where that is enough, and else the T that the change needs.
  [[nodiscard]] Change completed(Change change, bool shorten_always = false) const {
    const WhatIf outcome(base_, change, override_);
    const Millis limit = outcome.timeline().grace_period;
    if (outcome.fits()) return change;
    const auto& a = outcome.assessment();
    const Millis least = least_grace(a);
    if ((shorten_always || may_shorten(a.proxy)) && a.proxy.exists() &&
        can_be_told_grace(a.pod(), a.proxy) && least < a.proxy.grace.value) {
      const Millis cap = base_.configuration->max_platform_grace_period.value_or(limit);
      auto grace = longest_grace(change, least, a.proxy.grace.value, std::min(limit, cap));
      if (!grace) grace = longest_grace(change, least, a.proxy.grace.value, limit);
      change.annotate(base_.settings.grace_key(), grace_text(grace.value_or(least)));
      if (grace) return change;
    }
    if (!override_) {
      change.termination_grace_period_seconds =
          WhatIf(base_, change, override_).assessment().budget.required();
    }
    return change;
  }

  void add(std::string id, std::string what, Change idea, std::string remark = {},
           bool shorten_always = false) {
    Change complete = completed(idea, shorten_always);
    options_.push_back({.id = std::move(id),
                        .what = std::move(what),
                        .idea = std::move(idea),
                        .complete = std::move(complete),
                        .remark = std::move(remark)});
  }

  // ---- the options ----------------------------------------------------------------------------

  void weigh_proxy_options() {
    const bool adopted = base_.proxy.presence == Proxy::Presence::Adopted;
    if (!adopted) weigh_native_sidecar(false);
    weigh_proxy_first();
    weigh_await();
    weigh_wait();
    if (!now_.fits() || hook_takes_all() || now_.has(Hazard::Kind::Killed)) {
      const auto cap = base_.configuration->max_platform_grace_period;
      const bool keep_grace =
          is_stated(base_.proxy.grace.source) && !(cap && from_seconds(budget().required()) > *cap);
      if (keep_grace) weigh_longer_grace_period();
      weigh_shorter_grace();
      if (!keep_grace) weigh_longer_grace_period();
    }
    if (adopted) weigh_native_sidecar(true);
  }

  void weigh_istio_options() {
    for (auto& option : istio_options(base_, now_)) {
      add(std::move(option.id), std::move(option.what), std::move(option.change),
          std::move(option.remark));
    }
    if (!now_.fits() || hook_takes_all() || now_.has(Hazard::Kind::Killed))
      weigh_longer_grace_period();
  }

  void weigh_native_sidecar(bool reinjected) {
    if (!base_.proxy.is_classic() || base_.settings.native_key().empty() ||
        !base_.configuration->kubernetes_version.has_native_sidecars())
      return;
    Change idea{.reinjected = reinjected};
    if (reinjected)
      idea.annotate(base_.settings.inject_key(), std::string(base_.settings.inject_value()));
    idea.annotate(base_.settings.native_key(), "true");
    if (!WhatIf(base_, idea, override_).assessment().proxy.is_native()) return;
    auto what = fmt::format(
        "Run the proxy as a native sidecar: it is stopped only after {} {} gone, so it needs no "
        "wait{}.",
        joined_names(with_late_sidecars(app_names())),
        app_count() == 1 && late_sidecars().empty() ? "is" : "are",
        base_.subject->is_job() ? ", and the Job completes by itself" : "");
    if (reinjected)
      what += fmt::format(" Take {} out of the manifest for that and let it be injected.",
                          base_.proxy.container_name());
    add("native-sidecar", std::move(what), std::move(idea),
        base_.settings.wait ? "The wait annotation has no effect there: remove it." : "");
  }

  void weigh_proxy_first() {
    if (!base_.proxy.is_native()) return;
    const auto names = late_sidecars();
    if (names.empty()) return;
    add("proxy-first",
        fmt::format("List {} before {} among the initContainers: native sidecars are stopped in "
                    "reverse order, and the proxy is to be the last.",
                    base_.proxy.container_name(), joined_names(names)),
        Change{.proxy_first = true});
  }

  void weigh_await() {
    if (!now_.has(Hazard::Kind::NeverEnds) || base_.proxy.profile) return;
    Change idea{.awaits = true};
    if (wait_is_too_short())
      idea.annotate(base_.settings.wait_key(), wait_text(app_in_whole_seconds()));
    const bool is_closed = shutdown_endpoint(base_.pod(), base_.settings, base_.proxy,
                                             *base_.configuration) != ShutdownEndpoint::Open;
    if (is_closed && base_.proxy.presence == Proxy::Presence::Adopted) return;
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
    if (base_.proxy.is_classic() && !can_be_told_wait(base_.pod(), base_.proxy)) return;
    const Millis app = app_in_whole_seconds();
    Change idea;
    idea.annotate(base_.settings.wait_key(), wait_text(app));
    if (wait_is_too_short()) {
      add("longer-wait",
          fmt::format("Delay the proxy's SIGTERM by {} s: {} {} takes to stop ({}).", seconds(app),
                      so_long(base_), budget().app_container, app_arithmetic()),
          std::move(idea),
          planned_proxy(base_.proxy).hook_is_unknown()
              ? "It takes the place of the proxy's own preStop hook, whose length cannot be read: "
                "where that one takes longer, leave it."
              : "");
    } else if (wait_is_too_long()) {
      add("shorter-wait",
          fmt::format("Shorten the wait from {} to {} s: {} takes no longer to stop ({}), and the "
                      "rest of a fixed wait only holds the pod.",
                      seconds(base_.proxy.wait.value), seconds(app), budget().app_container,
                      app_arithmetic()),
          std::move(idea));
      weigh_end_with_app();
    } else if (base_.proxy.is_native() && now_.has(Hazard::Kind::NewConnectionsRefused) &&
               !base_.ordered_sidecars()) {
      idea.reinjected = true;
      idea.annotate(base_.settings.inject_key(), std::string(base_.settings.inject_value()));
      add("longer-wait",
          fmt::format(
              "Before Kubernetes 1.29 a proxy among the init containers is stopped together "
              "with the app. Take {} out of the manifest, let it be injected as "
              "a classic sidecar, and delay its SIGTERM by {} s.",
              base_.proxy.container_name(), seconds(app)),
          std::move(idea));
    }
  }

  void weigh_end_with_app() {
    Change idea{.ends_with_app = true};
    if (!WhatIf(base_, idea, override_).assessment().proxy.until_app_exits) return;
    add("until-app-exits",
        fmt::format("Let the wait end when {} {} gone, at the latest after the {} s: a small "
                    "program in the proxy's hook sees whether anything but the proxy still has "
                    "sockets.",
                    app_names(), app_count() == 1 ? "is" : "are", seconds(base_.proxy.wait.value)),
        std::move(idea),
        base_.configuration->helper_image.empty()
            ? "The webhook must know the image that has the program (helper.image)."
            : "");
  }

  void weigh_shorter_grace() {
    if (!base_.proxy.exists() || !can_be_told_grace(base_.pod(), base_.proxy) ||
        least_grace(base_) >= base_.proxy.grace.value || now_.fits())
      return;
    auto complete = completed(Change{}, true);
    const auto& grace = complete.annotations.front().second;
    options_.push_back(
        {.id = "shorter-grace",
         .what = fmt::format("Shorten the proxy's grace from {} to {}: it ends earlier anyway when "
                             "no connection is open, and cuts those that are open for longer.",
                             format_duration(base_.proxy.grace.value), grace),
         .idea = {},
         .complete = std::move(complete),
         .remark = {}});
  }

  void weigh_longer_grace_period() {
    if (override_) {
      options_.push_back(
          {.id = "longer-termination-grace-period",
           .what = fmt::format("A longer terminationGracePeriodSeconds does nothing here: this "
                               "termination is given {} s whatever the pod asks for.",
                               seconds(*override_)),
           .idea = {},
           .complete = {},
           .remark = {}});
    } else if (from_seconds(budget().required()) > base_.grace_period()) {
      options_.push_back({.id = "longer-termination-grace-period",
                          .what = "Give the pod the time that its settings ask for.",
                          .idea = {},
                          .complete = {.termination_grace_period_seconds = budget().required()},
                          .remark = {}});
    }
  }

  // On top of the best option, since both have to hold together.
  void weigh_prestop_sleep() {
    if (!now_.has(Hazard::Kind::TrafficAfterStop)) return;
    const Millis sleep = from_seconds(ceil_seconds(base_.configuration->endpoint_propagation));
    std::vector<std::string> bare;
    std::vector<std::string> own;
    for (const auto& hazard : now_.hazards()) {
      if (hazard.kind != Hazard::Kind::TrafficAfterStop) continue;
      const auto* container = base_.pod().find_container(hazard.containers.front());
      (container != nullptr && container->pre_stop ? own : bare)
          .push_back(hazard.containers.front());
    }
    const Option* best = now_.is_clean() ? nullptr : first_that_helps();
    const bool alone = best == nullptr;
    Change idea = alone ? Change{} : best->idea;
    std::string what = fmt::format(
        "{}et {} accept requests for {} s more before SIGTERM, until no "
        "endpoint leads to the pod any longer",
        alone ? "L" : "Together with " + best->id + ": l", joined_names(bare.empty() ? own : bare),
        seconds(sleep));
    if (!bare.empty()) {
      idea.annotate(annotation::kAppPrestopSleep, seconds_annotation(sleep));
      what += " (a preStop sleep)";
    }
    if (!own.empty()) {
      idea.shortest_app_hook = sleep;
      what += fmt::format("; make the preStop hook of {} {} s long in the manifest",
                          joined_names(own), seconds(sleep));
    }
    const WhatIf outcome(base_, idea, override_);
    const auto& then = outcome.assessment();
    if (then.proxy.is_classic() && !then.proxy.is_istio() &&
        can_be_told_wait(then.pod(), then.proxy) && then.proxy.wait.value < then.budget.app &&
        (!alone || !wait_is_too_short())) {
      idea.annotate(base_.settings.wait_key(),
                    wait_text(from_seconds(ceil_seconds(then.budget.app))));
    }
    add("app-prestop-sleep", what + ".", std::move(idea));
    // Where nothing else is wrong it is the best that can be done.
    if (alone) std::rotate(options_.begin(), options_.end() - 1, options_.end());
  }

  [[nodiscard]] const Option* first_that_helps() const {
    const auto found = std::find_if(options_.begin(), options_.end(), [&](const Option& option) {
      return WhatIf(base_, option.complete, override_).is_clean();
    });
    return found == options_.end() ? nullptr : &*found;
  }

  // ---- words ----------------------------------------------------------------------------------

  // Whether the grace period is enough, and what follows. With a hook of unknown length, which is
  // planned as 0 s, all of that holds only if the hook is as short.
  [[nodiscard]] std::string outcome_sentence(const WhatIf& outcome, const Change& change) const {
    auto text =
        fmt::format("{}: {}.", grace_period_sentence(outcome, change), consequence_of(outcome));
    if (outcome.assessment().budget.complete) return text;
    if (text.starts_with("The ")) text.front() = 't';
    return "As far as the times are known, " + text;
  }

  // The times as the pod's annotations state them.
  [[nodiscard]] std::string wait_text(Millis time) const {
    const auto& profile = base_.settings.profile;
    return profile ? profile->wait.annotation_text(time) : whole(time);
  }
  [[nodiscard]] std::string grace_text(Millis time) const {
    const auto& profile = base_.settings.profile;
    return profile ? profile->grace.annotation_text(time) : seconds_annotation(time);
  }

  static std::string whole(Millis time) { return std::to_string(ceil_seconds(time)); }

  [[nodiscard]] std::ptrdiff_t app_count() const {
    return std::count_if(base_.containers.begin(), base_.containers.end(),
                         [](const PlannedContainer& c) { return c.role == Role::App; });
  }

  [[nodiscard]] std::string app_names() const {
    std::vector<std::string> names;
    for (const auto& container : base_.containers) {
      if (container.role == Role::App) names.push_back(container.name);
    }
    if (names.empty()) return "the app";
    return names.size() > 3 ? fmt::format("all {} app containers", names.size())
                            : joined_names(names);
  }

  // Native sidecars that have something to do when the proxy takes no new connection any more; also
  // where they only come to it once the grace period is long enough.
  [[nodiscard]] std::vector<std::string> late_sidecars() const {
    const auto enough =
        override_.value_or(std::max(base_.grace_period(), from_seconds(budget().required())));
    std::vector<std::string> names;
    for (const auto i : sidecars_without_proxy(base_, plan_under(base_, enough)))
      names.push_back(base_.containers[i].name);
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

  [[nodiscard]] std::string grace_period_sentence(const WhatIf& outcome,
                                                  const Change& change) const {
    const auto& a = outcome.assessment();
    if (override_) {
      return fmt::format("The {} s of this termination are {} ({})", seconds(*override_),
                         outcome.fits() ? "enough" : "too short", budget_sum(a));
    }
    if (const auto T = change.termination_grace_period_seconds) {
      auto text = fmt::format("terminationGracePeriodSeconds must be {} ({})", *T, budget_sum(a));
      const auto cap = base_.configuration->max_platform_grace_period;
      if (cap && from_seconds(*T) > *cap)
        text += fmt::format(", which is more than the {} s that the platform gives", seconds(*cap));
      return text;
    }
    const auto T = base_.termination_grace_period_seconds;
    return fmt::format("terminationGracePeriodSeconds {}{} is {} ({})",
                       base_.grace_period_is_written ? "" : "can stay unset, the default of ", T,
                       outcome.fits() ? "enough" : "too short", budget_sum(a));
  }

  [[nodiscard]] Advice worked_out(const Option& option) const {
    const WhatIf outcome(base_, option.complete, override_);
    const auto& a = outcome.assessment();
    auto text = option.what + " " + outcome_sentence(outcome, option.complete);
    if (option.complete.termination_grace_period_seconds && a.budget.complete &&
        a.budget.exact_need < a.budget.need) {
      text += fmt::format(
          " (With {} nothing would be killed either: not all of it follows one after the "
          "other.)",
          a.budget.exact_need);
    }
    if (!option.remark.empty()) text += " " + option.remark;
    return {.option = option.id,
            .text = std::move(text),
            .annotations = annotations_of(option.complete),
            .termination_grace_period_seconds = option.complete.termination_grace_period_seconds,
            .helps = outcome.is_clean(),
            .times_are_known = a.budget.complete};
  }

  // Istio's annotation is one text of many settings: where the pod has it, only the sentence can
  // say what to write into it.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> annotations_of(
      const Change& change) const {
    auto annotations = change.annotations;
    if (change.ends_with_app) annotations.emplace_back(annotation::kWaitMode, "until-app-exits");
    if (change.istio_drain && !base_.pod().annotations.contains(annotation::kIstioConfig)) {
      annotations.emplace_back(
          annotation::kIstioConfig,
          fmt::format("terminationDrainDuration: {}", format_duration(*change.istio_drain)));
    }
    return annotations;
  }

  [[nodiscard]] Advice nothing_to_do() const {
    auto text = "Leave it as it is. " + outcome_sentence(now_, {});
    if (!budget().complete) {
      text += fmt::format(" How long some preStop hooks take is unknown and counted as {}: add it.",
                          counted_words(base_));
    }
    if (base_.job_shutdown.kind == JobShutdown::Kind::NotNeeded && base_.proxy.is_native()) {
      text += fmt::format(" {} has nothing to do: a native sidecar ends with the work.",
                          annotation::kJobShutdown);
    }
    return {.option = "nothing-to-do",
            .text = std::move(text),
            .annotations = {},
            .termination_grace_period_seconds = std::nullopt,
            .helps = true,
            .times_are_known = budget().complete};
  }

  [[nodiscard]] static Advice await_does_nothing() {
    return {.option = "linkerd-await",
            .text =
                "`linkerd-await --shutdown` does nothing here: it stops the proxy when the "
                "command ends by itself, as a Job's does, and does not keep the proxy alive "
                "after SIGTERM.",
            .annotations = {},
            .termination_grace_period_seconds = std::nullopt,
            .helps = false};
  }

  [[nodiscard]] Advice nothing_helps() const {
    return {.option = "longer-termination-grace-period",
            .text = outcome_sentence(now_, {}) + " No setting makes the containers faster.",
            .annotations = {},
            .termination_grace_period_seconds = std::nullopt,
            .helps = false,
            .times_are_known = budget().complete};
  }

  const Assessment& base_;
  std::optional<Millis> override_;
  WhatIf now_;
  std::vector<Option> options_;
};

}  // namespace

std::vector<Advice> advise(const Assessment& assessment, const Timeline& timeline) {
  return Adviser(assessment, timeline).advise();
}

}  // namespace gracekeeper
