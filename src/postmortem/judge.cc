#include "postmortem/judge.h"

#include <algorithm>
#include <fmt/format.h>

#include "postmortem/words.h"

namespace gracekeeper::postmortem {
namespace {

class Judge {
 public:
  Judge(const Case& found, const Assessment* assessment, const Stop& pod_stop,
        const std::vector<Ended>& all)
      : found_(found), a_(assessment), pod_stop_(pod_stop), all_(all) {}

  Judgement judge() {
    for (const auto& one : all_) {
      if (one.end) judge_end(one);
      judge_hook(one);
    }
    if (a_ != nullptr) judge_order();
    if (a_ != nullptr && found_.is_gone()) judge_by_plan();
    std::stable_sort(out_.conclusions.begin(), out_.conclusions.end(),
                     [](const Conclusion& a, const Conclusion& b) { return rank(a) < rank(b); });
    return std::move(out_);
  }

 private:
  // Budgets before what is none, what is sure before what is not, causes before their consequences.
  static std::tuple<bool, Sureness, bool> rank(const Conclusion& c) {
    return {!is_budget(c.cause), c.sureness, c.cause == Cause::SidecarOrder};
  }

  void add(Cause cause, Sureness sureness, const Ended& one, std::string text,
           std::string evidence) {
    out_.conclusions.push_back({cause, sureness, one.name, std::move(text), std::move(evidence)});
  }

  [[nodiscard]] static std::string end_evidence(const Ended& one) {
    auto text = fmt::format("status of {}: exit code {}", one.name, one.end->exit_code);
    if (!one.end->reason.empty()) text += ", reason " + one.end->reason;
    if (one.life)
      text += fmt::format(", ended {} s after the stop was asked for", seconds(*one.life));
    return text;
  }

  void judge_end(const Ended& one) {
    const auto& end = *one.end;
    if (end.reason == "OOMKilled") {
      return add(Cause::OutOfMemory, Sureness::Certain, one,
                 fmt::format("{} was killed because it went beyond its memory limit: that is no "
                             "termination budget. Its resources.limits.memory, or what it keeps in "
                             "memory, decides.",
                             one.name),
                 end_evidence(one));
    }
    if (end.reason == "ContainerStatusUnknown") {
      return add(Cause::StatusLost, Sureness::Certain, one,
                 fmt::format("how {} ended is not known: the kubelet found it gone (a restarted "
                             "node or runtime) and wrote 137 itself.",
                             one.name),
                 end_evidence(one));
    }
    if (end.exit_code == 143 && one.stop.kind != Stop::Kind::None && !one.is_role(Role::Proxy)) {
      return ended_by_sigterm(one);
    }
    if (one.is_hard()) judge_kill(one);
  }

  // A process without a handler is gone at once. One that takes its time has done something first,
  // and may report its signal all the same: a JVM runs its shutdown hooks and exits with 143.
  void ended_by_sigterm(const Ended& one) {
    const Millis hook = one.planned == nullptr ? Millis{0} : one.planned->hook();
    const bool at_once = one.life && *one.life <= hook + kRounding;
    add(Cause::SigtermNotHandled, at_once ? Sureness::Likely : Sureness::Possible, one,
        at_once ? fmt::format("{} ended at once with SIGTERM (143 = 128 + 15): it has no handler "
                              "for it, or hands the signal on, and left undone what it was doing. "
                              "A JVM with nothing to do ends so too. No budget ran out.",
                              one.name)
                : fmt::format("{} ended with 143 (128 + 15, SIGTERM): a JVM exits so when its "
                              "shutdown hooks have run, and so does a program without a handler "
                              "for SIGTERM, which leaves undone what it was doing. No budget ran "
                              "out.",
                              one.name),
        end_evidence(one));
  }

  void judge_kill(const Ended& one) {
    if (one.stop.kind == Stop::Kind::None) return killed_from_elsewhere(one);
    if (one.life && *one.life + kRounding < one.stop.grace && one.stop.grace_is_known)
      return killed_early(one);
    if (a_ == nullptr || one.planned == nullptr) return killed_unplanned(one);
    killed_by_grace(one);
  }

