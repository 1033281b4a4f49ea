#include "codec/profile_template.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>

#include "codec/json_patch.h"
#include "codec/pod_codec.h"
#include "core/edit_distance.h"
#include "core/placeholders.h"

namespace gracekeeper {
namespace {

// The fields of a container (Kubernetes 1.34, core/v1 Container). A name that is not among them is
// taken for a mistake only where it is nearly one of them: a later version may have more.
constexpr std::array<std::string_view, 24> kContainerFields{"args",
                                                            "command",
                                                            "env",
                                                            "envFrom",
                                                            "image",
                                                            "imagePullPolicy",
                                                            "lifecycle",
                                                            "livenessProbe",
                                                            "name",
                                                            "ports",
                                                            "readinessProbe",
                                                            "resizePolicy",
                                                            "resources",
                                                            "restartPolicy",
                                                            "restartPolicyRules",
                                                            "securityContext",
                                                            "startupProbe",
                                                            "stdin",
                                                            "stdinOnce",
                                                            "terminationMessagePath",
                                                            "terminationMessagePolicy",
                                                            "tty",
                                                            "volumeDevices",
                                                            "volumeMounts"};

bool is_known_field(std::string_view name) {
  return name == "workingDir" || std::find(kContainerFields.begin(), kContainerFields.end(),
                                           name) != kContainerFields.end();
}

const Value* at(const Value& value, std::initializer_list<std::string_view> keys) {
  const Value* found = &value;
  for (auto key : keys) {
    found = found->find(key);
    if (found == nullptr) return nullptr;
  }
  return found;
}

const Value::Array& list_at(const Value& value, std::string_view key) {
  static const Value::Array nothing;
  const auto* list = value.find(key);
  return list != nullptr && list->as_array() != nullptr ? *list->as_array() : nothing;
}

class Checker {
 public:
  Checker(SidecarProfile& profile, json::Mistakes& mistakes)
      : profile_(profile), mistakes_(mistakes) {}

  void check() {
    for (const auto& volume : profile_.volumes) volumes_.insert(std::string(name_of(volume)));
    check_list(profile_.containers, FieldPath{} / "containers");
    check_list(profile_.init_containers, FieldPath{} / "initContainers");
    check_volumes();
    if (!mistakes_.errors.empty()) return;
    check_proxy();
    if (!mistakes_.errors.empty()) return;
    decode();
  }

 private:
  void check_list(const std::vector<Value>& containers, const FieldPath& list) {
    for (std::size_t i = 0; i < containers.size(); ++i) {
      const auto& container = containers[i];
      const auto path = list / i;
      if (const auto problem = check_template(container, path)) {
        mistakes_.report(problem->path, problem->message);
        continue;
      }
      const auto name = name_of(container);
      if (name.empty())
        mistakes_.report(path, "name is missing");
      else if (!names_.insert(std::string(name)).second)
        mistakes_.report(path / "name", fmt::format("there are two containers {}", name));
      const auto* image = container.find("image");
      if (image == nullptr || image->as_string() == nullptr || image->as_string()->empty())
        mistakes_.report(path, "image is missing: every container needs one");
      check_fields(container, path);
      check_variables(container, path);
      check_mounts(container, path);
    }
  }

  void check_fields(const Value& container, const FieldPath& path) {
    for (const auto& [key, value] : *container.as_object()) {
      if (is_known_field(key)) continue;
      if (const auto near = nearest(key, kContainerFields); !near.empty())
        mistakes_.report(path / key,
                         fmt::format("a container has no such field; did you mean {}?", near));
    }
  }

  void check_variables(const Value& container, const FieldPath& path) {
    const auto& env = list_at(container, "env");
    for (std::size_t i = 0; i < env.size(); ++i) {
      const auto item = path / "env" / i;
      if (name_of(env[i]).empty()) mistakes_.report(item, "name is missing");
      const auto* value = env[i].find("value");
      if (value == nullptr || value->is_null()) continue;
      const bool is_text =
          value->as_string() != nullptr && !value->as_string()->starts_with("${int:");
      if (!is_text)
        mistakes_.report(item / "value",
                         "Kubernetes takes only strings here: write it in quotes, without int:");
    }
  }

  void check_mounts(const Value& container, const FieldPath& path) {
    for (const auto* key : {"volumeMounts", "volumeDevices"}) {
      const auto& mounts = list_at(container, key);
      for (std::size_t i = 0; i < mounts.size(); ++i) {
        const auto name = name_of(mounts[i]);
        if (!volumes_.contains(name))
          mistakes_.report(path / key / i,
                           fmt::format("the profile's volumes have no \"{}\": without it the API "
                                       "server refuses the pod",
                                       name));
      }
    }
  }

  void check_volumes() {
    std::set<std::string, std::less<>> seen;
    for (std::size_t i = 0; i < profile_.volumes.size(); ++i) {
      const auto path = FieldPath{} / "volumes" / i;
      const auto name = name_of(profile_.volumes[i]);
      if (const auto problem = check_template(profile_.volumes[i], path))
        mistakes_.report(problem->path, problem->message);
      else if (name.empty())
        mistakes_.report(path, "name is missing");
      else if (!seen.insert(std::string(name)).second)
        mistakes_.report(path / "name", fmt::format("there are two volumes {}", name));
    }
  }

