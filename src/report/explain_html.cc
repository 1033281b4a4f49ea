#include <fmt/format.h>

#include "report/explain_chart.h"
#include "report/explain_svg.h"
#include "report/text_encoding.h"

namespace gracekeeper {
namespace {

// White space is escaped too, so that one form does for text and for attributes.
std::string escaped(std::string_view text) { return escape_xml_attribute(text); }

constexpr std::string_view kPageStyle = R"(
:root{--paper:#fff;--ink:#1d2733;--faint:#5b6775;--line:#d5dbe2;--soft:#f4f6f8;--bad:#b3261e;--good:#1e6b43;--warn:#8a5a00;--link:#0b5cad}
@media (prefers-color-scheme:dark){:root{--paper:#161b22;--ink:#e6edf3;--faint:#9aa7b4;--line:#37414d;--soft:#1f262e;--bad:#ff7b72;--good:#6fcf9f;--warn:#e9b35a;--link:#79b8ff}}
@media print{:root{--paper:#fff;--ink:#000;--faint:#444;--line:#bbb;--soft:#fff;--bad:#b3261e;--good:#1e6b43;--warn:#6b4700;--link:#000}}
*{box-sizing:border-box}
body{margin:0 auto;padding:24px 20px 60px;max-width:1020px;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:24px;margin:0 0 4px}h2{font-size:19px;margin:0;overflow-wrap:anywhere}h3{font-size:15px;margin:20px 0 6px}
a{color:var(--link)}p{margin:6px 0;overflow-wrap:anywhere}.faint{color:var(--faint)}
code{font:13px ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;background:var(--soft);padding:1px 4px;border-radius:3px;overflow-wrap:anywhere}
nav ul{list-style:none;padding:0;margin:12px 0;columns:2 340px}
nav li{padding:2px 0;break-inside:avoid;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
section{border-top:2px solid var(--line);margin-top:28px;padding-top:20px}
.badge{display:inline-block;border:1.5px solid currentColor;border-radius:10px;padding:0 9px;font-size:13px;font-weight:600}
.too-short,.something-fails{color:var(--bad)}.waits-too-long{color:var(--warn)}.fine{color:var(--good)}
.chart{margin:14px 0;border:1px solid var(--line);border-radius:6px;overflow-x:auto}
.chart svg{display:block;width:100%;min-width:640px;height:auto}
.verdict{font-size:17px;font-weight:600}
ol,ul.no{padding-left:24px;margin:6px 0}ol>li,ul.no>li{margin:10px 0}
.option{font-weight:600}.set{list-style:none;padding:0;margin:4px 0}
.no .option::before{content:"\2715  "}ul.no{list-style:none;padding-left:0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px;margin:6px 0}caption{text-align:left;color:var(--faint)}
th,td{border-bottom:1px solid var(--line);padding:4px 12px 4px 0;text-align:left;vertical-align:top;overflow-wrap:break-word;max-width:420px}
td.when{white-space:nowrap}
td.n,th.n{text-align:right;white-space:nowrap}
@media print{body{max-width:none;padding:0;font-size:13px}h3{break-after:avoid}section{break-before:page}section:first-of-type{break-before:auto}.chart,li,tr{break-inside:avoid}.chart svg{min-width:0}}
)";

std::string css_class(ExplainedStatus status) {
  std::string name(to_string(status));
  for (auto& c : name) {
    if (c == ' ') c = '-';
  }
  return name;
}

std::string badge(ExplainedStatus status) {
  return fmt::format("<span class=\"badge {}\">{}</span>", css_class(status), to_string(status));
}

std::string full_name(const ExplainedPod& pod) {
  return pod.namespace_name.empty() ? pod.object : pod.namespace_name + " / " + pod.object;
}

std::string place(const ExplainedPod& pod) {
  if (pod.file.empty()) return "";
  return pod.position.line > 0 ? fmt::format("{}:{}", pod.file, pod.position.line) : pod.file;
}

void add_index(std::string& out, std::span<const ExplainedPod> pods) {
  if (pods.size() < 2) return;
  out += "<nav aria-label=\"Pods\"><ul>\n";
  for (std::size_t i = 0; i < pods.size(); ++i) {
    out +=
        fmt::format("<li>{} <a href=\"#pod-{}\" title=\"{}\">{}</a></li>\n", badge(pods[i].status),
                    i + 1, escaped(full_name(pods[i])), escaped(full_name(pods[i])));
  }
  out += "</ul></nav>\n";
}

void add_containers(std::string& out, const ExplainedPod& pod) {
  out +=
      "<div class=\"scroll\"><table><caption>Seconds from deletion, in the worst case</caption>\n"
      "<tr><th scope=\"col\">container</th><th scope=\"col\" class=\"n\">preStop ends</th>"
      "<th scope=\"col\" class=\"n\">SIGTERM</th><th scope=\"col\" class=\"n\">gone</th>"
      "<th scope=\"col\" class=\"n\">SIGKILL due</th><th scope=\"col\">why</th></tr>\n";
  for (const auto& container : pod.containers) {
    const auto& times = container.times;
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{}{}</td><td class=\"n\">{}</td><td>{}{}{}</td></tr>\n",
        escaped(times.name),
        !container.has_pre_stop      ? "–"
        : times.pre_stop_end         ? format_seconds(*times.pre_stop_end)
        : times.hook_end > Millis{0} ? "at least " + format_seconds(times.hook_end)
                                     : "unknown",
        format_seconds(times.sigterm), format_seconds(times.exit), times.killed ? " (killed)" : "",
        format_seconds(times.sigkill), escaped(container.hook), container.hook.empty() ? "" : "; ",
        escaped(container.stop));
  }
  out += "</table></div>\n";
}

void add_hazards(std::string& out, const ExplainedPod& pod) {
  out += "<h3>What goes wrong</h3>\n";
  if (pod.hazards.empty()) {
    out += "<p>Nothing.</p>\n";
    return;
  }
  out +=
      "<div class=\"scroll\"><table>\n<tr><th scope=\"col\">when</th><th scope=\"col\">what</th>"
      "<th scope=\"col\">containers</th><th scope=\"col\">cause</th></tr>\n";
  for (const auto& hazard : pod.hazards) {
    std::string names;
    for (const auto& name : hazard.containers) names += (names.empty() ? "" : ", ") + name;
    out += fmt::format(
        "<tr><td class=\"when\">{}</td><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n",
        explain_chart::interval_words(hazard), to_string(hazard.kind), escaped(names),
        escaped(hazard.cause));
  }
  out += "</table></div>\n";
}

void add_option(std::string& out, const Advice& option, const ExplainedPod& pod) {
  out += fmt::format("<li><span class=\"option\">{}</span><br>{}", escaped(option.option),
                     escaped(option.text));
  std::string settings;
  for (const auto& [key, value] : option.annotations)
    settings +=
        fmt::format("<li><code>{}: &quot;{}&quot;</code></li>", escaped(key), escaped(value));
  if (option.termination_grace_period_seconds) {
    settings += fmt::format("<li><code>terminationGracePeriodSeconds: {}</code></li>",
                            *option.termination_grace_period_seconds);
  } else if (option.helps && !pod.is_overridden) {
    settings += fmt::format("<li><code>terminationGracePeriodSeconds: {}</code> (as it is)</li>",
                            pod.termination_grace_period_seconds);
  }
  if (!settings.empty()) out += fmt::format("\n<ul class=\"set\">{}</ul>", settings);
  out += "</li>\n";
}

void add_advice(std::string& out, const ExplainedPod& pod) {
  std::string helping;
  std::string useless;
  for (const auto& option : pod.advice) add_option(option.helps ? helping : useless, option, pod);
  out += "<h3>What to do (the best first)</h3>\n";
  out += helping.empty() ? "<p>No setting solves it alone.</p>\n"
                         : fmt::format("<ol>\n{}</ol>\n", helping);
  if (!useless.empty())
    out += fmt::format("<h3>What does not solve it</h3>\n<ul class=\"no\">\n{}</ul>\n", useless);
}

void add_pod(std::string& out, const ExplainedPod& pod, std::size_t number) {
  out += fmt::format("<section id=\"pod-{}\" aria-label=\"{}\">\n<h2>{} {}</h2>\n", number,
                     escaped(full_name(pod)), escaped(full_name(pod)), badge(pod.status));
  if (const auto where = place(pod); !where.empty())
    out += fmt::format("<p class=\"faint\">{}</p>\n", escaped(where));
  out += fmt::format("<p class=\"verdict\">{}</p>\n<p>{}</p>\n", escaped(pod.verdict),
                     escaped(pod.arithmetic));
  for (const auto& note : pod.notes) out += fmt::format("<p>Note: {}</p>\n", escaped(note));
  out += "<div class=\"chart\">" + explain_svg::chart(pod, fmt::format("c{}", number), false) +
         "</div>\n";
  add_hazards(out, pod);
  add_advice(out, pod);
  out += "<h3>The numbers</h3>\n";
  add_containers(out, pod);
  out += "</section>\n";
}

}  // namespace

std::string render_explain_html(std::span<const ExplainedPod> pods, std::string_view title) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{0}</title>\n"
      "<style>{1}{2}</style>\n</head>\n<body>\n<h1>{0}</h1>\n"
      "<p class=\"faint\">What happens when the pod is deleted: who gets which signal when, what "
      "fails, and which setting to choose. Worst case: every container takes all the time that it "
      "is given.</p>\n",
      escaped(title), kPageStyle, explain_svg::chart_style());
  add_index(out, pods);
  for (std::size_t i = 0; i < pods.size(); ++i) add_pod(out, pods[i], i + 1);
  if (pods.empty()) out += "<p>No pod.</p>\n";
  return out + "</body>\n</html>\n";
}

}  // namespace gracekeeper
