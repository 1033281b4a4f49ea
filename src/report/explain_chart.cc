#include "report/explain_chart.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

#include "report/text_encoding.h"

namespace gracekeeper::explain_chart {
namespace {

// A stretch this many times as long as all shorter ones together is cut; it then takes this share
// of what they take.
constexpr double kCutBeyond = 8;
constexpr double kCutShare = 0.6;
// Below this, shorter stretches are rounding and no reason to cut anything.
constexpr double kWorthSeeing = 1'000;

void add_once(std::vector<Millis>& times, Millis time) {
  if (std::find(times.begin(), times.end(), time) == times.end()) times.push_back(time);
}

}  // namespace

std::vector<Phase> phases_of(const ExplainedContainer& container) {
  const auto& times = container.times;
  const bool is_proxy = times.role == Role::Proxy;
  std::vector<Phase> phases;
  const Millis hook_end = times.hook_end;
  if (hook_end > Millis{0}) {
    phases.push_back(
        {Phase::Kind::PreStop, Millis{0}, hook_end,
         fmt::format(
             "{}: {}; {} until {} s{}", times.name, container.hook,
             is_proxy ? "it still takes new connections" : "SIGTERM is not sent",
             format_seconds(hook_end),
             times.hook_cut_short ? ", when the grace period ends and the hook is killed" : "")});
  }
  if (times.sigterm > hook_end) {
    phases.push_back({Phase::Kind::Running, hook_end, times.sigterm,
                      fmt::format("{}: a native sidecar, which runs on until what depends on it is "
                                  "gone at {} s",
                                  times.name, format_seconds(times.sigterm))});
  }
  if (times.exit > times.sigterm) {
    phases.push_back(
        {Phase::Kind::Stopping, times.sigterm, times.exit,
         fmt::format("{}: SIGTERM at {} s; {}{}", times.name, format_seconds(times.sigterm),
                     container.stop, is_proxy ? "; new connections are refused" : "")});
  }
  return phases;
}

std::string exit_reason(const ExplainedContainer& container) {
  const auto& times = container.times;
  if (times.killed) {
    return fmt::format("{}: killed (SIGKILL) at {} s before it had finished", times.name,
                       format_seconds(times.exit));
  }
  return fmt::format("{}: gone at {} s; SIGKILL would have come at {} s", times.name,
                     format_seconds(times.exit), format_seconds(times.sigkill));
}

std::string_view short_name(Hazard::Kind kind) {
  switch (kind) {
    case Hazard::Kind::NewConnectionsRefused:
      return "refused";
    case Hazard::Kind::TrafficAfterStop:
      return "late traffic";
    case Hazard::Kind::HookCutShort:
      return "hook cut short";
    case Hazard::Kind::Killed:
      return "killed";
    case Hazard::Kind::WaitingForNothing:
      return "idle wait";
    case Hazard::Kind::NeverEnds:
      return "never ends";
  }
  return "";
}

std::string interval_words(const Hazard& hazard) {
  if (!hazard.to) return fmt::format("from {} s, without end", format_seconds(hazard.from));
  if (*hazard.to == hazard.from) return fmt::format("at {} s", format_seconds(hazard.from));
  return fmt::format("{} s to {} s", format_seconds(hazard.from), format_seconds(*hazard.to));
}

TimeScale::TimeScale(const ExplainedPod& pod) {
  add_once(marks_, Millis{0});
  add_once(marks_, pod.effective_grace_period);
  for (const auto& hazard : pod.hazards) {
    add_once(marks_, hazard.from);
    if (hazard.to) add_once(marks_, *hazard.to);
  }
  for (const auto& container : pod.containers) {
    add_once(marks_, container.times.sigterm);
    add_once(marks_, container.times.exit);
    add_once(marks_, container.times.hook_end);
  }

  auto sorted = marks_;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 1; i < sorted.size(); ++i)
    stretches_.push_back({.from = sorted[i - 1], .to = sorted[i]});

  std::vector<std::size_t> by_length(stretches_.size());
  std::iota(by_length.begin(), by_length.end(), std::size_t{0});
  const auto length = [&](std::size_t i) {
    return static_cast<double>((stretches_[i].to - stretches_[i].from).count());
  };
  std::stable_sort(by_length.begin(), by_length.end(),
                   [&](auto a, auto b) { return length(a) < length(b); });
  std::vector<double> shown(stretches_.size());
  double total = 0;
  for (const auto i : by_length) {
    stretches_[i].cut = total >= kWorthSeeing && length(i) > kCutBeyond * total;
    shown[i] = stretches_[i].cut ? kCutShare * total : length(i);
    total += shown[i];
  }
  double at = 0;
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    stretches_[i].begin = at / total;
    at += shown[i];
    stretches_[i].end = at / total;
  }
}

double TimeScale::position(Millis time) const {
  if (time <= Millis{0}) return 0;
  for (const auto& stretch : stretches_) {
    if (time > stretch.to) continue;
    const auto part = static_cast<double>((time - stretch.from).count()) /
                      static_cast<double>((stretch.to - stretch.from).count());
    return stretch.begin + part * (stretch.end - stretch.begin);
  }
  return 1;
}

std::vector<double> TimeScale::cuts() const {
  std::vector<double> middles;
  for (const auto& stretch : stretches_) {
    if (stretch.cut) middles.push_back((stretch.begin + stretch.end) / 2);
  }
  return middles;
}

std::string shortened(std::string_view text, int width, std::string_view ellipsis) {
  if (display_width(text) <= width) return std::string(text);
  std::string out;
  int left = width - display_width(ellipsis);
  while (!text.empty()) {
    const auto character = text.substr(0, first_code_point(text).length);
    left -= display_width(character);
    if (left < 0) break;
    out += character;
    text.remove_prefix(character.size());
  }
  return out + std::string(ellipsis);
}

std::vector<std::string> lines_of(std::string_view text, int width) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    const auto word = text.substr(0, blank);
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
    if (word.empty()) continue;
    if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

}  // namespace gracekeeper::explain_chart