  // The proxy's container, and the one thing that others may not do.
  void check_proxy() {
    const auto* proxy = profile_.proxy_template();
    if (proxy == nullptr) {
      std::string known;
      for (const auto& container : profile_.containers)
        known += fmt::format("{}{}", known.empty() ? "" : ", ", name_of(container));
      return mistakes_.report(FieldPath{} / "containers",
                              fmt::format("none of them is \"{}\", which container names; there "
                                          "are: {}",
                                          profile_.container, known.empty() ? "none" : known));
    }
    const auto path =
        FieldPath{} / "containers" / static_cast<std::size_t>(proxy - profile_.containers.data());
    if (proxy->find("restartPolicy") != nullptr)
      mistakes_.report(path / "restartPolicy",
                       "the proxy is placed by native: leave restartPolicy out");
    check_hook(*proxy, path / "lifecycle" / "preStop");
    for (const auto* setting : {&profile_.wait, &profile_.grace}) {
      if (setting->means != SettingMeans::Argument) continue;
      if (list_at(*proxy, "args").empty() && list_at(*proxy, "command").empty())
        mistakes_.report(path,
                         "args is missing: an argument that is added alone takes the place of the "
                         "image's own");
    }
    for (const auto& [containers, list] :
         {std::pair(&profile_.containers, "containers"),
          std::pair(&profile_.init_containers, "initContainers")}) {
      for (std::size_t i = 0; i < containers->size(); ++i) {
        const auto* hook = at((*containers)[i], {"lifecycle", "preStop"});
        if (&(*containers)[i] == proxy || hook == nullptr) continue;
        if (mentions(*hook, "wait") || mentions(*hook, "grace"))
          mistakes_.report(FieldPath{} / list / i / "lifecycle" / "preStop",
                           "only the proxy's own hook can hold ${wait} and ${grace}");
      }
    }
  }

  void check_hook(const Value& proxy, const FieldPath& path) {
    const auto* hook = at(proxy, {"lifecycle", "preStop"});
    const auto& wait = profile_.wait;
    const auto& grace = profile_.grace;
    if (hook == nullptr) {
      if (grace.is_in_hook())
        mistakes_.report(FieldPath{} / "grace" / "preStop",
                         fmt::format("container {} has no lifecycle.preStop that uses ${{grace}}",
                                     profile_.container));
      if (wait.is_in_hook() && wait.unit != SettingUnit::Second)
        mistakes_.report(FieldPath{} / "wait" / "unit",
                         fmt::format("container {} has no lifecycle.preStop, so that the wait is "
                                     "a sleep, which takes whole seconds: leave unit out",
                                     profile_.container));
      return;
    }
    profile_.hook = *hook;
    const bool has_wait = mentions(*hook, "wait");
    const bool has_grace = mentions(*hook, "grace");
    profile_.hook_is_timed = has_wait || has_grace;
    const auto match = [&](bool has, bool in_hook, std::string_view name) {
      if (has && !in_hook)
        mistakes_.report(path, fmt::format("uses ${{{}}}, so its time is part of the hook: write "
                                           "{}.preStop: true",
                                           name, name));
      if (!has && in_hook)
        mistakes_.report(path, fmt::format("does not use ${{{}}}, but {}.preStop is true: let it "
                                           "take that long",
                                           name, name));
    };
    match(has_wait, wait.is_in_hook(), "wait");
    match(has_grace, grace.is_in_hook(), "grace");
    if (!profile_.hook_is_timed) return;
    const bool exec = at(*hook, {"exec", "command"}) != nullptr;
    const auto* seconds = at(*hook, {"sleep", "seconds"});
    const bool sleep = seconds != nullptr && seconds->as_string() != nullptr &&
                       *seconds->as_string() == "${int:wait}" && !has_grace &&
                       wait.unit == SettingUnit::Second;
    if (!exec && !sleep)
      mistakes_.report(path,
                       "${wait} and ${grace} can stand in exec.command, or the wait alone as "
                       "sleep: {seconds: \"${int:wait}\"}");
  }

  // The templates with sample values, through the codec that reads pods: wrong types show, and what
  // the plan needs is read as it will be read from the pod.
  void decode() {
    const Lookup sample = [&](std::string_view name) -> std::optional<std::string> {
      if (name == "wait") return profile_.wait.written(profile_.wait.standard);
      if (name == "grace") return profile_.grace.written(profile_.grace.standard);
      return "1";
    };
    const auto filled = [&](const std::vector<Value>& parts, const char* list) {
      Value::Array out;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        auto value = fill(parts[i], sample);
        if (value)
          out.push_back(std::move(*value));
        else
          mistakes_.report(FieldPath{} / list / i, value.error().message);
      }
      return out;
    };
    const Value pod = Value::Object{
        {"spec",
         Value::Object{{"containers", filled(profile_.containers, "containers")},
                       {"initContainers", filled(profile_.init_containers, "initContainers")},
                       {"volumes", filled(profile_.volumes, "volumes")}}}};
    if (!mistakes_.errors.empty()) return;
    simdjson::dom::parser parser;
    json::Fields fields;
    const auto text =
        to_json(pod).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    json::Element element;
    if (parser.parse(text).get(element) != simdjson::SUCCESS)
      return mistakes_.report(FieldPath{}, "the containers cannot be read");
    const auto decoded = json::read_pod(fields, element);
    if (const auto& error = fields.error()) {
      const auto& segments = error->path.segments();
      const FieldPath path{{segments.begin() + 1, segments.end()}};
      return mistakes_.report(path, error->message);
    }
    for (const auto* list : {&decoded.containers, &decoded.init_containers}) {
      for (const auto& container : *list) {
        if (container.name != profile_.container)
          profile_.companions.push_back(container);
        else if (!profile_.hook_is_timed && container.pre_stop)
          profile_.plain_hook_length = container.pre_stop->length;
      }
    }
  }

  SidecarProfile& profile_;
  json::Mistakes& mistakes_;
  std::set<std::string, std::less<>> names_;
  std::set<std::string, std::less<>> volumes_;
};

}  // namespace

void check_templates(SidecarProfile& profile, json::Mistakes& mistakes) {
  Checker(profile, mistakes).check();
}

}  // namespace gracekeeper
