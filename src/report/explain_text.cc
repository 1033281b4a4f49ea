#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "report/explain_chart.h"
#include "report/text_encoding.h"
#include "report/text_page.h"

namespace gracekeeper {
namespace {

using namespace explain_chart;

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(display_width(text));
}

enum class Paint { None, PreStop, Running, Stopping, Killed, Hazard, Limit };

struct Cell {
  std::string_view glyph = " ";
  Paint paint = Paint::None;
};

// Every glyph is one column wide and differs from the others without colour.
struct Glyphs {
  std::string_view pre_stop, running, stopping, killed, hazard, endless, limit, axis, tick, cut;
  std::string_view ellipsis;
};
constexpr Glyphs kAscii{"~", "-", "#", "X", "!", ">", ":", "-", "+", "/", "..."};
constexpr Glyphs kUnicode{"░", "─", "█", "✖", "!", "▶", "┊", "─", "┴", "╱", "…"};

std::string_view sgr(Paint paint) {
  switch (paint) {
    case Paint::PreStop:
      return "\x1b[33m";
    case Paint::Running:
      return "\x1b[32m";
    case Paint::Stopping:
      return "\x1b[36m";
    case Paint::Killed:
    case Paint::Hazard:
      return "\x1b[1;31m";
    case Paint::Limit:
      return "\x1b[2m";
    case Paint::None:
      break;
  }
  return "";
}

class Page : public TextPage {
 public:
  explicit Page(const ExplainTextStyle& style)
      : TextPage(style.color, style.width), glyphs_(style.unicode ? kUnicode : kAscii) {}

  void add(const ExplainedPod& pod) {
    begin_part();
    heading(pod);
    chart(pod);
    hazards(pod);
    verdict(pod);
    advice(pod);
  }

 private:
  void heading(const ExplainedPod& pod) {
    auto name = escape_for_terminal(pod.object);
    if (!pod.namespace_name.empty())
      name += " in namespace " + escape_for_terminal(pod.namespace_name);
    out_ += bold(name) + "\n";
    if (!pod.file.empty()) {
      auto place = pod.file;
      if (pod.position.line > 0) place += ":" + std::to_string(pod.position.line);
      out_ += "  " + escape_for_terminal(place) + "\n";
    }
    paragraph("  ", fmt::format("{}{}. {}",
                                pod.sidecar == SidecarKind::None ? "" : pod.proxy_container + ": ",
                                pod.proxy, time_given(pod)));
  }

  static std::string time_given(const ExplainedPod& pod) {
    const auto T = pod.termination_grace_period_seconds;
    const auto effective = format_seconds(pod.effective_grace_period);
    if (pod.is_overridden) {
      return fmt::format("This termination is given {} s (terminationGracePeriodSeconds is {}).",
                         effective, T);
    }
    if (from_seconds(T) != pod.effective_grace_period) {
      return fmt::format("terminationGracePeriodSeconds is {}, which Kubernetes takes as {}.", T,
                         effective);
    }
    return fmt::format("terminationGracePeriodSeconds is {}{}.", T,
                       pod.grace_period_is_written ? "" : " (not written: the default)");
  }

  // ---- the chart ------------------------------------------------------------------------------

  struct Chart {
    const TimeScale& scale;
    std::size_t label = 0;
    std::size_t columns = 0;
    std::size_t limit = 0;  // the column of the end of the grace period

    [[nodiscard]] std::size_t column(Millis time) const {
      return static_cast<std::size_t>(scale.position(time) * static_cast<double>(columns - 1) +
                                      0.5);
    }
  };
  using Row = std::vector<Cell>;

  [[nodiscard]] Row empty_row(const Chart& chart) const {
    Row row(chart.columns);
    row[chart.limit] = {glyphs_.limit, Paint::Limit};
    return row;
  }

  void print(const Chart& chart, std::string_view label, const Row& row) {
    const auto name = shortened(label, static_cast<int>(chart.label), glyphs_.ellipsis);
    out_ += "  " + name + std::string(chart.label - width_of(name) + 1, ' ');
    std::size_t end = row.size();
    while (end > 0 && row[end - 1].glyph == " ") --end;
    Paint paint = Paint::None;
    for (std::size_t i = 0; i < end; ++i) {
      if (color_ && row[i].paint != paint) {
        if (paint != Paint::None) out_ += "\x1b[0m";
        paint = row[i].paint;
        out_ += sgr(paint);
      }
      out_ += row[i].glyph;
    }
    if (paint != Paint::None && color_) out_ += "\x1b[0m";
    out_ += "\n";
  }

