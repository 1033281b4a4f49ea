#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "explain_pods.h"
#include "report/explain_report.h"

namespace gracekeeper {
namespace {

std::vector<ExplainedPod> all_pods() {
  return {test::contract_pod(), test::question_pod(),   test::native_pod(), test::many_containers(),
          test::short_pod(),    test::day_of_waiting(), test::endless_job()};
}

// A pod whose every text is made to break out of markup.
ExplainedPod hostile_pod() {
  auto pod = test::question_pod();
  const std::string evil = "\"'><script>alert(1)</script>&amp;\x01\xEF\xBF\xBF";
  pod.object = pod.namespace_name = pod.file = pod.proxy = pod.verdict = pod.arithmetic = evil;
  pod.notes = {evil};
  for (auto& container : pod.containers)
    container.times.name = container.hook = container.stop = evil;
  for (auto& hazard : pod.hazards) {
    hazard.cause = evil;
    hazard.containers = {evil};
  }
  for (auto& advice : pod.advice) {
    advice.option = advice.text = evil;
    advice.annotations = {{evil, evil}};
  }
  return pod;
}

// What a Python program says of a text, which it reads from a file.
std::string python(const std::string& program, const std::string& text) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("gracekeeper-explain-" + std::to_string(::getpid()));
  std::ofstream(path, std::ios::binary) << text;
  const std::string command = "python3 -c '" + program + "' " + path.string() + " 2>&1";
  std::string said;
  if (FILE* pipe = ::popen(command.c_str(), "r")) {
    std::array<char, 256> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) said += buffer.data();
    ::pclose(pipe);
  }
  std::filesystem::remove(path);
  return said;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++times;
  return times;
}

TEST(ExplainSvg, IsWellFormedXml) {
  auto pods = all_pods();
  pods.push_back(hostile_pod());
  for (const auto& pod : pods) {
    EXPECT_EQ(python("import sys, xml.etree.ElementTree as e\n"
                     "r = e.parse(sys.argv[1]).getroot()\n"
                     "print(r.tag, r.get(\"role\"), bool(r.get(\"aria-label\")))",
                     render_explain_svg(pod)),
              "{http://www.w3.org/2000/svg}svg img True\n")
        << pod.object;
  }
}

TEST(ExplainSvg, DrawsEveryContainerAndHazardWithItsReason) {
  const auto svg = render_explain_svg(test::question_pod());
  for (const std::string_view part :
       {"<title>web: preStop hook 5 s (its own); SIGTERM is not sent until 5 s</title>",
        "<title>web: SIGTERM at 5 s; takes up to 10 s from SIGTERM to exit (built-in "
        "default)</title>",
        "<title>web: gone at 15 s; SIGKILL would have come at 30 s</title>",
        "<title>linkerd-proxy: the wait, a preStop hook 20 s (annotation); it still takes new "
        "connections until 20 s</title>",
        "<title>linkerd-proxy: SIGTERM at 20 s; drains for up to 120 s after SIGTERM (proxy "
        "default); new connections are refused</title>",
        "<title>linkerd-proxy: killed (SIGKILL) at 30 s before it had finished</title>",
        "<title>waiting-for-nothing, 15 s to 20 s: every app container is gone at 15 s, but the "
        "proxy's preStop sleep holds the pod until 20 s</title>"}) {
    EXPECT_EQ(count(svg, part), 1U) << part;
  }
}

TEST(ExplainSvg, StaysInsideItsPicture) {
  for (const auto& pod : all_pods()) {
    EXPECT_EQ(
        python("import sys, xml.etree.ElementTree as e\n"
               "r = e.parse(sys.argv[1]).getroot()\n"
               "w, h = [float(n) for n in r.get(\"viewBox\").split()[2:]]\n"
               "for n in r.iter():\n"
               "  x, y = float(n.get(\"x\", 0)), float(n.get(\"y\", 0))\n"
               "  x += 0 if n.tag.endswith(\"text\") else float(n.get(\"width\", \"0\").strip())\n"
               "  if not (0 <= x <= w and 0 <= y <= h): print(n.tag, n.attrib)",
               render_explain_svg(pod)),
        "")
        << pod.object;
  }
}

TEST(ExplainHtml, IsOnePageThatNeedsNothingElse) {
  const auto pods = all_pods();
  const auto html = render_explain_html(pods, "Termination of 7 pods");
  EXPECT_EQ(count(html, "<svg "), pods.size());
  EXPECT_EQ(count(html, "<section "), pods.size());
  EXPECT_EQ(count(html, "<caption>"), pods.size());  // each chart's numbers as a table
  EXPECT_EQ(count(html, "<li><span class=\"badge"), pods.size());  // the index
  EXPECT_EQ(count(html, "src="), 0U);
  EXPECT_EQ(count(html, "@import"), 0U);
  EXPECT_EQ(count(html, "<script"), 0U);
  EXPECT_EQ(count(html, "http"), count(html, "http://www.w3.org/2000/svg"));
  EXPECT_EQ(count(html, "prefers-color-scheme:dark"), 2U);
  EXPECT_EQ(count(html, "@media print"), 3U);
}

TEST(ExplainHtml, NeedsNoIndexForOnePod) {
  const auto pod = test::native_pod();
  EXPECT_EQ(count(render_explain_html({&pod, 1}, "One"), "<nav"), 0U);
}

TEST(ExplainHtml, OpensAndClosesEveryElementAndUsesEachIdOnce) {
  auto pods = all_pods();
  pods.push_back(hostile_pod());
  EXPECT_EQ(python("import sys, html.parser, collections\n"
                   "open_, ids, refs = [], collections.Counter(), set()\n"
                   "class P(html.parser.HTMLParser):\n"
                   "  def handle_starttag(self, t, a):\n"
                   "    if t not in (\"meta\", \"br\"): open_.append(t)\n"
                   "    for k, v in a:\n"
                   "      if k == \"id\": ids[v] += 1\n"
                   "      if k == \"fill\" and v.startswith(\"url(#\"): refs.add(v[5:-1])\n"
                   "      if k == \"href\": refs.add(v[1:])\n"
                   "    if t == \"script\": print(\"script\")\n"
                   "  def handle_startendtag(self, t, a):\n"
                   "    self.handle_starttag(t, a); open_.pop()\n"
                   "  def handle_endtag(self, t):\n"
                   "    if not open_ or open_.pop() != t: print(\"mismatch\", t, self.getpos())\n"
                   "P().feed(open(sys.argv[1], encoding=\"utf-8\").read())\n"
                   "print(open_, [i for i in ids if ids[i] > 1], sorted(refs - set(ids)))",
                   render_explain_html(pods, "</title><script>")),
            "[] [] []\n");
}

TEST(ExplainHtml, SaysWhatTheBestOptionNeeds) {
  const auto pod = test::question_pod();
  const auto html = render_explain_html({&pod, 1}, "One");
  EXPECT_NE(
      html.find("<p class=\"verdict\">terminationGracePeriodSeconds 30 is too short: with the "
                "settings as they are it must be 155.</p>"),
      std::string::npos);
  EXPECT_NE(
      html.find("<ul class=\"set\"><li><code>config.linkerd.io/proxy-enable-native-sidecar: "
                "&quot;true&quot;</code></li><li><code>config.linkerd.io/shutdown-grace-period:"
                " &quot;15s&quot;</code></li><li><code>terminationGracePeriodSeconds: 30</code> "
                "(as it is)</li></ul>"),
      std::string::npos);
}

}  // namespace
}  // namespace gracekeeper
