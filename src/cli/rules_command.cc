#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/rule_infos.h"
#include "core/finding.h"
#include "report/rules_document.h"

namespace gracekeeper::cli {
namespace {

struct Options {
  std::string id;
  std::string format = "text";
};

int list_rules(const Options& options) {
  auto infos = rule_infos();
  if (!options.id.empty()) {
    std::erase_if(infos, [&](const RuleInfo& info) {
      const bool is_id = std::ranges::equal(options.id, info.id, [](char given, char own) {
        return std::toupper(static_cast<unsigned char>(given)) == own;
      });
      return !is_id && info.name != options.id;
    });
    if (infos.empty()) {
      fmt::print(stderr, "gracekeeper: there is no rule \"{}\"; gracekeeper rules lists them all\n",
                 options.id);
      return kUsageOrInput;
    }
  }
  if (options.format == "markdown") {
    fmt::print("{}", render_rules_markdown(infos));
  } else if (options.format == "json") {
    fmt::print("{}", render_rules_json(infos));
  } else if (options.id.empty()) {
    fmt::print("{}", render_rules_list(infos));
  } else {
    fmt::print("{}", render_rule_text(infos.front()));
  }
  return kClean;
}

}  // namespace

void add_rules(CLI::App& program, int& code) {
  auto options = std::make_shared<Options>();
  auto* command = program.add_subcommand("rules", "The catalogue of findings and what to do");
  command->add_option("ID", options->id, "One rule, by its id or name");
  command->add_option("--format", options->format, "text, json or markdown")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json", "markdown"}))
      ->capture_default_str();
  command->footer(kExitCodesOfPrinting);
  command->callback([options, &code] { code = list_rules(*options); });
}

}  // namespace gracekeeper::cli
