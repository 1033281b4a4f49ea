// One case of a conformance suite for Linkerd's injection, run through the ordinary program:
//
//   linkerd-case CASE_DIR
//
// settings.json says what to do and with which of Linkerd's chart values. `inject` and `uninject`
// become the program's own command line, everything else a request to the webhook's handler or a
// look at the decision behind it. The resulting YAML goes to standard output, what the program says
// to standard error; the exit code is the program's.
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "admission/admission.h"
#include "cli/inputs.h"
#include "cli/policy_options.h"
#include "cli/program.h"
#include "codec/json_patch.h"
#include "codec/yaml_writer.h"
#include "core/proxy.h"
#include "core/settings.h"
#include "decision/command_line.h"
#include "io/files.h"
#include "sidecar/linkerd_annotations.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

// How a Linkerd of the suite's days behaves where this program goes its own way by default: waits
// are hooks that run /bin/sleep, and nobody checks the termination grace period.
constexpr const char* kConfiguration =
    "apiVersion: gracekeeper.dev/v1alpha1\n"
    "kind: Configuration\n"
    "sidecar:\n"
    "  preStop: exec\n";
constexpr const char* kOnShortfall = "warn";

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw Failure(to_string(result.error()));
  return std::move(*result);
}

// A file that only this process sees, for options that name one.
class MemoryFile {
 public:
  MemoryFile(const char* name, const std::string& text) : descriptor_(memfd_create(name, 0)) {
    if (descriptor_ < 0 ||
        write(descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw Failure(fmt::format("{} could not be written", name));
    }
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  int descriptor_;
};

struct Case {
  std::string folder;
  Json settings;

  [[nodiscard]] std::string file(const std::string& name) const { return folder + "/" + name; }
  [[nodiscard]] std::string text(const std::string& key) const {
    const auto found = settings.find(key);
    return found != settings.end() && found->is_string() ? found->get<std::string>() : "";
  }
  [[nodiscard]] bool flag(const std::string& key, bool standard) const {
    const auto found = settings.find(key);
    return found != settings.end() && found->is_boolean() ? found->get<bool>() : standard;
  }
  [[nodiscard]] std::map<std::string, std::string> texts(const std::string& key) const {
    const auto found = settings.find(key);
    return found != settings.end() && found->is_object()
               ? found->get<std::map<std::string, std::string>>()
               : std::map<std::string, std::string>{};
  }
};

struct PolicyFiles {
  explicit PolicyFiles(const Case& c)
      : values("linkerd-values", c.settings.value("values", Json::object()).dump()),
        configuration("configuration", kConfiguration) {}
  MemoryFile values;
  MemoryFile configuration;
};

Policy policy_of(const PolicyFiles& files) {
  auto policy = cli::load_policy({.config = files.configuration.path(),
                                  .linkerd_values = files.values.path(),
                                  .kubernetes_version = {},
                                  .on_shortfall = kOnShortfall});
  if (policy) return std::move(*policy);
  std::string errors;
  for (const auto& error : policy.error()) errors += to_string(error) + "\n";
  throw Failure(errors);
}

int run_program(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  return cli::run(static_cast<int>(arguments.size()), argv.data());
}

int inject(const Case& c) {
  const PolicyFiles files(c);
  std::vector<std::string> arguments{"gracekeeper",
                                     "inject",
                                     c.text("mode") == "annotate" ? "--annotate" : "--manual",
                                     "--config",
                                     files.configuration.path(),
                                     "--linkerd-values",
                                     files.values.path()};
  if (!c.text("created_by").empty() && c.text("mode") != "annotate")
    arguments.insert(arguments.end(), {"--created-by", c.text("created_by")});
  if (!c.flag("uninject_first", true)) arguments.emplace_back("--keep-proxy");
  auto set = c.texts("override_annotations");
  if (c.flag("enable_debug_sidecar", false)) set["config.linkerd.io/enable-debug-sidecar"] = "true";
  for (const auto& [key, text] : set)
    arguments.insert(arguments.end(), {"--set", fmt::format("{}={}", key, text)});
  arguments.push_back(c.file("input.yaml"));
  return run_program(std::move(arguments));
}

int uninject(const Case& c) {
  return run_program({"gracekeeper", "uninject", c.file("input.yaml")});
}

// The first object of the input: the one that a request is about.
struct Input {
  Json object;
  KubernetesObject decoded;
};

Input read_input(const Case& c) {
  std::optional<Input> input;
  std::optional<Error> failed;
  const cli::InputFile file{"input.yaml", value_of(io::read_file(c.file("input.yaml")))};
  cli::for_each_object(file, {.object =
                                  [&](const cli::FoundObject& found) {
                                    if (!input)
                                      input = Input{Json::parse(found.document.json), found.object};
                                  },
                              .error = [&](Error error) { failed = std::move(error); }});
  if (failed) throw Failure(to_string(*failed));
  if (!input) throw Failure("input.yaml has no object");
  return std::move(*input);
}

Namespace namespace_of(const Case& c) {
  Namespace where{.name = c.text("request_namespace"), .annotations = {}};
  for (const auto& [key, text] : c.texts("namespace_annotations"))
    where.annotations.emplace(key, AnnotationValue{text, true});
  return where;
}

std::string decode_base64(const std::string& text) {
  static const std::string digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string::npos) continue;
    bits = (bits << 6U) | static_cast<unsigned>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU);
  }
  return out;
}

