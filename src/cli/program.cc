#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <exception>
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/exit_code.h"

namespace gracekeeper::cli {

int run(int argc, char** argv) {
  CLI::App program{"Makes pods that run beside a sidecar proxy shut down cleanly.", "gracekeeper"};
  program.set_version_flag("--version", "gracekeeper " GRACEKEEPER_VERSION);
  program.require_subcommand(1);
  program.footer(fmt::format("gracekeeper COMMAND --help tells more.\n{}", kExitCodes));
  int code = kClean;
  add_serve(program, code);
  add_check(program, code);
  add_inject(program, code);
  add_uninject(program, code);
  add_explain(program, code);
  add_rules(program, code);
  add_completion(program, code);
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

}  // namespace gracekeeper::cli
