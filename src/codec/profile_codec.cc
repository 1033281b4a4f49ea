#include "codec/profile_codec.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "codec/json_errors.h"
#include "codec/profile_fields.h"
#include "codec/profile_template.h"
#include "core/annotations.h"

namespace gracekeeper {
namespace {

using json::Element;
using json::Mistakes;

constexpr std::string_view kApiVersion = "gracekeeper.dev/v1alpha1";
constexpr std::string_view kKind = "SidecarProfile";

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// A qualified name (apimachinery, IsQualifiedName): a domain, which is asked for here so that it
// cannot be somebody else's, and a name.
bool is_annotation_key(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == key.size()) return false;
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto domain = key.substr(0, slash);
  const auto name = key.substr(slash + 1);
  return std::all_of(domain.begin(), domain.end(),
                     [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                              c == '.';
                     }) &&
         name.size() <= 63 && is_letter(name.front()) && is_letter(name.back()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || c == '-' || c == '_' || c == '.'; });
}

// `--drain=20` from "--drain={}", `--drain 20` from "--drain {}".
std::optional<ArgumentForm> parse_argument(std::string_view text) {
  ArgumentForm form;
  if (const auto blank = text.find(' '); blank != std::string_view::npos) {
    form.flag = std::string(text.substr(0, blank));
    text.remove_prefix(blank + 1);
    if (form.flag.empty() || form.flag.find("{}") != std::string::npos ||
        text.find(' ') != std::string_view::npos)
      return std::nullopt;
  }
  const auto place = text.find("{}");
  if (place == std::string_view::npos || text.find("{}", place + 2) != std::string_view::npos)
    return std::nullopt;
  form.before = std::string(text.substr(0, place));
  form.after = std::string(text.substr(place + 2));
  if (form.flag.empty() && form.before.empty()) return std::nullopt;
  return form;
}

class Compiler {
 public:
  Compiler(const Document& document, const std::string& file) : mistakes_(document, file) {}

  tl::expected<SidecarProfile, std::vector<Error>> compile(Element root) {
    const FieldPath top;
    json::read_keys(root, top, keys(), mistakes_);
    const auto need = [&](bool has, std::string message) {
      if (!has) mistakes_.report(top, std::move(message));
    };
    need(has_api_version_, fmt::format("apiVersion is missing: write apiVersion: {}", kApiVersion));
    need(has_kind_, fmt::format("kind is missing: write kind: {}", kKind));
    need(has_name_, "name is missing: name the profile, such as name: envoy");
    need(has_container_,
         "container is missing: name the proxy's container, such as container: envoy");
    need(has_inject_,
         "inject is missing: name the annotation that asks for the sidecar, such as "
         "inject: {annotation: sidecar.example.com/inject}");
    need(has_wait_,
         "wait is missing: say how the proxy is told to wait, such as "
         "wait: {annotation: sidecar.example.com/wait, preStop: true}");
    need(has_grace_,
         "grace is missing: say how long the proxy drains, such as "
         "grace: {annotation: sidecar.example.com/grace, default: 15s, env: DRAIN_SECONDS}");
    need(has_containers_, "containers is missing: it must hold the proxy's container");
    if (mistakes_.errors.empty()) check_settings();
    if (mistakes_.errors.empty()) check_templates(profile_, mistakes_);
    if (!mistakes_.errors.empty()) return tl::make_unexpected(std::move(mistakes_.errors));
    return std::move(profile_);
  }

 private:
  json::Keys keys() {
    return {
        {"apiVersion",
         [&](Element e, const FieldPath& p) { identity(e, p, kApiVersion, has_api_version_); }},
        {"kind", [&](Element e, const FieldPath& p) { identity(e, p, kKind, has_kind_); }},
        {"name", [&](Element e, const FieldPath& p) { word(e, p, profile_.name, has_name_); }},
        {"container",
         [&](Element e, const FieldPath& p) { word(e, p, profile_.container, has_container_); }},
        {"inject", [&](Element e, const FieldPath& p) { inject(e, p); }},
        {"native", [&](Element e, const FieldPath& p) { native(e, p); }},
        {"nativeAnnotation",
         [&](Element e, const FieldPath& p) { annotation_key(e, p, profile_.native_annotation); }},
        {"wait",
         [&](Element e, const FieldPath& p) { setting(e, p, profile_.wait, has_wait_, false); }},
        {"grace",
         [&](Element e, const FieldPath& p) { setting(e, p, profile_.grace, has_grace_, true); }},
        {"containers",
         [&](Element e, const FieldPath& p) { parts(e, p, profile_.containers, has_containers_); }},
        {"initContainers",
         [&](Element e, const FieldPath& p) { parts(e, p, profile_.init_containers, ignored_); }},
        {"volumes",
         [&](Element e, const FieldPath& p) { parts(e, p, profile_.volumes, ignored_); }},
    };
  }