// The review that the API server would send: the case's own, or one about its input.
Json review_of(const Case& c) {
  if (const auto text = io::read_file(c.file("admissionreview.json"))) return Json::parse(*text);
  const auto object = read_input(c).object;
  return {{"apiVersion", "admission.k8s.io/v1"},
          {"kind", "AdmissionReview"},
          {"request",
           {{"uid", "1"},
            {"kind", {{"kind", object.value("kind", "")}}},
            {"operation", "CREATE"},
            {"namespace", c.text("request_namespace")},
            {"object", object}}}};
}

// The object as the webhook leaves it.
Json mutated(const Case& c, const Namespace& where) {
  const PolicyFiles files(c);
  const auto policy = policy_of(files);
  const auto review = review_of(c);
  const auto known = std::make_shared<const Namespace>(where);
  const auto answer = mutate(
      review.dump(), {.policy = policy, .find_namespace = [&](std::string_view) { return known; }});
  const auto response = Json::parse(answer.body).at("response");
  if (!response.value("allowed", false)) throw Failure(response.dump());
  const Json object = review.at("request").at("object");
  if (!response.contains("patch")) return object;
  return object.patch(Json::parse(decode_base64(response.at("patch").get<std::string>())));
}

int print(const Json& object) {
  fmt::print("{}", to_yaml(object));
  return 0;
}

int webhook(const Case& c) { return print(mutated(c, namespace_of(c))); }

// Only the opaque-ports annotation is asked for: nothing asks for a proxy then.
int opaque_annotation(const Case& c) {
  auto where = namespace_of(c);
  where.annotations.erase("linkerd.io/inject");
  return print(mutated(c, where));
}

// The names that Linkerd's metrics and events have for them.
const char* code_of(SkipReason reason) {
  switch (reason) {
    case SkipReason::HostNetwork:
      return "host_network_enabled";
    case SkipReason::SidecarPresent:
      return "sidecar_already_exists";
    case SkipReason::AnnotationInvalidNamespace:
      return "invalid_inject_annotation_at_ns";
    case SkipReason::AnnotationInvalidPod:
      return "invalid_inject_annotation_at_workload";
    case SkipReason::AnnotationDisabled:
      return "injection_disable_annotation_present";
    case SkipReason::AnnotationAbsent:
      return "injection_enable_annotation_absent";
    case SkipReason::NoServiceAccountToken:
      return "disabled_automount_service_account_token_account";
  }
  return "";
}

std::vector<std::string> webhook_reasons(const Pod& pod, const Namespace& where,
                                         const Policy& policy) {
  std::vector<std::string> codes;
  const auto settings = resolve_settings(pod, &where, policy.configuration);
  for (const auto reason : injection_obstacles(pod, settings, policy.configuration))
    codes.emplace_back(code_of(reason));
  return codes;
}