  void killed_from_elsewhere(const Ended& one) {
    auto text = fmt::format(
        "{} was killed (SIGKILL), and no deletion, eviction or failed probe is recorded: no grace "
        "period was over. The kernel kills so for memory (also without saying OOMKilled, where it "
        "took a child process), and so does kill -9 on the node or in the container.",
        one.name);
    if (one.container != nullptr && (one.container->liveness || one.container->startup)) {
      text += fmt::format(" It has a {} probe, whose events may be gone.",
                          one.container->liveness ? "liveness" : "startup");
    }
    add(Cause::KilledFromElsewhere, Sureness::Likely, one, std::move(text), end_evidence(one));
  }

  void killed_early(const Ended& one) {
    add(Cause::KilledFromElsewhere, Sureness::Likely, one,
        fmt::format("{} was killed {} s after the stop was asked for, and had {} s: its grace "
                    "period was not over. Something else sent SIGKILL (the kernel for memory, a "
                    "process of its own, someone on the node).",
                    one.name, seconds(*one.life), seconds(one.stop.grace)),
        end_evidence(one));
  }

  void killed_unplanned(const Ended& one) {
    add(Cause::NeedsLonger, Sureness::Likely, one,
        fmt::format("{} had not ended when its grace period was over. What it needs is not known "
                    "without the pod's spec.",
                    one.name),
        end_evidence(one));
  }

  // ---- the grace period was over --------------------------------------------------------------

  [[nodiscard]] Sureness sureness(const Ended& one) const {
    // How the grace was used is not known where the hook's part of it is not.
    const bool is_known = one.life && one.stop.grace_is_known && !one.hook_time_is_unknown();
    return is_known ? Sureness::Certain : Sureness::Likely;
  }

