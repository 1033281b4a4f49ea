#include <algorithm>
#include <fmt/format.h>

#include "report/explain_chart.h"
#include "report/text_encoding.h"
#include "report/text_page.h"
#include "report/why_report.h"

namespace gracekeeper {
namespace {

using namespace postmortem;
using explain_chart::lines_of;

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(display_width(text));
}

class Page : public TextPage {
 public:
  explicit Page(const WhyTextStyle& style) : TextPage(style.color, style.width) {}

  void add(const Diagnosis& d) {
    begin_part();
    heading(d);
    happened(d);
    planned(d);
    conclusions(d);
    options(d);
    missing(d);
  }

 private:
  void heading(const Diagnosis& d) {
    auto name = "pod/" + escape_for_terminal(d.pod);
    if (!d.namespace_name.empty()) name += " in namespace " + escape_for_terminal(d.namespace_name);
    out_ += bold(name) + "\n";
    std::string about = d.owner.empty() ? "" : "of " + d.owner;
    if (d.is_gone) {
      about += about.empty() ? "" : "; ";
      about += "the pod is gone: judged from its events";
      about += d.is_from_template ? " and from what it was made from" : " alone";
    }
    if (!about.empty()) paragraph("  ", about);
  }

  void happened(const Diagnosis& d) {
    title("What happened");
    if (d.facts.empty()) paragraph("  ", "Nothing that tells of an end is recorded.");
    for (const auto& fact : d.facts) {
      const auto at = fact.at ? format_time_of_day(*fact.at) : std::string(9, ' ');
      const auto after =
          fact.after ? fmt::format("{:>6} s", format_seconds(*fact.after)) : std::string(8, ' ');
      paragraph(fmt::format("  {} {}  ", at, after),
                fmt::format("{} [{}]", fact.text, fact.source));
    }
  }

  void planned(const Diagnosis& d) {
    title("What was planned");
    if (!d.is_planned) return paragraph("  ", "Nothing is known of the pod's spec.");
    paragraph("  ", d.verdict + ".");
    std::size_t name = 9;
    for (const auto& row : d.planned) name = std::max(name, width_of(row.times.name));
    name = std::min<std::size_t>(name, 30);
    out_ += fmt::format("  {:<{}}  {:>8}  {:>8}  {:>8}  {:>8}  {}\n", "container", name, "preStop",
                        "SIGTERM", "end", "SIGKILL", "seen");
    for (const auto& row : d.planned) {
      const auto& times = row.times;
      const std::string hook = !row.has_pre_stop    ? "-"
                               : times.pre_stop_end ? "to " + format_seconds(*times.pre_stop_end)
                                                    : "?";
      out_ += fmt::format(
          "  {:<{}}  {:>8}  {:>8}  {:>8}  {:>8}  {}\n", escape_for_terminal(times.name), name, hook,
          format_seconds(times.sigterm),
          times.killed ? "killed" : "by " + format_seconds(times.exit),
          format_seconds(times.sigkill), row.seen.empty() ? "-" : escape_for_terminal(row.seen));
    }
  }

  void conclusions(const Diagnosis& d) {
    title("Which budget ran out");
    if (d.conclusions.empty()) {
      paragraph("  ", d.is_gone ? "Not known: no end of a container is recorded."
                      : d.stop.kind == Stop::Kind::None
                          ? "None: nothing told the containers to stop, and none was killed."
                          : "None that is recorded: no container was killed.");
    }
    for (const auto& c : d.conclusions) {
      paragraph(fmt::format("  {} ", bold_word(to_string(c.sureness))),
                fmt::format("{}{}: {}", is_budget(c.cause) ? "" : "no budget: ", to_string(c.cause),
                            c.text));
      if (!c.evidence.empty()) paragraph("      from ", c.evidence);
    }
  }

  [[nodiscard]] static std::string bold_word(std::string_view word) {
    return fmt::format("{:<8}", word);
  }

  void options(const Diagnosis& d) {
    if (d.options.empty()) return;
    title("What would have prevented it");
    std::size_t number = 0;
    for (const auto& option : d.options) {
      paragraph(fmt::format("  {}. ", ++number), option.text);
      for (const auto& [key, value] : option.annotations)
        paragraph("     ", fmt::format("annotation {}: \"{}\"", key, value));
      for (const auto& [path, value] : option.fields)
        paragraph("     ", fmt::format("{}: {}", path, value));
      paragraph("     ", option.is_verified ? "planned again with it: nothing is cut short"
                                            : "cannot be planned: try it out");
    }
    if (!d.owner.empty()) {
      paragraph("  ", fmt::format("Annotations and spec fields go into the pod template of {}.",
                                  d.owner));
    }
  }

  void missing(const Diagnosis& d) {
    if (d.missing.empty()) return;
    title("What is not known");
    for (const auto& m : d.missing) {
      paragraph("  ", m.what + ":");
      paragraph("      ", m.command);
    }
  }
};

}  // namespace

std::string render_why_text(std::span<const Diagnosis> diagnoses, const WhyTextStyle& style) {
  Page page(style);
  for (const auto& diagnosis : diagnoses) page.add(diagnosis);
  return page.take();
}

}  // namespace gracekeeper