std::vector<std::string> command_line_reasons(const Pod& pod, const Policy& policy) {
  std::vector<std::string> codes;
  const auto look = look_at(pod, policy);
  if (look.host_network) codes.emplace_back(code_of(SkipReason::HostNetwork));
  if (look.has_sidecar) codes.emplace_back(code_of(SkipReason::SidecarPresent));
  if (look.is_disabled) codes.emplace_back(code_of(SkipReason::AnnotationDisabled));
  if (look.lacks_token) codes.emplace_back(code_of(SkipReason::NoServiceAccountToken));
  return codes;
}

Json identity_of(const Json& object) {
  Json metadata = Json::object();
  for (const auto* key : {"name", "namespace"}) {
    if (object.contains("metadata") && object["metadata"].contains(key))
      metadata[key] = object["metadata"][key];
  }
  return metadata;
}

int decide_injection(const Case& c) {
  const auto input = read_input(c);
  const PolicyFiles files(c);
  const auto policy = policy_of(files);
  std::vector<std::string> reasons{"unsupported_resource"};
  if (const auto* subject = std::get_if<Subject>(&input.decoded)) {
    reasons = c.text("origin") == "cli" ? command_line_reasons(subject->pod, policy)
                                        : webhook_reasons(subject->pod, namespace_of(c), policy);
  }
  return print({{"kind", "InjectionDecision"},
                {"metadata", identity_of(input.object)},
                {"injectable", reasons.empty()},
                {"reasons", reasons}});
}

// Chart values by their dotted keys. Labels of traces are one value: their own keys have dots.
void flatten(const Json& tree, const std::string& path, std::map<std::string, Json>& out) {
  if (!tree.is_object() || tree.empty() || path == "proxy.tracing.labels") {
    out[path] = tree;
    return;
  }
  for (const auto& [key, value] : tree.items())
    flatten(value, path.empty() ? key : path + "." + key, out);
}

// The keys that the case asks about beside those that change: it may insist on one that does not.
std::set<std::string> asked_keys(const Case& c) {
  std::set<std::string> keys;
  const auto text = io::read_file(c.file("expected.yaml"));
  if (!text) return keys;
  for_each_document(*text, "expected.yaml", [&](Result<Document> document) {
    if (!document || !document->is_mapping) return;
    const auto expected = Json::parse(document->json);
    if (!expected.contains("overrides") || !expected["overrides"].is_object()) return;
    for (const auto& [key, value] : expected["overrides"].items()) keys.insert(key);
  });
  return keys;
}

int show_effective_values(const Case& c) {
  const auto input = read_input(c);
  const auto* subject = std::get_if<Subject>(&input.decoded);
  if (subject == nullptr) throw Failure("input.yaml has no pod");
  const PolicyFiles files(c);
  const auto policy = policy_of(files);
  const auto where = namespace_of(c);
  const auto settings = resolve_settings(subject->pod, &where, policy.configuration);
  const auto effective = effective_values(subject->pod, &where, settings, policy.linkerd);
  std::map<std::string, Json> before;
  std::map<std::string, Json> after;
  flatten(to_json(linkerd_values_tree(policy.linkerd)), "", before);
  flatten(to_json(linkerd_values_tree(effective.values)), "", after);
  const auto asked = asked_keys(c);
  Json overrides = Json::object();
  for (const auto& [key, value] : after) {
    const auto old = before.find(key);
    if (asked.contains(key) || old == before.end() || old->second != value) overrides[key] = value;
  }
  return print({{"kind", "EffectiveValues"},
                {"metadata", identity_of(input.object)},
                {"overrides", overrides}});
}

int run_case(const std::string& folder) {
  Case c{folder, {}};
  c.settings = Json::parse(value_of(io::read_file(c.file("settings.json"))));
  const auto operation = c.text("operation");
  if (operation == "inject") return inject(c);
  if (operation == "uninject") return uninject(c);
  if (operation == "webhook") return webhook(c);
  if (operation == "opaque-annotation") return opaque_annotation(c);
  if (operation == "decide") return decide_injection(c);
  if (operation == "effective-values") return show_effective_values(c);
  throw Failure(fmt::format(
      "settings.json: operation: expected inject, uninject, webhook, opaque-annotation, decide or "
      "effective-values, got \"{}\"",
      operation));
}

}  // namespace
}  // namespace gracekeeper

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: linkerd-case CASE_DIR\n");
    return 2;
  }
  try {
    return gracekeeper::run_case(argv[1]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "linkerd-case: {}\n", error.what());
    return 1;
  }
}
