#include "codec/uninjection.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/annotations.h"
#include "core/pod.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kPrefix = "linkerd.io";
constexpr const char* kControlPlaneComponent = "linkerd.io/control-plane-component";
constexpr std::array<std::string_view, 2> kInitContainers{"linkerd-init", "linkerd-proxy"};
constexpr std::array<std::string_view, 1> kContainers{"linkerd-proxy"};
constexpr std::array<std::string_view, 3> kVolumes{
    "linkerd-identity-end-entity", "linkerd-proxy-init-xtables-lock", "linkerd-identity-token"};
// What came with a proxy and is of no use without it.
constexpr std::array<std::string_view, 1> kCompanionInitContainers{"linkerd-network-validator"};
constexpr std::array<std::string_view, 1> kCompanionContainers{"linkerd-debug"};
constexpr std::array<std::string_view, 1> kCompanionVolumes{"linkerd-podinfo"};
// The helper of the hook, a container and a volume; a profile's proxy may have it too.
constexpr std::array<std::string_view, 1> kHelper{kAwaitAppProgram};

Json* member(Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

// Erases what `is_linkerds(key, value)` names, and the whole part when nothing is left of it.
template <typename Part, typename IsLinkerds>
bool erase_from(Json& holder, const Part& part, IsLinkerds is_linkerds) {
  Json* found = member(holder, part);
  if (found == nullptr || !found->is_structured()) return false;
  bool erased = false;
  for (auto item = found->begin(); item != found->end();) {
    if (is_linkerds(item)) {
      item = found->erase(item);
      erased = true;
    } else {
      ++item;
    }
  }
  if (erased && found->empty()) holder.erase(part);
  return erased;
}

template <std::size_t Count>
bool erase_named(Json& spec, std::string_view list,
                 const std::array<std::string_view, Count>& names) {
  return erase_from(spec, std::string(list), [&](const Json::iterator& item) {
    const Json* name = member(*item, "name");
    return name != nullptr && name->is_string() &&
           std::find(names.begin(), names.end(), name->get<std::string_view>()) != names.end();
  });
}

bool has_name(Json& object, std::string_view name) {
  const Json* found = member(object, "name");
  return found != nullptr && found->is_string() && found->get<std::string_view>() == name;
}

// Whether a container, other than the helper that fills it, mounts the helper's volume.
bool needs_helper(Json& spec) {
  for (const auto* list : {"containers", "initContainers"}) {
    Json* containers = member(spec, list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (auto& container : *containers) {
      if (has_name(container, kAwaitAppProgram)) continue;
      Json* mounts = member(container, "volumeMounts");
      if (mounts != nullptr && mounts->is_array() &&
          std::any_of(mounts->begin(), mounts->end(),
                      [](Json& mount) { return has_name(mount, kAwaitAppProgram); }))
        return true;
    }
  }
  return false;
}

bool clean_metadata(Json& object) {
  Json* metadata = member(object, "metadata");
  if (metadata == nullptr) return false;
  if (const Json* labels = member(*metadata, "labels");
      labels != nullptr && labels->is_object() && labels->contains(kControlPlaneComponent)) {
    return false;
  }
  const bool annotations =
      erase_from(*metadata, std::string("annotations"), [](const Json::iterator& item) {
        const bool stays = item.key() == annotation::kInject && item.value() == "disabled";
        return item.key().starts_with(kPrefix) && !stays;
      });
  const bool labels = erase_from(*metadata, std::string("labels"), [](const Json::iterator& item) {
    return item.key().starts_with(kPrefix);
  });
  if (metadata->empty()) object.erase("metadata");
  return annotations || labels;
}

// [linkerd-await, --shutdown, --port=N, --, …] without what comes before the command itself.
void unwrap(Json& command) {
  if (!command.is_array()) return;
  std::vector<std::string> words;
  for (const auto& word : command) {
    if (!word.is_string()) return;
    words.push_back(word.get<std::string>());
  }
  std::size_t first = 2;
  if (words.size() > first && words[first].starts_with("--port=")) ++first;
  if (words.size() <= first + 1 || words[0].find("linkerd-await") == std::string::npos ||
      words[1] != "--shutdown" || words[first] != "--") {
    return;
  }
  command.erase(command.begin(), command.begin() + static_cast<std::ptrdiff_t>(first) + 1);
}

// Without its proxy a command that this program has wrapped would wait for it without end.
void unwrap_commands(Json& pod, Json& spec) {
  const Json* metadata = member(pod, "metadata");
  if (metadata == nullptr || !metadata->is_object()) return;
  const auto annotations = metadata->find("annotations");
  if (annotations == metadata->end() || !annotations->is_object() ||
      !annotations->contains(std::string(annotation::kJobShutdown))) {
    return;
  }
  Json* containers = member(spec, "containers");
  if (containers == nullptr || !containers->is_array()) return;
  for (auto& container : *containers) {
    if (Json* command = member(container, "command")) unwrap(*command);
  }
}

}  // namespace

bool remove_linkerd(Json& object, const std::optional<FieldPath>& path) {
  bool removed = clean_metadata(object);
  if (!path) return removed;
  Json& pod = object.at(Json::json_pointer(to_pointer(*path)));
  if (!path->empty()) removed = clean_metadata(pod) || removed;
  Json* spec = member(pod, "spec");
  if (spec == nullptr) return removed;
  const bool had_init = erase_named(*spec, "initContainers", kInitContainers);
  const bool had_proxy = erase_named(*spec, "containers", kContainers);
  erase_named(*spec, "volumes", kVolumes);
  if (had_init || had_proxy) {
    erase_named(*spec, "initContainers", kCompanionInitContainers);
    erase_named(*spec, "containers", kCompanionContainers);
    erase_named(*spec, "volumes", kCompanionVolumes);
    if (!needs_helper(*spec)) {
      erase_named(*spec, "initContainers", kHelper);
      erase_named(*spec, "volumes", kHelper);
    }
    unwrap_commands(pod, *spec);
  }
  return removed || had_init || had_proxy;
}

}  // namespace gracekeeper
