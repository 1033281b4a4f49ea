#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/checker.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/policy_options.h"
#include "cli/rule_infos.h"
#include "cli/terminal.h"
#include "io/files.h"
#include "report/baseline.h"
#include "report/check_report.h"

namespace gracekeeper::cli {
namespace {

struct Options {
  std::vector<std::string> paths;
  PolicyOptions policy;
  std::vector<std::string> formats{"text"};
  std::string fail_on = "error";
  std::string baseline;
  std::string write_baseline;
};

// One output: a format, and a file or (empty) standard output.
struct Output {
  std::string format;
  std::string file;
};

bool is_format(const std::string& word) {
  for (const auto* known : {"text", "json", "sarif", "junit", "github", "markdown"}) {
    if (word == known) return true;
  }
  return false;
}

// "sarif=out.sarif" -> {sarif, out.sarif}. Only one output can go to standard output.
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

std::string render(const std::string& format, const CheckReport& report, bool to_terminal) {
  if (format == "json") return render_check_json(report);
  if (format == "sarif") return render_check_sarif(report, rule_infos(), GRACEKEEPER_VERSION);
  if (format == "junit") return render_check_junit(report);
  if (format == "github") return render_check_github(report);
  if (format == "markdown") return render_check_markdown(report);
  return render_check_text(report, {.color = to_terminal && wants_color(),
                                    .width = to_terminal ? terminal_width() : 100});
}

bool reaches(const CheckSummary& summary, const std::string& threshold) {
  if (threshold == "never") return false;
  if (summary.errors > 0) return true;
  if (threshold == "error") return false;
  if (summary.warnings > 0) return true;
  return threshold == "info" && summary.infos > 0;
}

// Takes the accepted findings out of the report.
std::optional<Error> apply_baseline(const std::string& file, CheckReport& report) {
  const auto text = io::read_file(file);
  if (!text) return text.error();
  const auto baseline = parse_baseline(*text);
  if (!baseline) {
    auto error = baseline.error();
    error.file = file;
    return error;
  }
  auto compared = compare(report, *baseline);
  if (compared.gone > 0) {
    fmt::print(
        stderr,
        "gracekeeper: {} of the baseline's findings are gone; --write-baseline {} writes it anew\n",
        compared.gone, file);
  }
  report = std::move(compared.fresh);
  return std::nullopt;
}

int fail_with(const Error& error) {
  print_errors({error});
  return kUsageOrInput;
}

int check(const Options& options) {
  const auto outputs = parse_outputs(options.formats);
  if (!outputs) return fail_with(outputs.error());
  const auto policy = load_policy(options.policy);
  if (!policy) {
    print_errors(policy.error());
    return kUsageOrInput;
  }

  auto report = check_inputs(options.paths, *policy);
  if (!options.write_baseline.empty()) {
    if (const auto written = io::write_file(options.write_baseline, render_baseline(report));
        !written)
      return fail_with(written.error());
  }
  if (!options.baseline.empty()) {
    if (const auto error = apply_baseline(options.baseline, report)) return fail_with(*error);
  }

  bool errors_are_shown = false;
  for (const auto& output : *outputs) {
    const auto text = render(output.format, report, output.file.empty());
    if (output.file.empty()) {
      std::fwrite(text.data(), 1, text.size(), stdout);
      errors_are_shown = output.format == "text";
    } else if (const auto written = io::write_file(output.file, text); !written) {
      return fail_with(written.error());
    }
  }
  if (!errors_are_shown) fmt::print(stderr, "{}", render_input_errors(report));
  if (report.summary.objects == 0 && report.input_errors.empty()) {
    fmt::print(stderr, "gracekeeper: no objects in the input\n");
  }
  if (std::fflush(stdout) != 0) return kUsageOrInput;
  if (!report.input_errors.empty()) return kUsageOrInput;
  return reaches(report.summary, options.fail_on) ? kFindings : kClean;
}

}  // namespace

void add_check(CLI::App& program, int& code) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand(
      "check", "The webhook's verdict on manifests, for CI");
  command
      ->add_option("PATH", options->paths,
                   "Files, folders (.yaml, .yml, .json), - for standard input")
      ->required();
  command
      ->add_option("--format", options->formats,
                   "text, json, sarif, junit, github or markdown; FORMAT=FILE writes to a file")
      ->type_name("FORMAT")
      ->take_all()
      ->allow_extra_args(false)  // one value each time: what follows it is a path
      ->default_str("text");
  command
      ->add_option("--fail-on", options->fail_on,
                   "Exit with 1 from this severity on: error, warning, info or never")
      ->type_name("SEVERITY")
      ->check(CLI::IsMember({"error", "warning", "info", "never"}))
      ->capture_default_str();
  command
      ->add_option("--baseline", options->baseline, "Accepted findings: only others are reported")
      ->type_name("FILE");
  command
      ->add_option("--write-baseline", options->write_baseline, "Write the findings as a baseline")
      ->type_name("FILE");
  add_policy_options(*command, options->policy);
  command->footer(kExitCodes);
  command->callback([options, &code] { code = check(*options); });
}

}  // namespace gracekeeper::cli
