#include <fmt/format.h>
#include <map>
#include <set>

#include "report/check_place.h"
#include "report/check_report.h"
#include "report/text_encoding.h"

namespace gracekeeper {
namespace {

struct Suite {
  std::string file;
  int tests = 0;
  int failures = 0;
  int errors = 0;
  int skipped = 0;
  std::string cases;
  std::set<std::pair<std::string, std::string>> taken;  // class and name
};

// The suites in the order in which their files appear.
class Suites {
 public:
  Suite& of(std::string_view file) {
    const std::string name = normal_file(file);
    const auto [place, is_new] = places_.try_emplace(name, suites_.size());
    if (is_new) suites_.push_back({.file = name});
    return suites_[place->second];
  }
  [[nodiscard]] const std::vector<Suite>& all() const { return suites_; }

 private:
  std::vector<Suite> suites_;
  std::map<std::string, std::size_t> places_;
};

// GitLab shows one test for each class and name, whatever its suite: the name has the file in it,
// and a number where findings are alike. Lines are left out, because Jenkins and GitLab follow a
// test by its name through the builds.
std::string unique_name(Suite& suite, const std::string& class_name, const std::string& name) {
  std::string candidate = name;
  for (int number = 2; !suite.taken.emplace(class_name, candidate).second; ++number) {
    candidate = fmt::format("{} ({})", name, number);
  }
  return candidate;
}

std::string open_test(Suite& suite, const std::string& class_name, const std::string& name,
                      int line) {
  ++suite.tests;
  return fmt::format(
      "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\"{}>\n",
      escape_xml_attribute(class_name), escape_xml_attribute(unique_name(suite, class_name, name)),
      escape_xml_attribute(suite.file), line > 0 ? fmt::format(" line=\"{}\"", line) : "");
}

std::string place_text(std::string_view file, Position position) {
  return position.line > 0 ? fmt::format("{}:{}", file, position.line) : std::string(file);
}

void add_finding(Suite& suite, const LocatedFinding& located) {
  const Finding& finding = located.finding;
  suite.cases += open_test(
      suite, object_label(located),
      fmt::format("{} {}: {}: {}", finding.rule, finding.name, suite.file, to_string(finding.path)),
      located.position.line);
  const std::string remedy = finding.remedy.empty() ? "" : "\nRemedy: " + finding.remedy;
  if (finding.severity == Severity::Info) {
    ++suite.skipped;
    suite.cases += fmt::format("      <skipped message=\"{}\"/>\n",
                               escape_xml_attribute(finding.message + remedy));
  } else {
    ++suite.failures;
    const std::string text =
        place_text(suite.file, located.position) + '\n' + finding.message + remedy;
    suite.cases += fmt::format("      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
                               to_string(finding.severity), escape_xml_attribute(finding.message),
                               escape_xml_text(text));
  }
  suite.cases += "    </testcase>\n";
}

void add_unread(Suite& suite, const UnreadTemplate& unread) {
  suite.cases +=
      open_test(suite, object_label(unread), "pod template: " + suite.file, unread.position.line);
  ++suite.skipped;
  suite.cases += fmt::format("      <skipped message=\"{}\"/>\n    </testcase>\n",
                             escape_xml_attribute(why_not_read(unread)));
}

void add_input_error(Suite& suite, const Error& error) {
  suite.cases += open_test(suite, "input", "readable: " + suite.file, error.position.line);
  ++suite.errors;
  suite.cases +=
      fmt::format("      <error type=\"input\" message=\"{}\">{}</error>\n",
                  escape_xml_attribute(error.message), escape_xml_text(to_string(error)));
  suite.cases += "    </testcase>\n";
}

}  // namespace

std::string render_check_junit(const CheckReport& report) {
  Suites suites;
  for (const LocatedFinding& located : report.findings) {
    add_finding(suites.of(located.file), located);
  }
  for (const UnreadTemplate& unread : report.not_read) add_unread(suites.of(unread.file), unread);
  for (const Error& error : report.input_errors) add_input_error(suites.of(error.file), error);
  if (suites.all().empty()) {
    // Several systems take a report without tests for a broken one.
    Suite& suite = suites.of("gracekeeper");
    ++suite.tests;
    suite.cases = fmt::format(
        "    <testcase classname=\"gracekeeper\" name=\"check\">\n"
        "      <system-out>{}</system-out>\n"
        "    </testcase>\n",
        summary_sentence(report));
  }

  Suite total;
  std::string body;
  for (const Suite& suite : suites.all()) {
    total.tests += suite.tests;
    total.failures += suite.failures;
    total.errors += suite.errors;
    total.skipped += suite.skipped;
    body += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n"
        "{}  </testsuite>\n",
        escape_xml_attribute(suite.file), suite.tests, suite.failures, suite.errors, suite.skipped,
        suite.cases);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"gracekeeper\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
      "skipped=\"{}\">\n{}</testsuites>\n",
      total.tests, total.failures, total.errors, total.skipped, body);
}

}  // namespace gracekeeper
