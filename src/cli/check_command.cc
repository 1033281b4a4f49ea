#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/checker.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/fixer.h"
#include "cli/inputs.h"
#include "cli/policy_options.h"
#include "cli/progress.h"
#include "cli/report_output.h"
#include "codec/unified_diff.h"
#include "io/files.h"
#include "report/baseline.h"
#include "report/check_report.h"

namespace gracekeeper::cli {
namespace {

struct Options {
  std::vector<std::string> paths;
  PolicyOptions policy;
  ReportOptions report;
  std::string baseline;
  std::string write_baseline;
  bool fix = false;
  bool dry_run = false;
};

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

int check(const Options& options) {
  const auto outputs = parse_outputs(options.report.formats);
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

  auto progress = Progress::on_terminal(inputs.size());
  auto report = check_inputs(inputs, *policy, progress.get());
  progress.reset();
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
  fmt::print(stderr, "{}", render_notes(report));
  if (report.summary.objects == 0 && report.input_errors.empty()) {
    fmt::print(stderr, "gracekeeper: no objects in the input\n");
  }
  if (std::fflush(stdout) != 0) return kUsageOrInput;
  if (!report.input_errors.empty() || !write_errors.empty()) return kUsageOrInput;
  return reaches(report.summary, options.report.fail_on) ? kFindings : kClean;
}

}  // namespace

void add_check(CLI::App& program, int& code) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("check", "The webhook's verdict on manifests, for CI");
  command
      ->add_option("PATH", options->paths,
                   "Files, folders (.yaml, .yml, .json), - for standard input")
      ->required();
  auto* format = add_report_options(*command, options->report);
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