  void identity(Element element, const FieldPath& path, std::string_view wanted, bool& has) {
    has = true;
    std::string_view text;
    if (element.get_string().get(text) != simdjson::SUCCESS || text != wanted)
      mistakes_.wrong_type(path, fmt::format("\"{}\"", wanted), element);
  }

  void word(Element element, const FieldPath& path, std::string& out, bool& has) {
    has = true;
    constexpr std::string_view expected = "a name of small letters, digits and '-'";
    std::string_view text;
    if (element.get_string().get(text) != simdjson::SUCCESS || !is_word(text))
      return mistakes_.wrong_type(path, expected, element);
    out = std::string(text);
  }

  void annotation_key(Element element, const FieldPath& path, std::string& out) {
    std::string_view text;
    if (element.get_string().get(text) != simdjson::SUCCESS || !is_annotation_key(text))
      return mistakes_.wrong_type(path, "an annotation's key such as \"sidecar.example.com/wait\"",
                                  element);
    if (annotation::is_known(text) || text.starts_with(annotation::kOwnPrefix))
      return mistakes_.report(
          path, fmt::format("{} has a meaning already: choose a key of your own", text));
    out = std::string(text);
  }

  void inject(Element element, const FieldPath& path) {
    has_inject_ = true;
    profile_.inject_value = "enabled";
    json::read_keys(
        element, path,
        {{"annotation",
          [&](Element e, const FieldPath& p) { annotation_key(e, p, profile_.inject_annotation); }},
         {"value",
          [&](Element e, const FieldPath& p) {
            const auto text =
                json::read_text(e, p, "a text in quotes such as \"enabled\"", mistakes_);
            if (text == "disabled" || text == "false")
              mistakes_.report(p, fmt::format("\"{}\" says that nothing is to be injected: choose "
                                              "another value, such as \"enabled\"",
                                              text));
            profile_.inject_value = text;
          }}},
        mistakes_);
    if (element.is_object() && element.at_key("annotation").error() != simdjson::SUCCESS)
      mistakes_.report(path, "annotation is missing: name the one that asks for the sidecar");
  }

  void native(Element element, const FieldPath& path) {
    bool value = false;
    std::string_view text;
    if (element.get_bool().get(value) == simdjson::SUCCESS)
      profile_.native = value;
    else if (element.get_string().get(text) != simdjson::SUCCESS || text != "auto")
      mistakes_.wrong_type(path, "true, false or \"auto\"", element);
  }

  void setting(Element element, const FieldPath& path, ProfileSetting& out, bool& has,
               bool needs_default) {
    has = true;
    std::vector<std::string_view> means;
    json::read_keys(
        element, path,
        {{"annotation",
          [&](Element e, const FieldPath& p) { annotation_key(e, p, out.annotation); }},
         {"default",
          [&](Element e, const FieldPath& p) {
            out.standard_is_written = true;
            duration(e, p, out.standard);
          }},
         {"unit", [&](Element e, const FieldPath& p) { unit(e, p, out.unit); }},
         {"preStop",
          [&](Element e, const FieldPath& p) {
            means.emplace_back("preStop");
            out.means = SettingMeans::PreStop;
            bool yes = false;
            if (e.get_bool().get(yes) != simdjson::SUCCESS || !yes)
              mistakes_.wrong_type(p, "true, or no such key", e);
          }},
         {"env",
          [&](Element e, const FieldPath& p) {
            means.emplace_back("env");
            out.means = SettingMeans::Environment;
            out.variable = json::read_text(e, p, "the name of a variable", mistakes_);
          }},
         {"argument",
          [&](Element e, const FieldPath& p) {
            means.emplace_back("argument");
            out.means = SettingMeans::Argument;
            std::string_view text;
            const auto form =
                e.get_string().get(text) == simdjson::SUCCESS ? parse_argument(text) : std::nullopt;
            if (form)
              out.argument = *form;
            else
              mistakes_.wrong_type(
                  p, "an argument with {} for the time, such as \"--drain={}\" or \"--drain {}\"",
                  e);
          }}},
        mistakes_);
    if (!element.is_object()) return;
    if (means.size() > 1)
      mistakes_.report(path, fmt::format("{} exclude each other: the time goes one way",
                                         fmt::join(means, " and ")));
    const auto lacks = [&](const char* key) {
      return element.at_key(key).error() != simdjson::SUCCESS;
    };
    if (lacks("annotation"))
      mistakes_.report(path, "annotation is missing: name the one that states the time on a pod");
    if (needs_default && lacks("default"))
      mistakes_.report(path,
                       "default is missing: how long the proxy takes where no annotation says");
    if (out.unit == SettingUnit::Second && out.standard.count() % 1000 != 0)
      mistakes_.report(path / "default",
                       fmt::format("expected whole seconds, got \"{}\": write them, or unit: "
                                   "milliseconds or duration",
                                   format_duration(out.standard)));
  }

