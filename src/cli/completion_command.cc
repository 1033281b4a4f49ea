#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_code.h"

namespace gracekeeper::cli {
namespace {

struct Command {
  std::string name;
  std::string help;
  struct Option {
    std::string name;  // "--format"
    std::string help;
    bool takes_value = false;
  };
  std::vector<Option> options;
};

// The commands as the program itself declares them, so that a completion cannot be out of date.
std::vector<Command> commands_of(const CLI::App& program) {
  std::vector<Command> commands;
  for (const auto* sub : program.get_subcommands([](const CLI::App*) { return true; })) {
    Command command{.name = sub->get_name(), .help = sub->get_description()};
    for (const auto* option : sub->get_options()) {
      for (const auto& name : option->get_lnames()) {
        command.options.push_back(
            {"--" + name, option->get_description(), option->get_type_size() > 0});
      }
    }
    commands.push_back(std::move(command));
  }
  return commands;
}

std::string option_words(const Command& command) {
  std::string words;
  for (const auto& option : command.options) words += (words.empty() ? "" : " ") + option.name;
  return words;
}

std::string command_words(const std::vector<Command>& commands) {
  std::string words;
  for (const auto& command : commands) words += (words.empty() ? "" : " ") + command.name;
  return words;
}

std::string bash(const std::vector<Command>& commands) {
  std::string cases;
  for (const auto& command : commands)
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command.name, option_words(command));
  return fmt::format(
      "# bash completion of gracekeeper: source <(gracekeeper completion bash)\n"
      "_gracekeeper() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" words=\"\"\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W \"{} --help --version\" -- \"$current\"))\n"
      "    return\n"
      "  fi\n"
      "  case \"${{COMP_WORDS[1]}}\" in\n{}  esac\n"
      "  if [[ \"$current\" == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -F _gracekeeper gracekeeper\n",
      command_words(commands), cases);
}

// A text inside single quotes of zsh's _arguments, where ':' and brackets have a meaning.
std::string zsh_escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      if (c == ':' || c == '[' || c == ']') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string zsh(const std::vector<Command>& commands) {
  std::string list;
  std::string cases;
  for (const auto& command : commands) {
    list += fmt::format("    '{}:{}'\n", command.name, zsh_escaped(command.help));
    cases += fmt::format("    {}) _arguments", command.name);
    for (const auto& option : command.options) {
      cases += fmt::format(" '{}[{}]{}'", option.name, zsh_escaped(option.help),
                           option.takes_value ? ":value:_files" : "");
    }
    cases += " '*:file:_files' ;;\n";
  }
  return fmt::format(
      "#compdef gracekeeper\n"
      "# zsh completion of gracekeeper: gracekeeper completion zsh > "
      "\"${{fpath[1]}}/_gracekeeper\"\n"
      "_gracekeeper() {{\n"
      "  local -a commands=(\n{}  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n{}  esac\n"
      "}}\n"
      "compdef _gracekeeper gracekeeper\n",
      list, cases);
}

std::string fish_escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string fish(const std::vector<Command>& commands) {
  std::string out = "# fish completion of gracekeeper: gracekeeper completion fish | source\n";
  for (const auto& command : commands) {
    out += fmt::format("complete -c gracekeeper -n __fish_use_subcommand -f -a {} -d '{}'\n",
                       command.name, fish_escaped(command.help));
    for (const auto& option : command.options) {
      out += fmt::format(
          "complete -c gracekeeper -n '__fish_seen_subcommand_from {}' -l {}{} -d '{}'\n",
          command.name, option.name.substr(2), option.takes_value ? " -r" : "",
          fish_escaped(option.help));
    }
  }
  return out;
}

}  // namespace

void add_completion(CLI::App& program, int& code) {
  auto shell = std::make_shared<std::string>();
  auto* command = program.add_subcommand("completion", "Print the completion script of a shell");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer(kExitCodesOfPrinting);
  command->callback([shell, &program, &code] {
    const auto commands = commands_of(program);
    fmt::print("{}", *shell == "bash"  ? bash(commands)
                     : *shell == "zsh" ? zsh(commands)
                                       : fish(commands));
    code = kClean;
  });
}

}  // namespace gracekeeper::cli