  void chart(const ExplainedPod& pod) {
    const TimeScale scale(pod);
    std::size_t label = 8;
    for (const auto& container : pod.containers)
      label = std::max(label, width_of(container.times.name));
    for (const auto& hazard : pod.hazards)
      label = std::max(label, width_of(short_name(hazard.kind)) + 2);
    label = std::min(label, std::min<std::size_t>(28, width_ / 4));
    Chart chart{.scale = scale, .label = label, .columns = width_ - label - 4};
    chart.limit = chart.column(pod.effective_grace_period);

    out_ += "\n";
    axis(chart, pod);
    for (const auto& container : pod.containers) container_row(chart, container);
    hazard_rows(chart, pod.hazards);
    legend(pod, chart);
  }

  void axis(const Chart& chart, const ExplainedPod& pod) {
    std::string labels(chart.columns + 2, ' ');
    Row line(chart.columns, Cell{glyphs_.axis, Paint::None});
    std::vector<bool> taken(chart.columns + 2, false);
    for (const auto time : chart.scale.marks()) {
      const auto at = chart.column(time);
      const auto text = format_seconds(time);
      // A label is centred on its time, inside the chart, a blank away from its neighbours.
      const auto begin = std::min(at - std::min(at, text.size() / 2),
                                  chart.columns + 1 - std::min(text.size(), chart.columns));
      bool free = begin + text.size() <= labels.size();
      for (auto i = begin == 0 ? 0 : begin - 1; free && i < begin + text.size() + 1; ++i)
        free = i >= taken.size() || !taken[i];
      if (!free) continue;
      for (std::size_t i = 0; i < text.size(); ++i) {
        labels[begin + i] = text[i];
        taken[begin + i] = true;
      }
      line[at].glyph = glyphs_.tick;
    }
    for (const auto cut : chart.scale.cuts()) {
      const auto at = static_cast<std::size_t>(cut * static_cast<double>(chart.columns - 1) + 0.5);
      line[at].glyph = glyphs_.cut;
      if (at + 1 < line.size()) line[at + 1].glyph = glyphs_.cut;
    }
    line[chart.limit] = {pod.is_overridden ? "G" : "T", Paint::Hazard};
    labels.erase(labels.find_last_not_of(' ') + 1);
    const auto unit = std::string("seconds");
    out_ += "  " + unit + std::string(chart.label - unit.size() + 1, ' ') + labels + "\n";
    print(chart, "", line);
  }

  void container_row(const Chart& chart, const ExplainedContainer& container) {
    auto row = empty_row(chart);
    std::size_t begin = 0;  // each phase keeps a column of its own, however short it is
    for (const auto& phase : phases_of(container)) {
      begin = std::max(begin, chart.column(phase.from));
      const auto end = std::max(chart.column(phase.to), begin + 1);
      for (auto i = begin; i < std::min(end, chart.columns); ++i) row[i] = phase_cell(phase.kind);
      begin = end;
    }
    const auto exit = chart.column(container.times.exit);
    if (container.times.killed) {
      row[exit] = {glyphs_.killed, Paint::Killed};
    } else if (begin == 0) {
      row[exit] = phase_cell(Phase::Kind::Stopping);  // gone at once
    }
    print(chart, escape_for_terminal(container.times.name), row);
  }

  [[nodiscard]] Cell phase_cell(Phase::Kind kind) const {
    switch (kind) {
      case Phase::Kind::PreStop:
        return {glyphs_.pre_stop, Paint::PreStop};
      case Phase::Kind::Running:
        return {glyphs_.running, Paint::Running};
      case Phase::Kind::Stopping:
        break;
    }
    return {glyphs_.stopping, Paint::Stopping};
  }