  void duration(Element element, const FieldPath& path, Millis& out) {
    std::string_view text;
    std::int64_t seconds = 0;
    std::string written;
    if (element.get_string().get(text) == simdjson::SUCCESS)
      written = std::string(text);
    else if (element.get_int64().get(seconds) == simdjson::SUCCESS)
      written = std::to_string(seconds);
    else
      return mistakes_.wrong_type(path, "a duration such as \"25s\"", element);
    const auto parsed = parse_duration(written);
    if (parsed)
      out = *parsed;
    else
      mistakes_.report(path, parsed.error().message);
  }

  void unit(Element element, const FieldPath& path, SettingUnit& out) {
    static constexpr std::array<std::pair<std::string_view, SettingUnit>, 3> words{
        {{"seconds", SettingUnit::Second},
         {"milliseconds", SettingUnit::Millisecond},
         {"duration", SettingUnit::Duration}}};
    std::string_view text;
    if (element.get_string().get(text) == simdjson::SUCCESS) {
      for (const auto& [word, value] : words) {
        if (text != word) continue;
        out = value;
        return;
      }
    }
    mistakes_.wrong_type(path, "one of \"seconds\", \"milliseconds\", \"duration\"", element);
  }

  void parts(Element element, const FieldPath& path, std::vector<Value>& out, bool& has) {
    has = true;
    if (!element.is_array()) return mistakes_.wrong_type(path, "a list", element);
    std::size_t index = 0;
    for (const Element item : simdjson::dom::array(element)) {
      if (item.is_object())
        out.push_back(json::to_value(item));
      else
        mistakes_.wrong_type(path / index, "an object", item);
      ++index;
    }
  }

  // What the keys say together.
  void check_settings() {
    const auto& [wait, grace] = std::pair(profile_.wait, profile_.grace);
    if (profile_.container == "linkerd-proxy" || profile_.container == "istio-proxy")
      mistakes_.report(FieldPath{} / "container",
                       fmt::format("{} is known without a profile: choose another name for another "
                                   "proxy",
                                   profile_.container));
    const std::array keys{profile_.inject_annotation, wait.annotation, grace.annotation,
                          profile_.native_annotation};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      for (std::size_t j = i + 1; j < keys.size(); ++j) {
        if (!keys[i].empty() && keys[i] == keys[j])
          mistakes_.report(FieldPath{},
                           fmt::format("{} is named twice: each setting needs an annotation of its "
                                       "own",
                                       keys[i]));
      }
    }
    if (grace.is_in_hook() && !wait.is_in_hook())
      mistakes_.report(FieldPath{} / "grace" / "preStop",
                       "the hook runs before SIGTERM, so the proxy would drain before it waits: "
                       "the wait must be in the hook too (wait.preStop: true)");
  }

  Mistakes mistakes_;
  SidecarProfile profile_;
  bool has_api_version_ = false;
  bool has_kind_ = false;
  bool has_name_ = false;
  bool has_container_ = false;
  bool has_inject_ = false;
  bool has_wait_ = false;
  bool has_grace_ = false;
  bool has_containers_ = false;
  bool ignored_ = false;
};

std::vector<Error> only(const std::string& file, std::string message) {
  return {{.message = std::move(message), .file = file, .position = {}, .path = {}}};
}

}  // namespace

tl::expected<SidecarProfile, std::vector<Error>> parse_sidecar_profile(std::string_view text,
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
  simdjson::dom::parser parser;
  Element root;
  if (const auto error = parser.parse(documents.front().json).get(root); error != simdjson::SUCCESS)
    return tl::make_unexpected(only(file, std::string(json_error_text(error))));
  if (!documents.front().is_mapping) {
    return tl::make_unexpected(
        only(file,
             fmt::format("expected a mapping with apiVersion {} and kind {}", kApiVersion, kKind)));
  }
  return Compiler(documents.front(), file).compile(root);
}

}  // namespace gracekeeper
