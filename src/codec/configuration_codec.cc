#include "codec/configuration_codec.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <optional>

#include "codec/document.h"
#include "codec/json_errors.h"
#include "codec/json_fields.h"
#include "codec/json_parse.h"
#include "core/edit_distance.h"
#include "core/settings.h"
#include "sidecar/linkerd_values.h"

namespace gracekeeper {
namespace {

using json::Element;

constexpr std::string_view kApiVersion = "gracekeeper.dev/v1alpha1";
constexpr std::string_view kKind = "Configuration";

// Why a value is not taken; nothing: it was.
using Problem = std::optional<std::string>;

std::string expected(std::string_view what, Element got) {
  return fmt::format("expected {}, got {}", what, json::describe(got));
}

std::optional<std::string> text_of(Element element) {
  std::string_view text;
  if (element.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  return std::nullopt;
}

Problem read_duration(Element element, Millis& out) {
  std::int64_t seconds = 0;
  auto text = text_of(element);
  if (!text && element.get_int64().get(seconds) == simdjson::SUCCESS)
    text = std::to_string(seconds);
  if (!text) return expected("a duration such as \"25s\"", element);
  auto parsed = parse_duration(*text);
  if (!parsed) return parsed.error().message;
  out = *parsed;
  return std::nullopt;
}

Problem read_sourced_duration(Element element, Sourced<Millis>& out) {
  auto problem = read_duration(element, out.value);
  if (!problem) out.source = Source::Configuration;
  return problem;
}

Problem read_wait(Element element, Configuration& c) {
  Sourced<Millis> wait{Millis{0}, Source::Configuration};
  if (auto problem = read_duration(element, wait.value)) return problem;
  if (wait.value.count() % 1000 != 0)
    return fmt::format("expected whole seconds, got {}", json::describe(element));
  c.wait = wait;
  return std::nullopt;
}

template <typename T>
Problem read_word(Element element, std::span<const std::pair<std::string_view, T>> words, T& out) {
  std::string known;
  std::vector<std::string_view> spellings;
  for (const auto& [word, value] : words) {
    known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", word);
    spellings.push_back(word);
  }
  const auto text = text_of(element);
  if (text) {
    for (const auto& [word, value] : words) {
      if (*text == word) {
        out = value;
        return std::nullopt;
      }
    }
  }
  auto problem = expected("one of " + known, element);
  if (text) {
    if (const auto near = nearest(*text, spellings); !near.empty())
      problem += fmt::format("; did you mean \"{}\"?", near);
  }
  return problem;
}

Problem read_on_shortfall(Element element, Configuration& c) {
  static constexpr std::array<std::pair<std::string_view, OnShortfall>, 4> words{
      {{"deny", OnShortfall::Deny},
       {"warn", OnShortfall::Warn},
       {"raise", OnShortfall::Raise},
       {"fit", OnShortfall::Fit}}};
  return read_word<OnShortfall>(element, words, c.on_shortfall);
}

Problem read_pre_stop_form(Element element, Configuration& c) {
  static constexpr std::array<std::pair<std::string_view, PreStopForm>, 3> words{
      {{"auto", PreStopForm::Auto}, {"sleep", PreStopForm::Sleep}, {"exec", PreStopForm::Exec}}};
  return read_word<PreStopForm>(element, words, c.pre_stop_form);
}

Problem read_delivery(Element element, Configuration& c) {
  static constexpr std::array<std::pair<std::string_view, HelperDelivery>, 3> words{
      {{"auto", HelperDelivery::Auto},
       {"init-container", HelperDelivery::InitContainer},
       {"image-volume", HelperDelivery::ImageVolume}}};
  return read_word<HelperDelivery>(element, words, c.helper_delivery);
}

Problem read_helper_image(Element element, Configuration& c) {
  const auto text = text_of(element);
  if (!text || text->find_first_of(" \t\r\n") != std::string::npos)
    return expected("the name of an image such as \"registry.example/gracekeeper:0.1.0\"", element);
  c.helper_image = *text;
  return std::nullopt;
}

Problem read_native(Element element, Configuration& c) {
  bool native = false;
  if (element.get_bool().get(native) == simdjson::SUCCESS) {
    c.native_sidecar = Sourced<bool>{native, Source::Configuration};
    return std::nullopt;
  }
  if (text_of(element) != "auto") return expected("true, false or \"auto\"", element);
  c.native_sidecar.reset();
  return std::nullopt;
}

Problem read_version(Element element, Configuration& c) {
  const auto text = text_of(element);
  // Without quotes 1.30 is the number 1.3.
  if (!text) return expected("a version in quotes such as \"1.34\"", element);
  const auto parsed = parse_kubernetes_version(*text);
  if (!parsed) return parsed.error().message;
  c.kubernetes_version = *parsed;
  return std::nullopt;
}

Problem read_max_grace_period(Element element, Configuration& c) {
  std::int64_t seconds = 0;
  if (element.get_int64().get(seconds) != simdjson::SUCCESS || seconds < 1) {
    return expected("a whole number of seconds, at least 1", element);
  }
  c.max_termination_grace_period_seconds = seconds;
  return std::nullopt;
}

Problem read_platform_cap(Element element, Configuration& c) {
  Millis cap{0};
  if (auto problem = read_duration(element, cap)) return problem;
  if (cap.count() <= 0) return expected("a duration longer than 0", element);
  c.max_platform_grace_period = cap;
  return std::nullopt;
}

Problem read_profile_files(Element element, Configuration& c) {
  constexpr std::string_view wanted = "a list of files";
  if (!element.is_array()) return expected(wanted, element);
  for (const Element item : simdjson::dom::array(element)) {
    const auto text = text_of(item);
    if (!text || text->empty()) return expected("the path of a file", item);
    c.profile_files.push_back(*text);
  }
  return std::nullopt;
}

using Read = Problem (*)(Element, Configuration&);

struct Option {
  OptionInfo info;
  Read read;
};

// One row an option. docs/configuration.md is generated from it.
const std::array<Option, 14>& options() {
  static const std::array<Option, 14> table{{
      {{"defaults.appShutdown", "a duration", "10s",
        "time from SIGTERM to exit of an app container that no annotation states"},
       [](Element e, Configuration& c) { return read_sourced_duration(e, c.app_shutdown); }},
      {{"defaults.wait", "a duration of whole seconds", "0s",
        "how long the proxy delays its own SIGTERM; more than 0 makes it a classic proxy, unless "
        "sidecar.native says otherwise"},
       read_wait},
      {{"defaults.grace", "a duration", "120s",
        "how long the proxy may drain after its SIGTERM (120s is the proxy's own default)"},
       [](Element e, Configuration& c) { return read_sourced_duration(e, c.grace); }},
      {{"defaults.onShortfall", "deny, warn, raise or fit", "deny",
        "what happens when terminationGracePeriodSeconds is too short"},
       read_on_shortfall},
      {{"margin", "a duration", "0s",
        "time in hand that the check asks for beside app + wait + grace"},
       [](Element e, Configuration& c) { return read_duration(e, c.margin); }},
      {{"maxTerminationGracePeriodSeconds", "a whole number of seconds", "none",
        "the most that on-shortfall raise may set"},
       read_max_grace_period},
      {{"platform.maxGracePeriod", "a duration", "none",
        "the longest grace the platform gives when it takes a node away (rule GK012)"},
       read_platform_cap},
      {{"endpoints.propagation", "a duration", "5s",
        "how long requests may still arrive after a pod's deletion"},
       [](Element e, Configuration& c) { return read_duration(e, c.endpoint_propagation); }},
      {{"sidecar.native", "true, false or auto", "auto",
        "native sidecars: auto takes a classic proxy where a wait is stated, else a native one "
        "from Kubernetes 1.29 on"},
       read_native},
      {{"sidecar.preStop", "auto, sleep or exec", "auto",
        "the form of a preStop sleep: auto takes the built-in action from Kubernetes 1.30 on"},
       read_pre_stop_form},
      {{"sidecar.profiles", "a list of files", "none",
        "profiles of other sidecars (docs/sidecar-profiles.md); a path is relative to this file"},
       read_profile_files},
      {{"helper.image", "the name of an image", "none",
        "this project's image, as the nodes pull it: it has the program that "
        "gracekeeper.dev/wait-mode: until-app-exits needs (docs/wait-until-app-exits.md)"},
       read_helper_image},
      {{"helper.delivery", "auto, init-container or image-volume", "auto",
        "how that program gets into the proxy's container: auto takes an image volume from "
        "Kubernetes 1.37 on"},
       read_delivery},
      {{"kubernetesVersion", "a version in quotes", "\"1.34\"", "the cluster's version"},
       read_version},
  }};
  return table;
}

const Option* find_option(std::string_view path) {
  const auto& table = options();
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Option& o) { return o.info.path == path; });
  return found == table.end() ? nullptr : &*found;
}

bool is_section(std::string_view path) {
  return std::any_of(options().begin(), options().end(), [&](const Option& o) {
    return o.info.path.starts_with(std::string(path) + ".");
  });
}

// The valid path that an unknown one was probably meant to be: the same name elsewhere, else the
// nearest spelling.
std::string_view suggestion(std::string_view path) {
  const auto name = [](std::string_view p) {
    return p.substr(p.rfind('.') == std::string_view::npos ? 0 : p.rfind('.') + 1);
  };
  std::vector<std::string_view> known{"apiVersion", "kind",      "linkerd", "defaults",
                                      "platform",   "endpoints", "sidecar", "helper"};
  for (const auto& option : options()) {
    if (name(option.info.path) == name(path)) return option.info.path;
    known.push_back(option.info.path);
  }
  std::string_view best;
  std::size_t best_distance = 4;
  for (auto candidate : known) {
    const auto distance =
        std::min(edit_distance(path, candidate), edit_distance(name(path), name(candidate)));
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

class Compiler {
 public:
  Compiler(const Document& document, const std::string& file) : document_(document), file_(file) {}

  void compile(Element root) {
    check_identity(root);
    walk(root, FieldPath{}, "");
  }

  ConfigurationFile result;
  std::vector<Error> errors;

 private:
  void report(const FieldPath& path, std::string message) {
    errors.push_back({.message = std::move(message),
                      .file = file_,
                      .position = document_.positions.locate(path),
                      .path = to_string(path)});
  }

  void check_identity(Element root) {
    for (auto [key, wanted] : {std::pair{"apiVersion", kApiVersion}, std::pair{"kind", kKind}}) {
      Element value;
      if (root.at_key(key).get(value) != simdjson::SUCCESS) {
        report(FieldPath{}, fmt::format("{} is missing: write {}: {}", key, key, wanted));
      } else if (text_of(value) != wanted) {
        report(FieldPath{} / key, expected(fmt::format("\"{}\"", wanted), value));
      }
    }
  }

  void walk(Element section, const FieldPath& place, const std::string& dotted) {
    for (const auto member : simdjson::dom::object(section)) {
      const auto path = place / std::string_view(member.key);
      const auto name =
          dotted.empty() ? std::string(member.key) : dotted + "." + std::string(member.key);
      if (dotted.empty() && (name == "apiVersion" || name == "kind")) continue;
      if (dotted.empty() && name == "linkerd") {
        take_linkerd(member.value, path);
      } else if (const auto* option = find_option(name)) {
        if (member.value.is_null()) continue;  // as if it were not written
        if (auto problem = option->read(member.value, result.configuration)) report(path, *problem);
        if (name == "kubernetesVersion") result.states_kubernetes_version = true;
      } else if (is_section(name)) {
        if (member.value.is_object())
          walk(member.value, path, name);
        else if (!member.value.is_null())
          report(path, expected("an object", member.value));
      } else {
        const auto near = suggestion(name);
        report(path,
               fmt::format("unknown key{}",
                           near.empty() ? std::string{} : fmt::format("; did you mean {}?", near)));
      }
    }
  }

  void take_linkerd(Element element, const FieldPath& path) {
    if (element.is_null()) return;
    if (!element.is_object())
      return report(path, expected("an object with Linkerd's chart values", element));
    result.linkerd_values = json::to_value(element);
    for (const auto& mistake : mistakes_in_linkerd_values(result.linkerd_values)) {
      FieldPath place = path;
      for (std::string_view rest = mistake.path; !rest.empty();) {
        const auto dot = std::min(rest.find('.'), rest.size());
        place = place / rest.substr(0, dot);
        rest.remove_prefix(std::min(dot + 1, rest.size()));
      }
      report(place, mistake.message);
    }
    // Whole values files are pasted here, so other keys of the chart must pass.
    const auto* proxy = result.linkerd_values.find("proxy");
    if (proxy == nullptr || proxy->as_object() == nullptr) return;
    for (const auto& [key, value] : *proxy->as_object()) {
      if (const auto meant = misspelt_proxy_key(key); !meant.empty())
        report(path / "proxy" / key,
               fmt::format("unknown key; did you mean linkerd.proxy.{}?", meant));
    }
  }

  const Document& document_;
  const std::string& file_;
};

std::vector<Error> only(const std::string& file, std::string message) {
  return {{.message = std::move(message), .file = file, .position = {}, .path = {}}};
}

}  // namespace

std::span<const OptionInfo> configuration_options() {
  static const auto infos = [] {
    std::vector<OptionInfo> out;
    for (const auto& option : options()) out.push_back(option.info);
    return out;
  }();
  return infos;
}

tl::expected<ConfigurationFile, std::vector<Error>> parse_configuration(std::string_view text,
                                                                        const std::string& file) {
  std::vector<Error> errors;
  std::vector<Document> documents;
  for_each_document(text, file, [&](Result<Document> document) {
    if (!document)
      errors.push_back(document.error());
    else if (!document->is_empty)
      documents.push_back(std::move(*document));
  });
  if (!errors.empty()) return tl::make_unexpected(std::move(errors));
  if (documents.size() != 1) {
    return tl::make_unexpected(only(
        file, fmt::format("expected one document with kind {}, got {}", kKind, documents.size())));
  }
  const auto& document = documents.front();
  simdjson::dom::parser parser;
  Element root;
  if (const auto error = json::parse(parser, document.json, root); error != simdjson::SUCCESS)
    return tl::make_unexpected(only(file, std::string(json_error_text(error))));
  if (!document.is_mapping) {
    return tl::make_unexpected(
        only(file,
             fmt::format("expected a mapping with apiVersion {} and kind {}", kApiVersion, kKind)));
  }
  Compiler compiler(document, file);
  compiler.compile(root);
  if (!compiler.errors.empty()) return tl::make_unexpected(std::move(compiler.errors));
  return std::move(compiler.result);
}

}  // namespace gracekeeper
