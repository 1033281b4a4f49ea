// The command line as a whole.
#pragma once

namespace gracekeeper::cli {

// Runs the command that the arguments name and returns the exit code.
int run(int argc, char** argv);

}  // namespace gracekeeper::cli
