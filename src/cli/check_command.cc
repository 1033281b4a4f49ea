#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/checker.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/fixer.h"
#include "cli/inputs.h"
#include "cli/policy_options.h"
#include "cli/rule_infos.h"
#include "cli/terminal.h"
#include "codec/unified_diff.h"
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
  bool fix = false;
  bool dry_run = false;
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

Result<Baseline> read_baseline(const std::string& file) {
  const auto text = io::read_file(file);
  if (!text) return tl::make_unexpected(text.error());
  auto baseline = parse_baseline(*text);
  if (!baseline) baseline.error().file = file;
  return baseline;
}

// Takes the accepted findings out of the report.
void apply_baseline(const Baseline& baseline, const std::string& file, CheckReport& report) {
  auto compared = compare(report, baseline);
  if (compared.gone > 0) {
    fmt::print(
        stderr,
        "gracekeeper: {} of the baseline's findings are gone; --write-baseline {} writes it anew\n",
        compared.gone, file);
  }
  report = std::move(compared.fresh);
}

// --fix writes to where it has read: that must be files.
std::optional<Error> find_no_file(const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    std::error_code unknown;
    const auto status = std::filesystem::status(path, unknown);
    const bool is_file = !std::filesystem::exists(status) ||
                         std::filesystem::is_directory(status) ||
                         std::filesystem::is_regular_file(status);
    if (path == "-" || !is_file) {
      return Error{.message = fmt::format("--fix needs files: {} cannot be mended",
                                          path == "-" ? "standard input" : path),
                   .file = {},
                   .position = {},
                   .path = {}};
    }
  }
  return std::nullopt;
}

// What --fix --dry-run shows in place of the report.
std::string render_diff(const Mended& mended) {
  std::string out;
  for (const auto& file : mended.files)
    out += unified_diff(file.before, file.after, file.name, file.name);
  return out;
}

int fail_with(const Error& error) {
  print_errors({error});
  return kUsageOrInput;
}

// Writes the report to where the options say. False when that failed; it was said then.
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

int check(const Options& options) {
  const auto outputs = parse_outputs(options.formats);
  if (!outputs) return fail_with(outputs.error());
  const auto policy = load_policy(options.policy);
  if (!policy) {
    print_errors(policy.error());
    return kUsageOrInput;
  }

  Inputs inputs(options.paths);
  std::vector<Error> write_errors;
  std::string diff;
  if (options.fix) {
    if (const auto error = find_no_file(options.paths)) return fail_with(*error);
    Baseline accepted;
    if (!options.baseline.empty()) {
      auto baseline = read_baseline(options.baseline);
      if (!baseline) return fail_with(baseline.error());
      accepted = std::move(*baseline);
    }
    auto mended = mend_inputs(inputs, *policy, accepted);
    if (options.dry_run) {
      diff = render_diff(mended);
    } else {
      write_errors = write_back(mended);
      inputs = Inputs(options.paths);  // the report is about what is in the files now
    }
    fmt::print(stderr, "{}", render_remarks(mended, !options.dry_run));
    print_errors(write_errors);
  }

  auto report = check_inputs(inputs, *policy);
  if (!options.write_baseline.empty()) {
    if (const auto written = io::write_file(options.write_baseline, render_baseline(report));
        !written)
      return fail_with(written.error());
  }
  if (!options.baseline.empty()) {
    const auto baseline = read_baseline(options.baseline);
    if (!baseline) return fail_with(baseline.error());
    apply_baseline(*baseline, options.baseline, report);
  }

  if (options.dry_run) {
    std::fwrite(diff.data(), 1, diff.size(), stdout);
    fmt::print(stderr, "{}", render_input_errors(report));
  } else if (!print_report(report, *outputs)) {
    return kUsageOrInput;
  }
  if (report.summary.objects == 0 && report.input_errors.empty()) {
    fmt::print(stderr, "gracekeeper: no objects in the input\n");
  }
  if (std::fflush(stdout) != 0) return kUsageOrInput;
  if (!report.input_errors.empty() || !write_errors.empty()) return kUsageOrInput;
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
  auto* format = command->add_option(
      "--format", options->formats,
      "text, json, sarif, junit, github or markdown; FORMAT=FILE writes to a file");
  // One value each time: what follows it is a path.
  format->type_name("FORMAT")->take_all()->allow_extra_args(false)->default_str("text");
  command
      ->add_option("--fail-on", options->fail_on,
                   "Exit with 1 from this severity on: error, warning, info or never")
      ->type_name("SEVERITY")
      ->check(CLI::IsMember({"error", "warning", "info", "never"}))
      ->capture_default_str();
  command
      ->add_option("--baseline", options->baseline, "Accepted findings: only others are reported")
      ->type_name("FILE");
  auto* write_baseline = command->add_option("--write-baseline", options->write_baseline,
                                             "Write the findings as a baseline");
  write_baseline->type_name("FILE");
  auto* fix =
      command->add_flag("--fix", options->fix,
                        "Mend in the files what has one right answer (GK001, GK004, GK005, GK006)");
  command->add_flag("--dry-run", options->dry_run, "With --fix: print the diff, write nothing")
      ->needs(fix)
      ->excludes(format)
      ->excludes(write_baseline);
  add_policy_options(*command, options->policy);
  command->footer(kExitCodes);
  command->callback([options, &code] { code = check(*options); });
}

}  // namespace gracekeeper::cli
