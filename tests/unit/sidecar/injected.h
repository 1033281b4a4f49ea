// Pods, and what injection makes of them, in a form that tests can compare as text.
#pragma once

#include <algorithm>
#include <fmt/format.h>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/annotations.h"
#include "core/configuration.h"
#include "core/edit.h"
#include "core/proxy.h"
#include "core/settings.h"
#include "sidecar/linkerd_profile.h"

namespace gracekeeper::testing {

// A value in one line: {a: 1, b: ['x', true]}.
inline std::string dump(const Value& value) {
  if (value.is_null()) return "null";
  if (const auto* flag = value.as_bool()) return *flag ? "true" : "false";
  if (const auto* number = value.as_int()) return fmt::format("{}", *number);
  if (const auto* number = value.as_double()) return fmt::format("{}", *number);
  if (const auto* text = value.as_string()) return fmt::format("'{}'", *text);
  std::string out;
  if (const auto* list = value.as_array()) {
    for (const auto& item : *list) out += (out.empty() ? "" : ", ") + dump(item);
    return "[" + out + "]";
  }
  for (const auto& [key, member] : *value.as_object()) {
    out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", key, dump(member));
  }
  return "{" + out + "}";
}

inline Container container(std::string name, std::vector<std::int64_t> ports = {}) {
  Container out{.name = std::move(name)};
  for (const auto port : ports) out.ports.push_back({.number = port});
  return out;
}

inline Container init_container(std::string name, bool native = false) {
  return {
      .list = Container::List::InitContainers, .name = std::move(name), .restart_always = native};
}

using Entries = std::initializer_list<std::pair<std::string_view, std::string_view>>;

inline Annotations annotations(Entries entries) {
  Annotations out;
  for (const auto& [key, text] : entries) out[std::string(key)] = {std::string(text), true};
  return out;
}

// A pod that asks for injection, with one container "web" on port 8080.
inline Pod web(Entries entries = {}) {
  Pod pod{.name = "web-0", .namespace_name = "shop", .annotations = annotations(entries)};
  pod.annotations.emplace("linkerd.io/inject", AnnotationValue{"enabled", true});
  pod.containers = {container("web", {8080})};
  return pod;
}

// The engine's part, as for a cluster whose Linkerd has these values.
struct Injected {
  std::vector<Edit> edits;

  Injected(const Pod& pod, const LinkerdValues& values = {}, const Namespace* where = nullptr,
           bool annotate_default_opaque_ports = true) {
    Configuration configuration;
    if (values.proxy.wait) configuration.wait = {*values.proxy.wait, Source::LinkerdValues};
    if (const auto& grace = values.proxy.shutdown_grace_period) {
      configuration.grace = {*parse_proxy_duration(*grace), Source::LinkerdValues};
    }
    configuration.native_sidecar =
        Sourced<bool>{values.proxy.native_sidecar.value_or(true), Source::LinkerdValues};
    const auto settings = resolve_settings(pod, where, configuration);
    const auto proxy = resolve_proxy(pod, settings, configuration);
    const bool waits = proxy.is_classic() && proxy.wait.value.count() > 0;
    edits = inject_linkerd(
        {.pod = pod,
         .where = where,
         .namespace_name = "shop",
         .settings = settings,
         .proxy = proxy,
         .values = values,
         .wait_handler =
             waits ? sleep_handler(ceil_seconds(proxy.wait.value), false, "/bin/sleep") : Value{},
         .created_by = "test",
         .annotate_default_opaque_ports = annotate_default_opaque_ports});
  }

  [[nodiscard]] const Value* find(std::string_view name) const {
    for (const auto& edit : edits) {
      const auto* added = std::get_if<AddContainer>(&edit);
      if (added != nullptr && *added->container.find("name") == Value(name)) {
        return &added->container;
      }
    }
    return nullptr;
  }

  // A member of an added container, "absent" without it.
  [[nodiscard]] std::string part(std::string_view name, std::string_view key) const {
    const auto* found = find(name);
    const auto* member = found == nullptr ? nullptr : found->find(key);
    return member == nullptr ? "absent" : dump(*member);
  }

  // A variable of the proxy, "absent" without it.
  [[nodiscard]] std::string variable(std::string_view name) const {
    for (const auto& variable : *find("linkerd-proxy")->find("env")->as_array()) {
      if (*variable.find("name") != Value(name)) continue;
      const auto* value = variable.find("value");
      return value != nullptr ? *value->as_string() : dump(*variable.find("valueFrom"));
    }
    return "absent";
  }

  // The value after a flag of linkerd-init, "absent" without it.
  [[nodiscard]] std::string argument(std::string_view flag) const {
    const auto& args = *find("linkerd-init")->find("args")->as_array();
    const auto found = std::find(args.begin(), args.end(), Value(flag));
    return found == args.end() ? "absent" : *std::next(found)->as_string();
  }

  [[nodiscard]] std::string annotation(std::string_view key) const {
    for (const auto& edit : edits) {
      const auto* set = std::get_if<SetAnnotation>(&edit);
      if (set != nullptr && set->key == key) return set->value;
    }
    return "absent";
  }

  // Every edit in a line: what it is, where, and its name.
  [[nodiscard]] std::vector<std::string> outline() const {
    std::vector<std::string> lines;
    for (const auto& edit : edits) {
      if (const auto* set = std::get_if<SetAnnotation>(&edit)) {
        lines.push_back("annotation " + set->key);
      } else if (const auto* label = std::get_if<SetLabel>(&edit)) {
        lines.push_back("label " + label->key);
      } else if (const auto* volume = std::get_if<AddVolume>(&edit)) {
        lines.push_back("volume " + *volume->volume.find("name")->as_string());
      } else if (const auto* added = std::get_if<AddContainer>(&edit)) {
        const bool init = added->list == Container::List::InitContainers;
        const auto place = added->position == static_cast<std::size_t>(-1)
                               ? std::string("end")
                               : fmt::format("{}", added->position);
        lines.push_back(fmt::format("{}[{}] {}", init ? "initContainers" : "containers", place,
                                    *added->container.find("name")->as_string()));
      }
    }
    return lines;
  }
};

}  // namespace gracekeeper::testing
