#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "cli/commands.h"
#include "cli/exit_code.h"

namespace gracekeeper::cli {
namespace {

// Help for a screen of 80 columns: CLI11 itself does not wrap.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kTextColumn); }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::string out;
    std::size_t column = 0;
    std::istringstream words(CLI::Formatter::make_option_desc(option));
    for (std::string word; words >> word; column += word.size()) {
      if (column + 1 + word.size() > kColumns - kTextColumn) {
        out += '\n';  // CLI11 indents what follows
        column = 0;
      } else if (column > 0) {
        out += ' ';
        ++column;
      }
      out += word;
    }
    return out;
  }

 private:
  static constexpr std::size_t kColumns = 80;
  static constexpr std::size_t kTextColumn = 30;
};

// Of a word that is no command CLI11 would only say that a command is missing.
bool is_unknown_command(const CLI::App& program, std::string_view word) {
  if (word.starts_with('-')) return false;
  return program
      .get_subcommands([word](const CLI::App* command) { return command->get_name() == word; })
      .empty();
}

}  // namespace

namespace {

int run_command(int argc, char** argv) {
  CLI::App program{"Makes pods that run beside a sidecar proxy shut down cleanly.", "gracekeeper"};
  program.formatter(std::make_shared<HelpFormatter>());
  program.set_version_flag("--version", "gracekeeper " GRACEKEEPER_VERSION);
  program.require_subcommand(1);
  program.footer(
      "gracekeeper COMMAND --help tells more.\n"
      "Exit codes: 0 clean or done, 1 findings or a refusal, 2 usage or input error.");
  int code = kClean;
  add_serve(program, code);
  add_check(program, code);
  add_audit(program, code);
  add_inject(program, code);
  add_uninject(program, code);
  add_explain(program, code);
  add_why(program, code);
  add_rules(program, code);
  add_completion(program, code);
  if (argc > 1 && is_unknown_command(program, argv[1])) {
    fmt::print(stderr, "gracekeeper: there is no command \"{}\"; gracekeeper --help lists them\n",
               argv[1]);
    return kUsageOrInput;
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version end here too, with 0.
    return program.exit(error) == 0 ? kClean : kUsageOrInput;
  } catch (const std::exception& error) {
    fmt::print(stderr, "gracekeeper: {}\n", error.what());
    return kUsageOrInput;
  }
  return code;
}

}  // namespace

int run(int argc, char** argv) {
  const int code = run_command(argc, argv);
  // A full disk shows only now, or has shown in the middle: what is written is not all there is.
  std::cout.flush();
  const bool is_flushed = std::fflush(stdout) == 0;
  if (is_flushed && std::ferror(stdout) == 0 && std::cout.good()) return code;
  fmt::print(stderr, "gracekeeper: standard output cannot be written to its end\n");
  return kUsageOrInput;
}

}  // namespace gracekeeper::cli
