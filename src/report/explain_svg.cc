#include "report/explain_svg.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "report/explain_chart.h"
#include "report/text_encoding.h"

namespace gracekeeper {
namespace explain_svg {
namespace {

using namespace explain_chart;

// Pixels of the drawing's own coordinates.
constexpr double kWidth = 960;
constexpr double kLeft = 190;   // where the chart begins, right of the names
constexpr double kRight = 924;  // where it ends
constexpr double kTop = 58;     // below the title and the axis
constexpr double kRow = 28;
constexpr double kBar = 18;
constexpr int kNameLength = 21;     // characters that fit left of the chart
constexpr double kCharacter = 7;    // of the axis, about
constexpr int kReasonLength = 140;  // characters that fit in a line of reasons

constexpr std::string_view kStyle = R"(
.gk-chart{--paper:#fff;--ink:#1d2733;--faint:#5b6775;--line:#c9d1da;--hook:#f0b94a;--hook-ink:#7a5200;
--run:#d7ebe0;--run-ink:#2f7d57;--stop:#3f78b5;--bad:#c62828;--bad-paper:#fde3e1;
background:var(--paper);font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.gk-chart text{fill:var(--ink)}
.gk-chart .faint{fill:var(--faint);font-size:12px}
.gk-chart .title{font-weight:600;font-size:15px}
.gk-chart .grid{stroke:var(--line);stroke-width:1}
.gk-chart .limit{stroke:var(--bad);stroke-width:2;stroke-dasharray:6 3}
.gk-chart .limit-name{fill:var(--bad);font-weight:700}
.gk-chart .cut{stroke:var(--faint);stroke-width:2;fill:none}
.gk-chart .hook-paper{fill:var(--hook)}
.gk-chart .hook-lines{stroke:var(--hook-ink);stroke-width:1.5}
.gk-chart .hook{stroke:var(--hook-ink)}
.gk-chart .run{fill:var(--run);stroke:var(--run-ink);stroke-dasharray:4 2}
.gk-chart .stop{fill:var(--stop);stroke:var(--stop)}
.gk-chart .bad-paper{fill:var(--bad-paper)}
.gk-chart .bad-lines{stroke:var(--bad);stroke-width:2}
.gk-chart .bad{stroke:var(--bad);stroke-width:1.5}
.gk-chart .bad-name{fill:var(--bad);font-weight:600}
.gk-chart .kill{stroke:var(--bad);stroke-width:3.5;stroke-linecap:round}
.gk-chart .end{stroke:var(--ink);stroke-width:2}
.gk-chart .mark{cursor:help;outline:none}
.gk-chart .mark:hover .shape,.gk-chart .mark:focus .shape{stroke:var(--ink);stroke-width:2.5;stroke-dasharray:none}
.gk-chart .tip{opacity:0;pointer-events:none}
.gk-chart .tip text{font-size:12.5px}
.gk-chart .mark:hover .tip,.gk-chart .mark:focus .tip{opacity:1}
.gk-chart .mark:hover~.hint,.gk-chart .mark:focus~.hint{opacity:0}
@media (prefers-color-scheme:dark){.gk-chart{--paper:#161b22;--ink:#e6edf3;--faint:#9aa7b4;--line:#37414d;
--hook:#b9801a;--hook-ink:#ffe0a3;--run:#1f3b2e;--run-ink:#6fcf9f;--stop:#5b9bd8;--bad:#ff7b72;--bad-paper:#4a1d1d}}
@media print{.gk-chart{--paper:#fff;--ink:#000;--faint:#444;--line:#bbb;--hook:#f0b94a;--hook-ink:#7a5200;
--run:#d7ebe0;--run-ink:#2f7d57;--stop:#3f78b5;--bad:#c62828;--bad-paper:#fde3e1;
-webkit-print-color-adjust:exact;print-color-adjust:exact}
.gk-chart .hint,.gk-chart .tip{display:none}}
)";

class Drawing {
 public:
  Drawing(const ExplainedPod& pod, std::string_view id)
      : pod_(pod), id_(id), scale_(pod), kinds_(kinds_of(pod.hazards)) {
    rows_ = pod.containers.size() + kinds_.size();
    bottom_ = kTop + kRow * static_cast<double>(rows_);
    height_ = bottom_ + 92;
  }

  std::string take(bool with_style) {
    out_ = fmt::format(
        R"(<svg class="gk-chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">)"
        "\n<title>{}</title>\n",
        kWidth, height_, escape_xml_attribute(summary()), escape_xml_attribute(pod_.object));
    if (with_style) out_ += fmt::format("<style>{}</style>\n", kStyle);
    patterns();
    out_ += fmt::format("<rect width=\"{}\" height=\"{:.0f}\" fill=\"var(--paper)\"/>\n", kWidth,
                        height_);
    heading();
    axis();
    double y = kTop;
    for (const auto& container : pod_.containers) {
      container_row(container, y);
      y += kRow;
    }
    for (const auto kind : kinds_) {
      hazard_row(kind, y);
      y += kRow;
    }
    legend();
    out_ += fmt::format(
        "<text class=\"hint faint\" x=\"16\" y=\"{:.1f}\">Point at a bar, or reach it "
        "with the Tab key, to see its reason.</text>\n",
        height_ - 30);
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  static std::vector<Hazard::Kind> kinds_of(const std::vector<Hazard>& hazards) {
    std::vector<Hazard::Kind> kinds;
    for (const auto& hazard : hazards) {
      if (std::find(kinds.begin(), kinds.end(), hazard.kind) == kinds.end())
        kinds.push_back(hazard.kind);
    }
    return kinds;
  }

  [[nodiscard]] double x(Millis time) const {
    return kLeft + scale_.position(time) * (kRight - kLeft);
  }

  [[nodiscard]] std::string summary() const {
    auto text = fmt::format("Termination of {}: {}", pod_.object, pod_.verdict);
    for (const auto& hazard : pod_.hazards)
      text += fmt::format(" {}, {}.", to_string(hazard.kind), interval_words(hazard));
    return text;
  }

  void patterns() {
    out_ += fmt::format(
        R"(<defs><pattern id="{0}-hook" width="8" height="8" patternUnits="userSpaceOnUse"><rect class="hook-paper" width="8" height="8"/><path class="hook-lines" d="M-2 2 2-2M0 8 8 0M6 10 10 6"/></pattern>)"
        R"(<pattern id="{0}-bad" width="8" height="8" patternUnits="userSpaceOnUse"><rect class="bad-paper" width="8" height="8"/><path class="bad-lines" d="M0 0 8 8M-2 6 2 10M6-2 10 2M0 8 8 0M-2 2 2-2M6 10 10 6"/></pattern></defs>)"
        "\n",
        id_);
  }

  void heading() {
    auto name = pod_.object;
    if (!pod_.namespace_name.empty()) name += " in namespace " + pod_.namespace_name;
    out_ += fmt::format("<text class=\"title\" x=\"16\" y=\"22\">{}</text>\n",
                        escape_xml_attribute(shortened(name, 60, "…")));
    out_ += fmt::format("<text class=\"faint\" x=\"{}\" y=\"22\" text-anchor=\"end\">{}</text>\n",
                        kWidth - 16, escape_xml_attribute(shortened(pod_.proxy, 70, "…")));
    out_ += fmt::format("<text class=\"faint\" x=\"16\" y=\"48\">seconds from deletion</text>\n");
  }

  void axis() {
    std::vector<std::pair<double, double>> taken;
    const double limit = x(pod_.effective_grace_period);
    for (const auto time : scale_.marks()) {
      const bool is_limit = time == pod_.effective_grace_period;
      const auto text =
          is_limit ? fmt::format("{} = {}", pod_.is_overridden ? "G" : "T", format_seconds(time))
                   : format_seconds(time);
      const double half = static_cast<double>(text.size()) * kCharacter / 2 + 3;
      const double at = x(time);
      const double middle = std::min(at, kWidth - 8 - half);
      const bool free = std::none_of(taken.begin(), taken.end(), [&](const auto& other) {
        return middle - half < other.second && other.first < middle + half;
      });
      if (!is_limit) {
        out_ += fmt::format(
            "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2:.1f}\"/>\n", at,
            free ? kTop - 6 : kTop, bottom_);
      }
      if (!free) continue;
      taken.emplace_back(middle - half, middle + half);
      out_ +=
          fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"48\" text-anchor=\"middle\">{}</text>\n",
                      is_limit ? "limit-name" : "faint", middle, text);
    }
    out_ += fmt::format(
        "<line class=\"limit\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2:.1f}\"/>\n", limit,
        kTop - 6, bottom_);
    for (const auto cut : scale_.cuts()) {
      const double at = kLeft + cut * (kRight - kLeft);
      out_ += fmt::format("<path class=\"cut\" d=\"M{:.1f} {:.1f}l6 -12M{:.1f} {:.1f}l6 -12\"/>\n",
                          at - 6, kTop + 2, at, kTop + 2);
    }
  }

  void name(std::string_view text, std::string_view css, double y) {
    const auto shown = shortened(text, kNameLength, "…");
    out_ += fmt::format("<text class=\"{}\" x=\"16\" y=\"{:.1f}\">{}", css, y + kRow / 2 + 4,
                        escape_xml_attribute(shown));
    if (shown != text) out_ += fmt::format("<title>{}</title>", escape_xml_attribute(text));
    out_ += "</text>\n";
  }

  // A group that can be pointed at; its reason also appears below the chart.
  void mark(std::string_view reason, std::string_view shape) {
    out_ += fmt::format(
        "<g class=\"mark\" tabindex=\"0\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>{1}",
        escape_xml_attribute(reason), shape);
    out_ += "<g class=\"tip\">";
    double y = height_ - 30;
    auto lines = lines_of(reason, kReasonLength);
    if (lines.size() > 2) {
      lines.resize(2);
      lines.back() += " …";
    }
    for (const auto& line : lines) {
      out_ += fmt::format("<text x=\"16\" y=\"{:.1f}\">{}</text>", y,
                          escape_xml_attribute(shortened(line, kReasonLength, "…")));
      y += 17;
    }
    out_ += "</g></g>\n";
  }

  [[nodiscard]] static std::string bar(std::string_view css, std::string_view fill, double from,
                                       double to, double y) {
    return fmt::format(
        "<rect class=\"shape {}\"{} x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\"/>",
        css, fill, from, y + (kRow - kBar) / 2, std::max(to - from, 2.0), kBar);
  }

  void container_row(const ExplainedContainer& container, double y) {
    const auto& times = container.times;
    name(times.name, "", y);
    for (const auto& phase : phases_of(container)) {
      const double from = x(phase.from);
      const double to = x(phase.to);
      switch (phase.kind) {
        case Phase::Kind::PreStop:
          mark(phase.reason, bar("hook", fmt::format(" fill=\"url(#{}-hook)\"", id_), from, to, y));
          break;
        case Phase::Kind::Running:
          mark(phase.reason, bar("run", "", from, to, y));
          break;
        case Phase::Kind::Stopping:
          mark(phase.reason, bar("stop", "", from, to, y));
          break;
      }
    }
    const double at = x(times.exit);
    const double middle = y + kRow / 2;
    if (times.killed) {
      mark(exit_reason(container),
           fmt::format("<path class=\"kill\" d=\"M{0:.1f} {1:.1f}l12 12m0 -12l-12 12\"/>", at - 6,
                       middle - 6));
    } else {
      mark(exit_reason(container),
           fmt::format(
               "<line class=\"end\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>",
               at, middle - 11, middle + 11));
    }
  }

  void hazard_row(Hazard::Kind kind, double y) {
    name("! " + std::string(short_name(kind)), "bad-name", y);
    for (const auto& hazard : pod_.hazards) {
      if (hazard.kind != kind) continue;
      const double from = x(hazard.from);
      const double to = hazard.to ? x(*hazard.to) : kWidth - 8;
      const auto reason =
          fmt::format("{}, {}: {}", to_string(kind), interval_words(hazard), hazard.cause);
      // What happens at one moment is a small diamond, which does not vanish beside a long bar.
      if (hazard.to == hazard.from) {
        mark(reason, fmt::format("<path class=\"shape bad\" fill=\"url(#{}-bad)\" d=\"M{:.1f} "
                                 "{:.1f}l9 9 -9 9 -9 -9z\"/>",
                                 id_, from, y + kRow / 2 - 9));
      } else if (hazard.to) {
        mark(reason, bar("bad", fmt::format(" fill=\"url(#{}-bad)\"", id_), from, to, y));
      } else {
        mark(reason, fmt::format("<path class=\"shape bad\" fill=\"url(#{}-bad)\" d=\"M{:.1f} "
                                 "{:.1f}H{:.1f}l12 9 -12 9H{:.1f}z\"/>",
                                 id_, from, y + kRow / 2 - 9, to - 12, from));
      }
    }
  }

  void legend() {
    const double y = bottom_ + 14;
    double at = 16;
    const auto entry = [&](std::string_view shape, std::string_view text) {
      out_ += fmt::format(
          "<g transform=\"translate({:.1f} {:.1f})\">{}<text class=\"faint\" x=\"28\" "
          "y=\"12\">{}</text></g>\n",
          at, y, shape, text);
      at += 28 + static_cast<double>(text.size()) * 6.5 + 16;
    };
    std::array<bool, 3> used{};
    bool killed = false;
    for (const auto& container : pod_.containers) {
      for (const auto& phase : phases_of(container))
        used[static_cast<std::size_t>(phase.kind)] = true;
      killed = killed || container.times.killed;
    }
    const auto swatch = [&](std::string_view css, std::string_view pattern) {
      return fmt::format(R"(<rect class="{}"{} width="22" height="14"/>)", css,
                         pattern.empty() ? "" : fmt::format(" fill=\"url(#{}-{})\"", id_, pattern));
    };
    if (used[0]) entry(swatch("hook", "hook"), "preStop hook");
    if (used[1]) entry(swatch("run", ""), "SIGTERM still to come");
    if (used[2]) entry(swatch("stop", ""), "after SIGTERM");
    if (killed) entry(R"(<path class="kill" d="M6 2l10 10m0 -10l-10 10"/>)", "killed");
    if (!kinds_.empty()) entry(swatch("bad", "bad"), "something fails");
    entry(R"(<line class="limit" x1="11" x2="11" y1="-1" y2="15"/>)", "grace period ends");
    if (!scale_.cuts().empty())
      entry(R"(<path class="cut" d="M4 13l6 -12M10 13l6 -12"/>)", "time cut out");
  }

  const ExplainedPod& pod_;
  std::string_view id_;
  TimeScale scale_;
  std::vector<Hazard::Kind> kinds_;
  std::size_t rows_ = 0;
  double bottom_ = 0;
  double height_ = 0;
  std::string out_;
};

}  // namespace

std::string_view chart_style() { return kStyle; }

std::string chart(const ExplainedPod& pod, std::string_view id, bool style) {
  return Drawing(pod, id).take(style);
}

}  // namespace explain_svg

std::string render_explain_svg(const ExplainedPod& pod) {
  return explain_svg::chart(pod, "gk", true);
}

}  // namespace gracekeeper
