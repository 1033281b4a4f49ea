// The documentation says what the program does.
#include <gtest/gtest.h>
#include <string>

#include "cli/checker.h"
#include "cli/rule_infos.h"
#include "codec/configuration_codec.h"
#include "codec/profile_codec.h"
#include "io/files.h"
#include "report/check_report.h"
#include "report/rules_document.h"

namespace gracekeeper::cli {
namespace {

std::string source(const std::string& name) {
  const auto text = io::read_file(std::string(GRACEKEEPER_SOURCE_DIR) + "/" + name);
  EXPECT_TRUE(text) << name;
  return text.value_or("");
}

TEST(Docs, RulesAreThoseOfTheProgram) {
  EXPECT_EQ(source("docs/rules.md"), render_rules_markdown(rule_infos()))
      << "docs/rules.md is stale: make docs writes it";
}

TEST(Docs, EveryOptionOfTheConfigurationHasItsRow) {
  const auto document = source("docs/configuration.md");
  for (const auto& option : configuration_options()) {
    const auto row = "| `" + std::string(option.path) + "` | " + std::string(option.expected) +
                     " | " + std::string(option.standard) + " |";
    EXPECT_NE(document.find(row), std::string::npos) << "docs/configuration.md lacks: " << row;
  }
}

TEST(Docs, TheExampleConfigurationIsAccepted) {
  const auto document = source("docs/configuration.md");
  const auto begin = document.find("```yaml\n") + 8;
  const auto parsed = parse_configuration(
      document.substr(begin, document.find("```", begin) - begin), "docs/configuration.md");
  EXPECT_TRUE(parsed) << (parsed ? "" : to_string(parsed.error().front()));
}

TEST(Docs, TheProfilesOfTheDocumentationAreAccepted) {
  const auto document = source("docs/sidecar-profiles.md");
  const auto begin = document.find("```yaml\n") + 8;
  const std::string shown = document.substr(begin, document.find("```", begin) - begin);
  for (const auto& text : {shown, source("deploy/examples/envoy-profile.yaml")}) {
    const auto parsed = parse_sidecar_profile(text, "profile.yaml");
    EXPECT_TRUE(parsed) << (parsed ? "" : to_string(parsed.error().front()));
  }
}

TEST(Docs, TheReadmeShowsWhatCheckPrints) {
  const std::string file = "deploy/examples/web.yaml";
  auto report = check_inputs({std::string(GRACEKEEPER_SOURCE_DIR) + "/" + file}, Policy{});
  ASSERT_EQ(report.findings.size(), 1U);
  report.findings.front().file = file;
  EXPECT_NE(source("README.md").find(render_check_text(report, {.color = false, .width = 100})),
            std::string::npos);
}

}  // namespace
}  // namespace gracekeeper::cli
