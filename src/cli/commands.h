// The commands. Each adds itself to the program and, when chosen, leaves its exit code in `code`.
#pragma once

namespace CLI {
class App;
}

namespace gracekeeper::cli {

void add_serve(CLI::App& program, int& code);
void add_check(CLI::App& program, int& code);
void add_audit(CLI::App& program, int& code);
void add_inject(CLI::App& program, int& code);
void add_uninject(CLI::App& program, int& code);
void add_explain(CLI::App& program, int& code);
void add_why(CLI::App& program, int& code);
void add_rules(CLI::App& program, int& code);
void add_completion(CLI::App& program, int& code);

}  // namespace gracekeeper::cli
