#include "codec/json_patch.h"

#include <algorithm>
#include <optional>

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

// What of a container an edit can change, as it is at this moment of the patch.
struct ContainerShape {
  std::string name;
  bool has_lifecycle = false;
  bool has_pre_stop = false;
  bool has_env = false;
  std::vector<Container::Variable> env;
  bool has_mounts = false;
};

ContainerShape shape_of(const Container& container) {
  return {.name = container.name,
          .has_lifecycle = container.has_lifecycle,
          .has_pre_stop = container.pre_stop.has_value(),
          .has_env = container.has_env,
          .env = container.env,
          .has_mounts = !container.volume_mounts.empty()};
}

ContainerShape shape_of(const Value& container) {
  ContainerShape shape;
  if (const auto* name = container.find("name"); name != nullptr && name->as_string() != nullptr) {
    shape.name = *name->as_string();
  }
  if (const auto* lifecycle = container.find("lifecycle")) {
    shape.has_lifecycle = true;
    shape.has_pre_stop = lifecycle->find("preStop") != nullptr;
  }
  if (const auto* env = container.find("env"); env != nullptr && env->as_array() != nullptr) {
    shape.has_env = true;
    for (const auto& item : *env->as_array()) {
      auto& variable = shape.env.emplace_back();
      if (const auto* name = item.find("name"); name != nullptr && name->as_string() != nullptr)
        variable.name = *name->as_string();
      if (const auto* value = item.find("value"); value != nullptr && value->as_string() != nullptr)
        variable.value = *value->as_string();
    }
  }
  if (const auto* mounts = container.find("volumeMounts");
      mounts != nullptr && mounts->as_array() != nullptr)
    shape.has_mounts = !mounts->as_array()->empty();
  return shape;
}

// Turns edits into operations one after the other and keeps track of what the pod looks like in
// between: which parents exist, and where each container stands.
class PatchWriter {
 public:
  PatchWriter(const Pod& pod, const FieldPath& prefix)
      : pod_(pod),
        prefix_(prefix),
        has_metadata_(pod.has_metadata),
        has_annotations_(pod.has_annotations),
        has_labels_(pod.has_labels),
        has_init_containers_(pod.has_init_containers),
        has_volumes_(pod.has_volumes) {
    for (const auto& container : pod.containers) containers_.push_back(shape_of(container));
    for (const auto& container : pod.init_containers)
      init_containers_.push_back(shape_of(container));
  }

  void operator()(const SetAnnotation& edit) {
    const auto existing = pod_.annotations.find(edit.key);
    if (existing != pod_.annotations.end() && existing->second.is_string &&
        existing->second.text == edit.value)
      return;
    create(has_annotations_, "annotations");
    add(FieldPath{} / "metadata" / "annotations" / edit.key, edit.value);
  }

  void operator()(const SetLabel& edit) {
    const auto existing = pod_.labels.find(edit.key);
    if (existing != pod_.labels.end() && existing->second == edit.value) return;
    create(has_labels_, "labels");
    add(FieldPath{} / "metadata" / "labels" / edit.key, edit.value);
  }

  void operator()(const SetTerminationGracePeriod& edit) {
    if (pod_.termination_grace_period_seconds == edit.seconds) return;
    add(FieldPath{} / "spec" / "terminationGracePeriodSeconds", edit.seconds);
  }

  void operator()(const SetPreStop& edit) {
    auto [container, path] = find(edit.container);
    if (container == nullptr) return;
    if (container->has_lifecycle) {
      add(path / "lifecycle" / "preStop", to_json(edit.handler));
    } else {
      add(path / "lifecycle", Json{{"preStop", to_json(edit.handler)}});
    }
    container->has_lifecycle = true;
    container->has_pre_stop = true;
  }

  void operator()(const RemovePreStop& edit) {
    auto [container, path] = find(edit.container);
    if (container == nullptr || !container->has_pre_stop) return;
    patch_.push_back({{"op", "remove"}, {"path", pointer(path / "lifecycle" / "preStop")}});
    container->has_pre_stop = false;
  }

  void operator()(const SetGraceVariable& edit) {
    (*this)(SetVariable{edit.container, std::string(kGraceVariable), edit.value});
  }

