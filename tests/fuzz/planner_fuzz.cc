// The plan of a pod's termination, and what is made of it: need, hazards, advice, reports.
//
// Held to docs and to the kubelet's rules: nothing comes before its cause; SIGTERM between the
// hook's end and the end of the grace period, SIGKILL at its end or up to 3 s later; sidecars stop
// in turn; a longer grace brings nothing forward and makes nothing worse; under the exact need
// nothing is cut short, under a second less something is; advice that helps does help; every report
// is well-formed.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/object_codec.h"
#include "core/advice.h"
#include "core/hazard.h"
#include "core/mend.h"
#include "core/timeline.h"
#include "core/what_if.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzzers.h"
#include "fuzz/pods.h"
#include "fuzz/policies.h"
#include "report/explain_report.h"

namespace gracekeeper::fuzz {
namespace {

// ---- plans

Millis some_time(Input& input) {
  const auto kind = input.byte();
  switch (kind % 8) {
    case 0:
      return Millis{0};
    case 1:
    case 2:
      return Millis{input.byte() % 40 * 1000};
    case 3:
      return Millis{input.byte() * 500};
    case 4:
      return Millis{input.byte() % 40 * 1000 + 1};
    case 5:
      return Millis{input.byte() % 40 * 1000 + 999};
    case 6:
      return Millis{(input.byte() * 256 + input.byte()) % 40'000};
    default:
      return kind == 255 ? kLongest
                         : Millis{static_cast<std::int64_t>(input.word() % kLongest.count())};
  }
}

struct Plan {
  std::vector<PlannedContainer> containers;
  bool ordered = true;
};

Plan some_plan(Input& input) {
  Plan made;
  const auto shape = input.byte();
  made.ordered = shape % 8 != 7;
  const auto add = [&](std::string name, Role role, bool native) {
    const auto hook = input.below(8);
    PlannedContainer container{.name = std::move(name),
                               .role = role,
                               .native = native,
                               .has_pre_stop = hook != 0,
                               .pre_stop = std::nullopt,
                               .stop = some_time(input)};
    if (hook > 1) container.pre_stop = some_time(input);
    container.hook_ends_with_others = hook == 7 && role == Role::Proxy;
    made.containers.push_back(std::move(container));
  };
  for (unsigned i = 0; i < (shape >> 3U) % 4U; ++i)
    add("app" + std::string(i, '+'), Role::App, false);
  const auto proxy = (shape >> 5U) % 4U;
  if (proxy < 2) add("proxy", Role::Proxy, proxy == 1);
  for (auto left = input.below(4); left > 0; --left)
    add("side" + std::string(left, '+'), Role::Sidecar, true);
  return made;
}

std::string dump(const Plan& plan, Millis grace) {
  std::string text = plan.ordered ? "ordered" : "unordered";
  text += ", grace " + format_seconds(grace);
  for (const auto& c : plan.containers) {
    text += "; " + c.name + (c.native ? " native" : "") + " hook " +
            (c.pre_stop ? format_seconds(*c.pre_stop) : "-") + " stop " + format_seconds(c.stop);
  }
  return text;
}

bool nothing_is_cut(const Timeline& timeline) {
  return std::all_of(timeline.containers.begin(), timeline.containers.end(),
                     [](const ContainerTimes& c) { return !c.killed && !c.hook_cut_short; });
}

constexpr Millis kSecond{1000};

void check_order(const Plan& plan, Millis grace, const Timeline& timeline) {
  const auto hold = [&](bool holds, const char* what) {
    require(holds, [&] { return std::string(what) + ": " + dump(plan, grace); });
  };
  hold(timeline.containers.size() == plan.containers.size(), "another number of containers");
  const auto waits_its_turn = [&](const PlannedContainer& c) { return plan.ordered && c.native; };
  Millis others_gone{0};
  for (std::size_t i = 0; i < plan.containers.size(); ++i) {
    const auto& planned = plan.containers[i];
    if (!waits_its_turn(planned) && !planned.hook_ends_with_others)
      others_gone = std::max(others_gone, timeline.containers[i].exit);
  }
  Millis mains_done{0};
  for (std::size_t i = 0; i < plan.containers.size(); ++i) {
    auto planned = plan.containers[i];
    const auto& times = timeline.containers[i];
    const bool waits = waits_its_turn(planned);
    if (planned.hook_ends_with_others && !waits)
      planned.pre_stop = std::min(planned.hook(), others_gone + kNoticed);
    const Millis hook_end = std::min(planned.hook(), grace);
    hold(times.sigterm >= hook_end, "SIGTERM before the hook's end");
    hold(waits || times.sigterm == hook_end, "SIGTERM later than the hook's end");
    hold(times.sigterm < grace + kSecond, "SIGTERM after the grace period");
    hold(times.sigkill >= times.sigterm + 2 * kSecond, "less than 2 s to stop");
    hold(times.sigkill >= grace, "SIGKILL before the grace period is over");
    hold(times.sigkill < grace + 3 * kSecond, "SIGKILL too late");
    hold(times.killed == (times.sigterm + planned.stop > times.sigkill), "killed or not");
    hold(times.exit == std::min(times.sigterm + planned.stop, times.sigkill), "the exit");
    hold(times.hook_cut_short == (planned.hook() > grace), "the hook cut short or not");
    hold(times.pre_stop_end.has_value() != planned.hook_is_unknown(), "the hook's end");
    if (!waits) mains_done = std::max(mains_done, times.exit);
  }
  Millis gate = mains_done;
  for (std::size_t i = plan.containers.size(); i-- > 0;) {
    if (!plan.ordered || !plan.containers[i].native) continue;
    const auto& times = timeline.containers[i];
    hold(times.sigterm >= std::min(gate, grace), "a sidecar is stopped before its turn");
    gate = std::max(gate, times.exit);
  }
}

void check_longer(const Plan& plan, Millis grace, const Timeline& timeline, Millis more) {
  const auto later = gracekeeper::plan(plan.containers, grace + more, plan.ordered);
  for (std::size_t i = 0; i < plan.containers.size(); ++i) {
    const auto& before = timeline.containers[i];
    const auto& after = later.containers[i];
    const bool holds = after.sigterm >= before.sigterm && after.sigkill >= before.sigkill &&
                       after.exit >= before.exit &&
                       (before.hook_cut_short || !after.hook_cut_short);
    require(holds, [&] { return "a longer grace brings something forward: " + dump(plan, grace); });
  }
  require(!nothing_is_cut(timeline) || nothing_is_cut(later),
          [&] { return "a longer grace cuts something short: " + dump(plan, grace); });
}

void check_plan(Input& input) {
  auto plan = some_plan(input);
  // A grace period is a whole number of seconds, at least one.
  const auto grace = effective_grace_period(some_time(input).count() / 1000);
  const auto timeline = gracekeeper::plan(plan.containers, grace, plan.ordered);
  check_order(plan, grace, timeline);
  check_longer(plan, grace, timeline, kSecond);
  check_longer(plan, grace, timeline, kSecond * (1 + input.byte()));
  // A hook that ends with the others is counted to its length.
  for (auto& container : plan.containers) container.hook_ends_with_others = false;
  const auto need = exact_need(plan.containers, plan.ordered);
  require(need >= 1, "a need below 1 s");
  require(nothing_is_cut(gracekeeper::plan(plan.containers, Seconds{need}, plan.ordered)),
          [&] { return "what is needed is not enough: " + dump(plan, Seconds{need}); });
  require(need == 1 ||
              !nothing_is_cut(gracekeeper::plan(plan.containers, Seconds{need - 1}, plan.ordered)),
          [&] { return "less than what is needed is enough: " + dump(plan, Seconds{need}); });
}

// ---- assessments

std::string about(const char* what, const Json& pod) {
  return std::string(what) + ": " + pod.dump();
}

void check_budget(const Assessment& a, const Json& pod) {
  const auto& budget = a.budget;
  const auto hold = [&](bool holds, const char* what) {
    require(holds, [&] { return about(what, pod); });
  };
  hold(budget.sum <= kLongest && budget.sum >= Millis{0}, "a sum out of its bounds");
  hold(budget.stated_sum <= budget.sum, "what is stated is more than the sum");
  hold(budget.stated_exact_need <= budget.exact_need, "what is stated needs more");
  hold(budget.need >= 1 && budget.exact_need >= 1, "a need below 1 s");
  hold(budget.fits(from_seconds(budget.required())), "what is required does not fit");
  const auto fewest = std::max(budget.need, budget.exact_need);
  hold(fewest == 1 || !budget.fits(from_seconds(fewest - 1)), "less than what is needed fits");
  hold(budget.required() == fewest || budget.required() == fewest + 1,
       "more is required than a second beyond what is needed");
  const auto is_taken_by_hook = [&](std::int64_t seconds) {
    return std::any_of(a.containers.begin(), a.containers.end(), [&](const PlannedContainer& c) {
      return c.hook().count() > 0 && c.hook() >= from_seconds(seconds);
    });
  };
  const bool is_longest = budget.required() == kLongest.count() / 1000;
  hold(is_longest || !is_taken_by_hook(budget.required()), "a hook takes all that is required");
  hold(is_longest || (budget.required() > fewest) == is_taken_by_hook(fewest),
       "a second more is required, or not");
  const WhatIf raised(a, {.termination_grace_period_seconds = budget.required()}, std::nullopt);
  hold(raised.fits(), "T as it is required does not fit");
  // A need is held at the longest time.
  hold(budget.required() == kLongest.count() / 1000 || nothing_is_cut(raised.timeline()),
       "T as it is required cuts something short");
  if (const auto fit = find_fit(a); fit.kind == Mend::Kind::Fit) {
    hold(fit.grace > Millis{0} && fit.grace <= budget.grace, "a grace out of its bounds");
  }
}

void check_hazards(const std::vector<Hazard>& hazards, const Json& pod) {
  for (const auto& hazard : hazards) {
    const auto hold = [&](bool holds, const char* what) {
      require(holds, [&] { return about(what, pod); });
    };
    hold(hazard.from >= Millis{0}, "a hazard before the deletion");
    hold(!hazard.to || *hazard.to >= hazard.from, "a hazard that ends before it begins");
    hold(!hazard.containers.empty() && !hazard.cause.empty(), "a hazard without cause");
  }
}

void check_advice(const Assessment& a, const Timeline& timeline, const Json& pod) {
  const auto advice = advise(a, timeline);
  require(!advice.empty(), [&] { return about("no advice", pod); });
  bool helps = true;
  for (const auto& option : advice) {
    require(!option.text.empty(), [&] { return about("advice without a text", pod); });
    require(helps || !option.helps, [&] { return about("what helps comes later", pod); });
    helps = option.helps;
  }
}

void check_reports(const Assessment& a, std::optional<Seconds> override, const Json& pod) {
  auto explained = explain(a, override);
  explained.file = "f.yaml";
  explained.position = {.line = 1, .column = 1};
  require(Json::accept(render_explain_json({&explained, 1})),
          [&] { return about("the report is no JSON", pod); });
  for (const bool unicode : {false, true}) {
    const auto text =
        render_explain_text({&explained, 1}, {.color = unicode, .width = 80, .unicode = unicode});
    require(!text.empty(), "no report");
  }
  const auto svg = render_explain_svg(explained);
  require(svg.starts_with("<svg") && svg.find("nan") == std::string::npos,
          [&] { return about("the picture is none", pod); });
  require(!render_explain_html({&explained, 1}, "t").empty(), "no page");
}

// What is looked at beside the budget: as it falls, not as a byte of the input says. What covers
// more is chosen more often, and soon most of the time would go into advice and reports.
struct Extent {
  bool advice = false;
  bool reports = false;
};

Extent extent_of(std::string_view bytes) {
  const auto chance = std::hash<std::string_view>{}(bytes);
  return {.advice = chance % 4 == 3, .reports = chance % 64 == 62};
}

void check_assessment(Input& input, Extent extent) {
  const auto extra = input.byte();
  const auto configuration = some_configuration(input);
  PodMaker maker(input);
  const auto where = maker.where();
  Json pod = maker.pod();
  if (extra % 4 == 3) {
    pod = {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"spec", {{"template", std::move(pod)}}}};
  }
  static ObjectDecoder decoder;
  decoder.decode(pod.dump(), [&](const DecodedObject& decoded, const FieldPath&) {
    const auto* subject = decoded ? std::get_if<Subject>(&*decoded) : nullptr;
    if (subject == nullptr) return;
    const auto a = assess(*subject, where ? &*where : nullptr, configuration);
    check_budget(a, pod);
    const auto override = extra >= 128 ? std::optional(Seconds{1 + input.byte()}) : std::nullopt;
    const auto timeline = override ? plan_under(a, *override) : a.timeline;
    check_hazards(find_hazards(a, timeline), pod);
    if (extent.advice) check_advice(a, timeline, pod);
    if (extent.reports) check_reports(a, override, pod);
  });
}

}  // namespace

int planner_fuzz(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  if (input.below(8) == 7)
    check_assessment(input, extent_of({reinterpret_cast<const char*>(data), size}));
  else
    check_plan(input);
  return 0;
}

}  // namespace gracekeeper::fuzz
