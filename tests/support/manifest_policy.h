// The policy that a manifest of the tests asks for in its first line:
//
//   # gracekeeper check --config config.yaml --kubernetes-version 1.28 --on-shortfall raise
//
// Files are named relative to the manifest. Whatever cannot be read fails the test.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>

#include "cli/policy_options.h"
#include "decision/policy.h"
#include "io/files.h"

namespace gracekeeper::testing {

inline std::string text_of(const std::filesystem::path& path) {
  const auto text = io::read_file(path.string());
  if (!text) ADD_FAILURE() << to_string(text.error());
  return text.value_or("");
}

inline Policy policy_for(const std::filesystem::path& manifest) {
  const auto text = text_of(manifest);
  const std::string first_line = text.substr(0, text.find('\n'));
  CLI::App app;
  cli::PolicyOptions options;
  cli::add_policy_options(app, options);
  if (first_line.starts_with("# gracekeeper ") && first_line.find(" --") != std::string::npos) {
    app.parse(first_line.substr(first_line.find(" --") + 1));
    for (auto* file : {&options.config, &options.linkerd_values}) {
      if (!file->empty()) *file = (manifest.parent_path() / *file).string();
    }
  }
  auto policy = cli::load_policy(options);
  if (!policy) {
    for (const auto& error : policy.error()) ADD_FAILURE() << to_string(error);
    return {};
  }
  policy->created_by = "gracekeeper";  // without the version, which changes
  return std::move(*policy);
}

}  // namespace gracekeeper::testing