  // One row for each kind, so that many kills take no more room than one.
  void hazard_rows(const Chart& chart, const std::vector<Hazard>& hazards) {
    std::vector<Hazard::Kind> done;
    for (const auto& first : hazards) {
      if (std::find(done.begin(), done.end(), first.kind) != done.end()) continue;
      done.push_back(first.kind);
      auto row = empty_row(chart);
      for (const auto& hazard : hazards) {
        if (hazard.kind != first.kind) continue;
        const auto from = chart.column(hazard.from);
        const auto to = hazard.to ? std::max(chart.column(*hazard.to), from + 1) : chart.columns;
        for (auto i = from; i < std::min(to, chart.columns); ++i)
          row[i] = {glyphs_.hazard, Paint::Hazard};
        if (!hazard.to) row[chart.columns - 1] = {glyphs_.endless, Paint::Hazard};
      }
      print(chart, "! " + std::string(short_name(first.kind)), row);
    }
  }

  void legend(const ExplainedPod& pod, const Chart& chart) {
    std::array<bool, 3> used{};
    bool killed = false;
    for (const auto& container : pod.containers) {
      for (const auto& phase : phases_of(container))
        used[static_cast<std::size_t>(phase.kind)] = true;
      killed = killed || container.times.killed;
    }
    std::vector<std::string> parts;
    if (used[0]) parts.push_back(fmt::format("{} preStop hook, before SIGTERM", glyphs_.pre_stop));
    if (used[1]) parts.push_back(fmt::format("{} runs on, before SIGTERM", glyphs_.running));
    if (used[2]) parts.push_back(fmt::format("{} after SIGTERM, shutting down", glyphs_.stopping));
    if (killed) parts.push_back(fmt::format("{} killed (SIGKILL)", glyphs_.killed));
    if (!pod.hazards.empty()) parts.push_back(fmt::format("{} a hazard", glyphs_.hazard));
    parts.push_back(fmt::format("{} end of the {} s given", pod.is_overridden ? "G" : "T",
                                format_seconds(pod.effective_grace_period)));
    if (!chart.scale.cuts().empty())
      parts.push_back(fmt::format("{0}{0} time cut out", glyphs_.cut));
    std::string line;
    out_ += "\n";
    for (const auto& part : parts) {
      if (!line.empty() && width_of(line) + 3 + width_of(part) + 2 > width_) {
        out_ += "  " + line + "\n";
        line.clear();
      }
      line += (line.empty() ? "" : "   ") + part;
    }
    out_ += "  " + line + "\n";
  }

  // ---- in words -------------------------------------------------------------------------------

  void hazards(const ExplainedPod& pod) {
    title("What goes wrong");
    if (pod.hazards.empty()) out_ += "  Nothing.\n";
    for (const auto& hazard : pod.hazards) {
      paragraph("  ! ", fmt::format("{}, {}: {}.", to_string(hazard.kind), interval_words(hazard),
                                    hazard.cause));
    }
  }

  void verdict(const ExplainedPod& pod) {
    title("Is terminationGracePeriodSeconds enough?");
    paragraph("  ", pod.verdict);
    paragraph("  ", pod.arithmetic);
    for (const auto& note : pod.notes) paragraph("  note: ", note);
  }

  void advice(const ExplainedPod& pod) {
    title("What to do (the best first)");
    if (std::none_of(pod.advice.begin(), pod.advice.end(), [](const Advice& a) { return a.helps; }))
      out_ += "  No setting solves it alone.\n";
    int number = 0;
    bool helping = true;
    for (const auto& option : pod.advice) {
      if (helping && !option.helps) {
        helping = false;
        title("What does not solve it");
      }
      const auto first = option.helps ? fmt::format("  {}. ", ++number) : std::string("  x  ");
      out_ += first + bold(option.option) + "\n";
      paragraph("     ", option.text);
      for (const auto& [key, value] : option.annotations)
        out_ += "       " + escape_for_terminal(fmt::format("{}: \"{}\"", key, value)) + "\n";
      if (option.termination_grace_period_seconds) {
        out_ += fmt::format("       terminationGracePeriodSeconds: {}\n",
                            *option.termination_grace_period_seconds);
      } else if (option.helps && !pod.is_overridden) {
        out_ += fmt::format("       terminationGracePeriodSeconds: {} (as it is)\n",
                            pod.termination_grace_period_seconds);
      }
    }
  }

  Glyphs glyphs_;
};

}  // namespace

std::string render_explain_text(std::span<const ExplainedPod> pods, const ExplainTextStyle& style) {
  Page page(style);
  for (const auto& pod : pods) page.add(pod);
  return page.take();
}

}  // namespace gracekeeper
