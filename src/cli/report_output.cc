#include "cli/report_output.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <utility>

#include "cli/policy_options.h"
#include "cli/rule_infos.h"
#include "cli/terminal.h"
#include "io/files.h"

namespace gracekeeper::cli {
namespace {

bool is_format(const std::string& word) {
  for (const auto* known : {"text", "json", "sarif", "junit", "github", "markdown"}) {
    if (word == known) return true;
  }
  return false;
}

std::string render(const std::string& format, const CheckReport& report, bool to_terminal) {
  if (format == "json") return render_check_json(report);
  if (format == "sarif") return render_check_sarif(report, rule_infos(), GRACEKEEPER_VERSION);
  if (format == "junit") return render_check_junit(report);
  if (format == "github") return render_check_github(report);
  if (format == "markdown") return render_check_markdown(report);
  return render_check_text(report, {.color = to_terminal && wants_color(),
                                    .width = to_terminal ? terminal_width() : 100});
}

}  // namespace

CLI::Option* add_report_options(CLI::App& command, ReportOptions& options) {
  auto* format = command.add_option(
      "--format", options.formats,
      "text, json, sarif, junit, github or markdown; FORMAT=FILE writes to a file");
  // One value each time: what follows it is a path.
  format->type_name("FORMAT")->take_all()->allow_extra_args(false)->default_str("text");
  command
      .add_option("--fail-on", options.fail_on,
                  "Exit with 1 from this severity on: error, warning, info or never")
      ->type_name("SEVERITY")
      ->check(CLI::IsMember({"error", "warning", "info", "never"}))
      ->capture_default_str();
  return format;
}

Result<std::vector<Output>> parse_outputs(const std::vector<std::string>& words) {
  std::vector<Output> outputs;
  bool standard_output_is_taken = false;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    Output output{word.substr(0, equals),
                  equals == std::string::npos ? std::string{} : word.substr(equals + 1)};
    if (!is_format(output.format)) {
      return fail(
          fmt::format("--format: expected text, json, sarif, junit, github or markdown, got \"{}\"",
                      output.format));
    }
    if (output.file.empty()) {
      if (equals != std::string::npos)
        return fail(fmt::format("--format {}: the file's name is missing after \"=\"", word));
      if (std::exchange(standard_output_is_taken, true)) {
        return fail(fmt::format(
            "--format: two formats for standard output: write one of them to a file, as in {}=FILE",
            output.format));
      }
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
}

bool reaches(const CheckSummary& summary, const std::string& threshold) {
  if (threshold == "never") return false;
  if (summary.errors > 0) return true;
  if (threshold == "error") return false;
  if (summary.warnings > 0) return true;
  return threshold == "info" && summary.infos > 0;
}

bool print_report(const CheckReport& report, const std::vector<Output>& outputs) {
  bool errors_are_shown = false;
  for (const auto& output : outputs) {
    const auto text = render(output.format, report, output.file.empty());
    if (output.file.empty()) {
      std::fwrite(text.data(), 1, text.size(), stdout);
      errors_are_shown = output.format == "text";
    } else if (const auto written = io::write_file(output.file, text); !written) {
      print_errors({written.error()});
      return false;
    }
  }
  if (!errors_are_shown) fmt::print(stderr, "{}", render_input_errors(report));
  return true;
}

}  // namespace gracekeeper::cli
