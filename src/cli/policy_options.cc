#include "cli/policy_options.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>

#include "codec/configuration_codec.h"
#include "codec/json_writer.h"
#include "codec/profile_codec.h"
#include "codec/value_codec.h"
#include "core/settings.h"
#include "core/sidecar_profile.h"
#include "io/files.h"
#include "sidecar/prepared_sidecar.h"

namespace gracekeeper::cli {
namespace {

constexpr const char* kCreatedBy = "gracekeeper/" GRACEKEEPER_VERSION;

struct Loaded {
  LinkerdValues values;
  std::vector<Error> errors;
};

// An error of the values, told with the file that holds them.
Error in_file(Error error, const std::string& file) {
  if (error.file.empty()) error.file = file;
  return error;
}

// Where the files of sidecar.profiles are: beside the configuration that names them.
std::vector<std::string> profile_paths(const PolicyOptions& options,
                                       const Configuration& configuration) {
  std::vector<std::string> paths;
  const auto folder = std::filesystem::path(options.config).parent_path();
  for (const auto& file : configuration.profile_files)
    paths.push_back((folder / file).lexically_normal().string());
  paths.insert(paths.end(), options.sidecar_profiles.begin(), options.sidecar_profiles.end());
  return paths;
}

// What of a profile another one has already.
std::string clash(const SidecarProfile& profile, const ProfileList& others) {
  for (const auto& other : others.items) {
    if (profile.name == other->name) return fmt::format("there are two profiles {}", profile.name);
    if (other->owns(profile.container) || profile.owns(other->container))
      return fmt::format(
          "container {} is the profile {}'s already: a container can belong to one "
          "profile only",
          other->owns(profile.container) ? profile.container : other->container, other->name);
    if (profile.inject_annotation == other->inject_annotation &&
        profile.inject_value == other->inject_value)
      return fmt::format("{}: {} asks for the profile {} already", profile.inject_annotation,
                         profile.inject_value, other->name);
  }
  return {};
}

Result<std::string> read(const PolicyOptions& options, const std::string& file) {
  return options.is_reread ? io::read_kept_file(file) : io::read_file(file);
}

Loaded load_linkerd(const PolicyOptions& options, const Value& from_configuration) {
  Loaded out;
  Value tree = from_configuration;
  std::string source = options.config;
  std::string control_plane;
  if (!options.linkerd_values.empty()) {
    source = options.linkerd_values;
    const auto text = read(options, source);
    auto file = text ? read_linkerd_values(*text, source) : tl::make_unexpected(text.error());
    if (!file) {
      out.errors.push_back(in_file(file.error(), source));
      return out;
    }
    tree = std::move(file->values);
    control_plane = std::move(file->control_plane_namespace);
  }
  auto values = parse_linkerd_values(tree);
  if (!values) {
    for (auto& mistake : mistakes_in_linkerd_values(tree))
      out.errors.push_back(in_file(std::move(mistake), source));
    return out;
  }
  out.values = std::move(*values);
  if (!control_plane.empty()) out.values.control_plane_namespace = control_plane;
  return out;
}

// The configuration's profiles, then those of the command line. Two that could not be told apart
// in a pod are an error.
void load_profiles(const PolicyOptions& options, Configuration& configuration,
                   std::vector<Error>& errors) {
  for (const auto& file : profile_paths(options, configuration)) {
    const auto text = read(options, file);
    if (!text) {
      errors.push_back(text.error());
      continue;
    }
    auto parsed = parse_sidecar_profile(*text, file);
    if (!parsed) {
      errors.insert(errors.end(), parsed.error().begin(), parsed.error().end());
      continue;
    }
    const auto problem = clash(*parsed, configuration.profiles);
    if (!problem.empty()) {
      errors.push_back({.message = problem, .file = file, .position = {}, .path = {}});
      continue;
    }
    configuration.profiles.items.push_back(
        std::make_shared<const SidecarProfile>(std::move(*parsed)));
  }
}

}  // namespace

void add_policy_options(CLI::App& command, PolicyOptions& options) {
  command.add_option("--config", options.config, "Configuration file (kind: Configuration)")
      ->type_name("FILE");
  command
      .add_option("--linkerd-values", options.linkerd_values,
                  "Linkerd's chart values, or its ConfigMap")
      ->type_name("FILE");
  command
      .add_option("--sidecar-profile", options.sidecar_profiles,
                  "Profile of another sidecar; can be given again")
      ->allow_extra_args(false)
      ->type_name("FILE");
  command
      .add_option("--kubernetes-version", options.kubernetes_version,
                  "The cluster's version (default 1.34)")
      ->type_name("VERSION");
  command
      .add_option("--on-shortfall", options.on_shortfall,
                  "deny, warn, raise or fit, where no annotation says (default deny)")
      ->type_name("MODE");
  command
      .add_option("--helper-image", options.helper_image,
                  "Has the program for wait-mode: until-app-exits")
      ->type_name("IMAGE");
  command
      .add_option("--helper-delivery", options.helper_delivery,
                  "init-container, image-volume or auto (default)")
      ->type_name("HOW");
}

Result<LinkerdValues> parse_linkerd_config(const std::string& values, const std::string& name,
                                           const std::string& control_plane_namespace) {
  const auto tree = read_value(values, name);
  if (!tree) return tl::make_unexpected(in_file(tree.error(), name));
  if (tree->as_object() == nullptr)
    return tl::make_unexpected(Error{.message = "expected a mapping with Linkerd's chart values",
                                     .file = name,
                                     .position = {},
                                     .path = {}});
  auto parsed = parse_linkerd_values(*tree);
  if (!parsed) return tl::make_unexpected(in_file(parsed.error(), name));
  parsed->control_plane_namespace = control_plane_namespace;
  return parsed;
}

tl::expected<Policy, std::vector<Error>> load_policy(const PolicyOptions& options,
                                                     const ClusterFacts& facts) {
  std::vector<Error> errors;
  ConfigurationFile file;
  if (!options.config.empty()) {
    const auto text = read(options, options.config);
    if (!text) {
      errors.push_back(text.error());
    } else if (auto parsed = parse_configuration(*text, options.config)) {
      file = std::move(*parsed);
    } else {
      errors = parsed.error();
    }
  }
  load_profiles(options, file.configuration, errors);
  auto linkerd = load_linkerd(options, file.linkerd_values);
  errors.insert(errors.end(), linkerd.errors.begin(), linkerd.errors.end());
  if (facts.linkerd) linkerd.values = *facts.linkerd;
  if (facts.version && !file.states_kubernetes_version)
    file.configuration.kubernetes_version = *facts.version;
  const auto option_error = [&](const char* option, const std::string& message) {
    errors.push_back({.message = fmt::format("{}: {}", option, message),
                      .file = {},
                      .position = {},
                      .path = {}});
  };
  if (!options.kubernetes_version.empty()) {
    if (const auto version = parse_kubernetes_version(options.kubernetes_version)) {
      file.configuration.kubernetes_version = *version;
    } else {
      option_error("--kubernetes-version", version.error().message);
    }
  }
  if (!options.on_shortfall.empty()) {
    if (const auto mode = parse_on_shortfall(options.on_shortfall)) {
      file.configuration.on_shortfall = *mode;
    } else {
      option_error("--on-shortfall", fmt::format("expected deny, warn, raise or fit, got \"{}\"",
                                                 options.on_shortfall));
    }
  }
  if (!options.helper_image.empty()) file.configuration.helper_image = options.helper_image;
  if (!options.helper_delivery.empty()) {
    if (const auto delivery = parse_helper_delivery(options.helper_delivery)) {
      file.configuration.helper_delivery = *delivery;
    } else {
      option_error("--helper-delivery",
                   fmt::format("expected auto, init-container or image-volume, got \"{}\"",
                               options.helper_delivery));
    }
  }
  if (!errors.empty()) return tl::make_unexpected(std::move(errors));
  auto policy = make_policy(file.configuration, std::move(linkerd.values), kCreatedBy);
  policy.prepared =
      std::make_shared<const PreparedSidecar>(prepare_sidecar(policy.linkerd, json_text));
  return policy;
}

std::vector<std::string> policy_files(const PolicyOptions& options) {
  std::vector<std::string> files;
  for (const auto& file : {options.config, options.linkerd_values}) {
    if (!file.empty()) files.push_back(file);
  }
  Configuration configuration;
  if (!options.config.empty()) {
    const auto text = read(options, options.config);
    if (const auto parsed = parse_configuration(text.value_or(""), options.config))
      configuration = parsed->configuration;
  }
  for (auto& file : profile_paths(options, configuration)) files.push_back(std::move(file));
  return files;
}

void print_errors(const std::vector<Error>& errors) {
  for (const auto& error : errors) fmt::print(stderr, "gracekeeper: {}\n", to_string(error));
}

}  // namespace gracekeeper::cli
