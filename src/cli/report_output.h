// Where the findings of a command go: the options --format and --fail-on, and what they mean.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "report/check_report.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace gracekeeper::cli {

struct ReportOptions {
  std::vector<std::string> formats{"text"};
  std::string fail_on = "error";
};

// Returns --format, for what it excludes.
CLI::Option* add_report_options(CLI::App& command, ReportOptions& options);

// One output: a format, and a file or (empty) standard output.
struct Output {
  std::string format;
  std::string file;
};

// "sarif=out.sarif" -> {sarif, out.sarif}. Only one output can go to standard output.
Result<std::vector<Output>> parse_outputs(const std::vector<std::string>& words);

// Writes the report to where the options say. False when that failed; it was said then.
bool print_report(const CheckReport& report, const std::vector<Output>& outputs);

// Whether there is a finding of this severity or above; never for "never".
bool reaches(const CheckSummary& summary, const std::string& threshold);

}  // namespace gracekeeper::cli