  void killed_by_grace(const Ended& one) {
    const Millis sigterm = sigterm_of(one, all_, *a_);
    // SIGKILL comes at the grace's end, and never less than 2 s after SIGTERM.
    const Millis had = std::max(kLeastGrace, one.stop.grace - sigterm);
    const bool planned_kill = one.times.killed;
    const bool cut = one.hook_was_cut();
    // What of it a hook of unknown length took is no time that the container needs after SIGTERM.
    if (!cut && !one.hook_time_is_unknown() && !one.is_role(Role::Proxy) &&
        (!planned_kill || is_assumed(one))) {
      out_.slower.emplace_back(
          one.name, std::max(one.planned->stop, from_seconds(ceil_seconds(had)) + Millis{1'000}));
    }
    if (would_have_lived(one, had)) return overridden(one);
    if (cut) return hook_outlived(one);
    if (one.is_ordered_sidecar(*a_) && one.stop.kind != Stop::Kind::Probe) {
      const auto gate = gate_of(one, all_, *a_);
      if (gate.time + kRounding >= one.stop.grace) return turn_came_too_late(one, gate);
    }
    if (one.hook_seems_cut()) return hook_seems_to_outlive(one);
    if (one.is_role(Role::Proxy)) return proxy_cut(one, sigterm, had);
    if (planned_kill) return too_short(one);
    needs_longer(one, had);
  }

  // Nobody has said how long it takes to stop.
  [[nodiscard]] bool is_assumed(const Ended& one) const {
    return !is_stated(
        a_->settings.shutdown_of(one.name, one.is_role(Role::App), *a_->configuration).source);
  }

  // Under the pod's own grace period, with what was seen of it.
  [[nodiscard]] bool would_have_lived(const Ended& one, Millis had) const {
    if (!one.stop.is_overridden || one.stop.grace >= a_->grace_period()) return false;
    auto containers = a_->containers;
    for (auto& planned : containers) {
      if (planned.name == one.name && !one.hook_was_cut() && planned.role != Role::Proxy)
        planned.stop = std::max(planned.stop, had + Millis{1'000});
    }
    const auto timeline = one.stop.kind == Stop::Kind::Probe
                              ? plan({*one.planned}, a_->grace_period(), false)
                              : plan(containers, a_->grace_period(), a_->ordered_sidecars());
    for (const auto& times : timeline.containers) {
      if (times.name == one.name) return !times.killed && !times.hook_cut_short;
    }
    return false;
  }

  void overridden(const Ended& one) {
    const auto G = seconds(one.stop.grace);
    const auto T = a_->termination_grace_period_seconds;
    switch (one.stop.kind) {
      case Stop::Kind::Probe:
        return add(
            Cause::ProbeGracePeriod, sureness(one), one,
            fmt::format("the {} of {} has a terminationGracePeriodSeconds of its own, {}: so "
                        "long the restart gave it, not the pod's {}. It {}.",
                        one.stop.probe, one.name, G, T, stop_words(one)),
            one.stop.evidence);
      case Stop::Kind::NodeShutdown:
        return add(Cause::NodeShutdownTooShort, Sureness::Likely, one,
                   fmt::format("the node's shutdown gave {} about {} s in place of its {}: its "
                               "shutdownGracePeriod is shorter than the pod's own grace period. It "
                               "{}.",
                               one.name, G, T, stop_words(one)),
                   one.stop.evidence);
      case Stop::Kind::Eviction:
        return add(
            Cause::EvictionGrace, one.stop.grace_is_known ? Sureness::Certain : Sureness::Likely,
            one,
            fmt::format("an eviction by the kubelet gave {} {} s in place of its {}: 1 s "
                        "where a hard threshold or the pod's own storage limit was passed, at "
                        "most evictionMaxPodGracePeriod for a soft one. It {}.",
                        one.name, G, T, stop_words(one)),
            one.stop.evidence);
      default:
        return add(Cause::GracePeriodOverridden, sureness(one), one,
                   fmt::format("the deletion gave {}{} s where the pod asks for {}{}: {} {}.",
                               one.stop.grace_is_known ? "" : "about ", G, T,
                               one.stop.by.empty() ? "" : " (by " + one.stop.by + ")", one.name,
                               stop_words(one)),
                   grace_evidence(one));
    }
  }

  [[nodiscard]] std::string grace_evidence(const Ended& one) const {
    const auto T = a_->termination_grace_period_seconds;
    if (!one.stop.grace_is_known) {
      return fmt::format(
          "{}, and spec.terminationGracePeriodSeconds {}: the deletion's own grace is "
          "no longer recorded",
          end_evidence(one), T);
    }
    return fmt::format(
        "metadata.deletionGracePeriodSeconds {}, spec.terminationGracePeriodSeconds "
        "{}; {}",
        seconds(one.stop.grace), T, end_evidence(one));
  }

  [[nodiscard]] bool hook_is_wait(const Ended& one) const {
    return one.is_role(Role::Proxy) && a_->proxy.is_classic();
  }

  void hook_outlived(const Ended& one) {
    const bool is_wait = hook_is_wait(one);
    const auto length = one.planned->pre_stop ? seconds(*one.planned->pre_stop) + " s" : "longer";
    auto evidence = one.end ? end_evidence(one) : std::string();
    if (one.hook_failed) {
      evidence += fmt::format("{}event FailedPreStopHook of {} after {} s",
                              evidence.empty() ? "" : "; ", one.name, seconds(*one.hook_failed));
    }
    add(is_wait ? Cause::WaitOutlivesGrace : Cause::HookOutlivesGrace, sureness(one), one,
        fmt::format(
            "the {} of {} takes {}, and {} s of grace were given for all: SIGTERM came only "
            "at {} s and SIGKILL 2 s later.",
            is_wait ? "wait" : "preStop hook", one.name, length, seconds(one.stop.grace),
            seconds(one.stop.grace)),
        std::move(evidence));
  }

  void hook_seems_to_outlive(const Ended& one) {
    add(hook_is_wait(one) ? Cause::WaitOutlivesGrace : Cause::HookOutlivesGrace, sureness(one), one,
        fmt::format("{} was killed at {} s, {} s after its {} s of grace were over: a preStop hook "
                    "that uses them up leaves that, since SIGTERM comes only then and SIGKILL 2 s "
                    "later. How long its hook{} takes cannot be read.",
                    one.name, seconds(*one.life), seconds(*one.life - one.stop.grace),
                    seconds(one.stop.grace), hook_words(one)),
        end_evidence(one));
  }

  void turn_came_too_late(const Ended& one, const Gate& gate) {
    add(Cause::SidecarOrder, sureness(one), one,
        fmt::format(
            "{} is a native sidecar, whose SIGTERM waits for the others: {} ended at {} s of "
            "the {} s of grace{}. It had 2 s left, and {}.",
            one.name, gate.last, seconds(gate.time), seconds(one.stop.grace),
            one.planned->has_pre_stop ? ", and its own preStop hook is taken off them too" : "",
            stop_words(one)),
        end_evidence(one));
  }

  void proxy_cut(const Ended& one, Millis sigterm, Millis had) {
    const bool unknown = one.hook_time_is_unknown();
    const auto before = unknown ? std::string("less a preStop hook of unknown length,")
                        : a_->proxy.is_classic()
                            ? fmt::format("wait {}", seconds(sigterm))
                            : fmt::format("the others took {}", seconds(sigterm));
    add(Cause::ProxyGraceCut, sureness(one), one,
        fmt::format(
            "{} had {}{} s from its SIGTERM on ({} of {} s of grace) and {}: connections that "
            "were still open were cut.",
            one.name, unknown ? "at most " : "", seconds(had), before, seconds(one.stop.grace),
            stop_words(one)),
        end_evidence(one));
  }

  void too_short(const Ended& one) {
    add(Cause::GracePeriodTooShort, sureness(one), one,
        fmt::format("{} {}, which is more than the {} s of grace.", one.name, stop_words(one),
                    seconds(one.stop.grace)),
        end_evidence(one));
  }

  void needs_longer(const Ended& one, Millis had) {
    if (one.hook_time_is_unknown()) {
      return add(Cause::NeedsLonger, sureness(one), one,
                 fmt::format("{} had not ended when its {} s of grace were over, though it {}. How "
                             "much of them its preStop hook{} took cannot be read: with it, {} "
                             "needs longer, or does not act on SIGTERM at all (a shell as its "
                             "first process does not hand the signal on).",
                             one.name, seconds(one.stop.grace), stop_words(one), hook_words(one),
                             one.name),
                 end_evidence(one));
    }
    add(Cause::NeedsLonger, sureness(one), one,
        fmt::format("{} had {} s from SIGTERM to SIGKILL and had not ended, though it {}. It needs "
                    "longer, or does not act on SIGTERM at all (a shell as its first process does "
                    "not hand the signal on).",
                    one.name, seconds(had), stop_words(one)),
        end_evidence(one));
  }

  // ---- hooks ----------------------------------------------------------------------------------

  void judge_hook(const Ended& one) {
    if (!one.hook_failed) return;
    const auto evidence = fmt::format("event FailedPreStopHook of {} after {} s: {}", one.name,
                                      seconds(*one.hook_failed), one.hook_message);
    if (one.hook_failed_early()) return hook_failed(one, evidence);
    // Of a container whose status is recorded the kill itself tells more.
    const bool at_the_end = *one.hook_failed + kRounding >= one.stop.grace;
    if (found_.is_gone() && a_ != nullptr && one.planned != nullptr && at_the_end) {
      if (!one.planned->has_pre_stop) return;
      hook_outlived(one);
    }
  }

  void hook_failed(const Ended& one, const std::string& evidence) {
    const bool is_known = one.planned != nullptr && one.planned->pre_stop.has_value();
    const auto* hook =
        one.container != nullptr && one.container->pre_stop ? &*one.container->pre_stop : nullptr;
    std::string why = "the event does not say why";
    const auto& m = one.hook_message;
    if (hook != nullptr && hook->action == Hook::Action::TcpSocket) {
      why = "the kubelet has no tcpSocket for hooks";
    } else if (m.find("executable file not found") != std::string::npos ||
               m.find("no such file or directory") != std::string::npos ||
               m.find("exited with 126") != std::string::npos ||
               m.find("exited with 127") != std::string::npos) {
      why = "its program is not in the image";
    } else if (hook != nullptr && hook->action == Hook::Action::Exec) {
      why = "most likely its program is not in the image (the kubelet's log has the words)";
    } else if (hook != nullptr && hook->action == Hook::Action::HttpGet) {
      why = "nothing took the connection";
    }
    const bool is_certain =
        one.end.has_value() || one.hook_message.find("exited with 12") != std::string::npos;
    add(Cause::HookFailed, is_certain && is_known ? Sureness::Certain : Sureness::Likely, one,
        fmt::format("the preStop hook of {}{} failed after {} s{}: {}. SIGTERM followed at once.",
                    one.name, hook_words(one), seconds(*one.hook_failed),
                    is_known ? fmt::format(" in place of {}", seconds(one.planned->hook())) : "",
                    why),
        evidence);
  }

  // ---- the classic proxy and its app ------------------------------------------------------------

  void judge_order() {
    if (!a_->proxy.is_classic() || a_->proxy.runs_beside_app()) return;
    for (const auto& proxy : all_) {
      if (!proxy.is_role(Role::Proxy) || !proxy.end || !proxy.stop.asked) continue;
      if (proxy.stop.kind == Stop::Kind::Probe || proxy.stop.kind == Stop::Kind::None) continue;
      // Where nothing says how long its hook took, its end is the latest that it can be.
      const bool unknown = proxy.hook_time_is_unknown();
      if (unknown && !proxy.life) continue;
      const Millis sigterm =
          unknown ? *proxy.life : a_->proxy.refuses_from(sigterm_of(proxy, all_, *a_));
      for (const auto& app : all_) {
        if (!app.is_role(Role::App) || !app.life || app.stop.kind == Stop::Kind::Probe) continue;
        if (*app.life <= sigterm + kRounding) continue;
        add(Cause::ProxyStoppedFirst, Sureness::Certain, proxy,
            fmt::format("{} took no new connection from {} s on ({}), and {} ran until {} s: what "
                        "it opened in between failed.",
                        proxy.name, seconds(sigterm), wait_words(proxy), app.name,
                        seconds(*app.life)),
            fmt::format(
                "status of {}: ended {} s after the stop was asked for{}", app.name,
                seconds(*app.life),
                unknown ? fmt::format("; status of {}: {} s", proxy.name, seconds(sigterm)) : ""));
      }
    }
  }

  [[nodiscard]] std::string wait_words(const Ended& proxy) const {
    if (proxy.hook_failed_early()) return "its wait failed";
    if (proxy.hook_time_is_unknown()) return "its end; how long its preStop hook takes is unknown";
    return fmt::format("wait {}", seconds(a_->proxy.wait.value));
  }

  // ---- the pod is gone: no end is recorded ------------------------------------------------------

  [[nodiscard]] bool has_conclusion(std::string_view container) const {
    return std::any_of(out_.conclusions.begin(), out_.conclusions.end(),
                       [&](const Conclusion& c) { return c.container == container; });
  }

  void judge_by_plan() {
    if (pod_stop_.kind == Stop::Kind::None) return;
    const std::string evidence =
        fmt::format("the plan under {} s of grace; no end of a container is recorded",
                    seconds(pod_stop_.grace));
    for (const auto& one : all_) {
      if (has_conclusion(one.name)) continue;
      if (one.times.hook_cut_short || one.hook_was_cut()) {
        hook_outlived(one);
        out_.conclusions.back().sureness = Sureness::Possible;
        out_.conclusions.back().evidence = evidence;
      } else if (one.times.killed && one.is_role(Role::Proxy)) {
        add(Cause::ProxyGraceCut, Sureness::Possible, one,
            fmt::format(
                "{} {}, and has SIGTERM at {} s of {}: connections that are open for longer "
                "are cut.",
                one.name, stop_words(one), seconds(one.times.sigterm), seconds(pod_stop_.grace)),
            evidence);
      } else if (one.times.killed) {
        add(Cause::GracePeriodTooShort, Sureness::Possible, one,
            fmt::format("{} {}, which is more than the {} s of grace.", one.name, stop_words(one),
                        seconds(pod_stop_.grace)),
            evidence);
      }
    }
    judge_order_by_plan(evidence);
  }

  void judge_order_by_plan(const std::string& evidence) {
    if (!a_->proxy.is_classic() || a_->proxy.runs_beside_app()) return;
    for (const auto& proxy : all_) {
      // A wait of unknown length is no plan.
      if (!proxy.is_role(Role::Proxy) || proxy.hook_time_is_unknown()) continue;
      const Millis sigterm = a_->proxy.refuses_from(sigterm_of(proxy, all_, *a_));
      for (const auto& app : all_) {
        if (!app.is_role(Role::App) || app.times.exit <= sigterm) continue;
        add(Cause::ProxyStoppedFirst, Sureness::Possible, proxy,
            fmt::format("{} takes no new connection from {} s on ({}), and {} may run until {} s: "
                        "what it opens in between fails.",
                        proxy.name, seconds(sigterm), wait_words(proxy), app.name,
                        seconds(app.times.exit)),
            evidence);
      }
    }
  }

  // ---- words ------------------------------------------------------------------------------------

  [[nodiscard]] std::string stop_words(const Ended& one) const {
    return one.planned == nullptr ? "an unknown time" : stop_sentence(*one.planned, *a_);
  }

  const Case& found_;
  const Assessment* a_;
  const Stop& pod_stop_;
  const std::vector<Ended>& all_;
  Judgement out_;
};

}  // namespace

Judgement judge(const Case& found, const Assessment* assessment, const Stop& pod_stop,
                const std::vector<Ended>& all) {
  return Judge(found, assessment, pod_stop, all).judge();
}

}  // namespace gracekeeper::postmortem
