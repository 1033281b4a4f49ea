// What `gracekeeper explain` shows of a pod: its termination as plain values, and the four forms in
// which they are shown.
//
//   ExplainedPod pod = explain(assessment, std::nullopt);
//   pod.file = "deploy.yaml"; pod.position = …;      // where it was found, known to the caller
//   render_explain_text({&pod, 1}, {.color = false, .width = 100, .unicode = true});
//
// Every renderer is a pure function of its pods and may be given any text: names and reasons are
// escaped for the form, and control characters never reach a terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/advice.h"
#include "core/assessment.h"
#include "core/hazard.h"
#include "core/result.h"

namespace gracekeeper {

struct ExplainedContainer {
  ContainerTimes times;
  bool native = false;        // a native sidecar
  bool has_pre_stop = false;  // with times.pre_stop_end absent: of unknown length
  std::string hook;           // "preStop 5 s (its own hook)"; empty without one
  std::string stop;           // "stops within 10 s of SIGTERM (built-in default)"
  bool operator==(const ExplainedContainer&) const = default;
};

struct ExplainedBudget {
  Millis app{0};
  Millis wait{0};
  Millis grace{0};
  std::int64_t need = 1;
  std::int64_t exact_need = 1;
  bool fits = false;  // under the effective grace period
  bool complete = true;
  bool operator==(const ExplainedBudget&) const = default;
};

enum class SidecarKind { None, Classic, Native };
std::string_view to_string(SidecarKind kind);  // "classic"

// How a pod fares, gravest first.
enum class ExplainedStatus { TooShort, Fails, Wasteful, Fine };
std::string_view to_string(ExplainedStatus status);  // "too short"

struct ExplainedPod {
  std::string object;          // "Deployment/web"
  std::string namespace_name;  // "" when the manifest names none
  std::string file;            // for the caller to fill in
  Position position;           // likewise

  std::int64_t termination_grace_period_seconds =
      kDefaultGracePeriodSeconds;  // T, as written or 30
  bool grace_period_is_written = false;
  Millis effective_grace_period{0};
  bool is_overridden = false;
  SidecarKind sidecar = SidecarKind::None;
  std::string proxy_container;  // "linkerd-proxy"
  std::string proxy;            // "classic sidecar, will be injected"; "no proxy"
  ExplainedBudget budget;
  std::vector<ExplainedContainer> containers;  // in the order of Assessment::containers
  std::vector<Hazard> hazards;
  std::vector<Advice> advice;

  ExplainedStatus status = ExplainedStatus::Fine;
  std::string verdict;     // one or two sentences: is T enough, and what must it be
  std::string arithmetic;  // "155 = app 15 (…) + wait 20 (annotation) + grace 120 (…)"
  std::vector<std::string>
      notes;  // what to know before believing it: dropped values, unknown hooks
};

// `override` is the grace period that the termination is given instead of T (at least 1 s).
ExplainedPod explain(const Assessment& assessment, std::optional<Seconds> override);

// The contract for programs: {"pods": […]}, times in seconds with at most three decimals.
std::string render_explain_json(std::span<const ExplainedPod> pods);

struct ExplainTextStyle {
  bool color = false;
  int width = 80;  // columns; narrower than 60 is taken as 60
  bool unicode = false;
};
std::string render_explain_text(std::span<const ExplainedPod> pods, const ExplainTextStyle& style);

// One picture of its own.
std::string render_explain_svg(const ExplainedPod& pod);

// One page that needs nothing else: a chart for each pod, its numbers as a table, and the advice.
std::string render_explain_html(std::span<const ExplainedPod> pods, std::string_view title);

}  // namespace gracekeeper