  void operator()(const SetVariable& edit) {
    auto [container, path] = find(edit.container);
    if (container == nullptr) return;
    // Of two of the same name the last one holds.
    const auto found =
        std::find_if(container->env.rbegin(), container->env.rend(),
                     [&](const auto& candidate) { return candidate.name == edit.name; });
    const Json whole{{"name", edit.name}, {"value", edit.value}};
    const auto env = path / "env";
    if (found == container->env.rend()) {
      if (container->has_env) {
        add(env / "-", whole);
      } else {
        add(env, Json::array({whole}));
      }
      container->has_env = true;
      container->env.push_back({edit.name, edit.value});
      return;
    }
    auto& variable = *found;
    if (variable.value == edit.value) return;
    const auto index = static_cast<std::size_t>(container->env.rend() - found) - 1;
    // One that takes its value from elsewhere is replaced whole: value and valueFrom exclude each
    // other.
    const auto item = env / index;
    const auto place = variable.value ? item / "value" : item;
    patch_.push_back({{"op", "replace"},
                      {"path", pointer(place)},
                      {"value", variable.value ? Json(edit.value) : whole}});
    variable.value = edit.value;
  }

  void operator()(const SetArguments& edit) {
    auto [container, path] = find(edit.container);
    if (container == nullptr) return;
    add(path / (edit.in_command ? "command" : "args"), edit.words);
  }

  void operator()(const SetCommand& edit) {
    auto [container, path] = find(edit.container);
    if (container == nullptr) return;
    patch_.push_back(
        {{"op", "replace"}, {"path", pointer(path / "command")}, {"value", Json(edit.command)}});
  }

  void operator()(const AddContainer& edit) {
    const bool init = edit.list == Container::List::InitContainers;
    const auto list = FieldPath{} / "spec" / (init ? "initContainers" : "containers");
    if (init && !has_init_containers_) {
      add(list, Json::array());
      has_init_containers_ = true;
    }
    auto& shapes = init ? init_containers_ : containers_;
    if (edit.position >= shapes.size()) {
      add(list / "-", to_json(edit.container));
      shapes.push_back(shape_of(edit.container));
    } else {
      add(list / edit.position, to_json(edit.container));
      shapes.insert(shapes.begin() + static_cast<std::ptrdiff_t>(edit.position),
                    shape_of(edit.container));
    }
  }

  void operator()(const AddVolume& edit) {
    if (!has_volumes_) {
      add(FieldPath{} / "spec" / "volumes", Json::array());
      has_volumes_ = true;
    }
    add(FieldPath{} / "spec" / "volumes" / "-", to_json(edit.volume));
  }

  void operator()(const AddVolumeMount& edit) {
    auto [container, path] = find(edit.container);
    if (container == nullptr) return;
    const auto mounts = path / "volumeMounts";
    if (container->has_mounts)
      add(mounts / "-", to_json(edit.mount));
    else
      add(mounts, Json::array({to_json(edit.mount)}));
    container->has_mounts = true;
  }

  Json take() { return std::move(patch_); }

 private:
  [[nodiscard]] std::string pointer(const FieldPath& path) const {
    return to_pointer(prefix_ / path);
  }

  void add(const FieldPath& path, Json value) {
    patch_.push_back({{"op", "add"}, {"path", pointer(path)}, {"value", std::move(value)}});
  }

  void create(bool& exists, const char* part) {
    if (exists) return;
    if (!has_metadata_) add(FieldPath{} / "metadata", Json::object());
    has_metadata_ = true;
    add(FieldPath{} / "metadata" / part, Json::object());
    exists = true;
  }

  std::pair<ContainerShape*, FieldPath> find(const std::string& name) {
    for (auto* list : {&containers_, &init_containers_}) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        if ((*list)[i].name != name) continue;
        return {&(*list)[i], FieldPath{} / "spec" /
                                 (list == &containers_ ? "containers" : "initContainers") / i};
      }
    }
    return {nullptr, FieldPath{}};
  }

  const Pod& pod_;
  const FieldPath& prefix_;
  bool has_metadata_;
  bool has_annotations_;
  bool has_labels_;
  bool has_init_containers_;
  bool has_volumes_;
  std::vector<ContainerShape> containers_;
  std::vector<ContainerShape> init_containers_;
  Json patch_ = Json::array();
};

}  // namespace

Json to_json(const Value& value) {
  if (const auto* boolean = value.as_bool()) return *boolean;
  if (const auto* integer = value.as_int()) return *integer;
  if (const auto* number = value.as_double()) return *number;
  if (const auto* text = value.as_string()) return *text;
  if (const auto* items = value.as_array()) {
    Json out = Json::array();
    for (const auto& item : *items) out.push_back(to_json(item));
    return out;
  }
  if (const auto* members = value.as_object()) {
    Json out = Json::object();
    for (const auto& [key, member] : *members) out[key] = to_json(member);
    return out;
  }
  return nullptr;
}

Json to_json_patch(const Pod& pod, const std::vector<Edit>& edits, const FieldPath& prefix) {
  PatchWriter writer(pod, prefix);
  for (const auto& edit : edits) std::visit(writer, edit);
  return writer.take();
}

}  // namespace gracekeeper
