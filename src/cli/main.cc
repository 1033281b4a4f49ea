#include "cli/program.h"

int main(int argc, char** argv) { return gracekeeper::cli::run(argc, argv); }
