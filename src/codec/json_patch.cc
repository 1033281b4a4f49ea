#include "codec/json_patch.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <string_view>

#include "codec/json_writer.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

// The variables of a container that an edit adds.
Variables variables_of(const Value& container) {
  Variables variables;
  const auto* env = container.find("env");
  if (env == nullptr || env->as_array() == nullptr) return variables;
  for (const auto& item : *env->as_array()) {
    const auto text = [&](std::string_view key) {
      const auto* member = item.find(key);
      return member == nullptr ? nullptr : member->as_string();
    };
    const auto* name = text("name");
    const auto* value = text("value");
    variables.add(name == nullptr ? std::string_view() : *name,
                  value == nullptr ? std::nullopt : std::optional<std::string_view>(*value));
  }
  return variables;
}

// What of a container an edit can change, as it is at this moment of the patch. Its variables are
// only looked at when one of them is to be set.
class ContainerShape {
 public:
  explicit ContainerShape(const Container& container)
      : name(container.name),
        has_lifecycle(container.has_lifecycle),
        has_pre_stop(container.pre_stop.has_value()),
        has_env(container.has_env),
        has_mounts(!container.volume_mounts.empty()),
        of_pod_(&container) {}

  explicit ContainerShape(const Value& container) : added_(&container) {
    if (const auto* text = container.find("name"); text != nullptr && text->as_string() != nullptr)
      name = *text->as_string();
    if (const auto* lifecycle = container.find("lifecycle")) {
      has_lifecycle = true;
      has_pre_stop = lifecycle->find("preStop") != nullptr;
    }
    const auto* env = container.find("env");
    has_env = env != nullptr && env->as_array() != nullptr;
    const auto* mounts = container.find("volumeMounts");
    has_mounts = mounts != nullptr && mounts->as_array() != nullptr && !mounts->as_array()->empty();
  }

  Variables& env() {
    if (!env_) env_ = of_pod_ != nullptr ? of_pod_->env : variables_of(*added_);
    return *env_;
  }

  std::string_view name;
  bool has_lifecycle = false;
  bool has_pre_stop = false;
  bool has_env = false;
  bool has_mounts = false;

 private:
  const Container* of_pod_ = nullptr;
  const Value* added_ = nullptr;
  std::optional<Variables> env_;
};

// What an operation begins with, up to the pointer.
constexpr std::string_view kAdd = R"({"op":"add","path":")";
constexpr std::string_view kReplace = R"({"op":"replace","path":")";
constexpr std::string_view kRemove = R"({"op":"remove","path":")";

// A token of a pointer that may be any text: the key of an annotation or of a label. All others are
// fields of a pod and places in a list, which are written as they are.
struct Key {
  std::string_view text;
};

// Turns edits into operations one after the other and keeps track of what the pod looks like in
// between: which parents exist, and where each container stands.
class PatchWriter {
 public:
  PatchWriter(const Pod& pod, const FieldPath& prefix)
      : pod_(pod),
        metadata_(escaped(to_pointer(prefix)) + "/metadata"),
        spec_(escaped(to_pointer(prefix)) + "/spec"),
        has_metadata_(pod.has_metadata),
        has_annotations_(pod.has_annotations),
        has_labels_(pod.has_labels),
        has_init_containers_(pod.has_init_containers),
        has_volumes_(pod.has_volumes) {
    containers_.reserve(pod.containers.size() + 2);
    init_containers_.reserve(pod.init_containers.size() + 2);
    for (const auto& container : pod.containers) containers_.emplace_back(container);
    for (const auto& container : pod.init_containers) init_containers_.emplace_back(container);
    out_.put('[');
  }

  void operator()(const SetAnnotation& edit) {
    const auto existing = pod_.annotations.find(edit.key);
    if (existing != pod_.annotations.end() && existing->second.is_string &&
        existing->second.text == edit.value)
      return;
    create(has_annotations_, "annotations");
    add(edit.value, metadata_, "annotations", Key{edit.key});
  }

  void operator()(const SetLabel& edit) {
    const auto existing = pod_.labels.find(edit.key);
    if (existing != pod_.labels.end() && existing->second == edit.value) return;
    create(has_labels_, "labels");
    add(edit.value, metadata_, "labels", Key{edit.key});
  }

  void operator()(const SetTerminationGracePeriod& edit) {
    if (pod_.termination_grace_period_seconds == edit.seconds) return;
    add(edit.seconds, spec_, "terminationGracePeriodSeconds");
  }

  void operator()(const SetPreStop& edit) {
    auto [container, list, index] = find(edit.container);
    if (container == nullptr) return;
    if (container->has_lifecycle) {
      add(edit.handler, spec_, list, index, "lifecycle", "preStop");
    } else {
      add(Value::object({{"preStop", edit.handler}}), spec_, list, index, "lifecycle");
    }
    container->has_lifecycle = true;
    container->has_pre_stop = true;
  }

  void operator()(const RemovePreStop& edit) {
    auto [container, list, index] = find(edit.container);
    if (container == nullptr || !container->has_pre_stop) return;
    begin(kRemove, spec_, list, index, "lifecycle", "preStop");
    out_.put('}');
    container->has_pre_stop = false;
  }

  void operator()(const SetGraceVariable& edit) {
    (*this)(SetVariable{edit.container, std::string(kGraceVariable), edit.value});
  }

  void operator()(const SetVariable& edit) {
    auto [container, list, index] = find(edit.container);
    if (container == nullptr) return;
    auto& variables = container->env();
    const auto found = variables.find(edit.name);
    Value whole{Value::object({{"name", edit.name}, {"value", edit.value}})};
    if (!found) {
      if (container->has_env) {
        add(whole, spec_, list, index, "env", "-");
      } else {
        add(Value::array({std::move(whole)}), spec_, list, index, "env");
      }
      container->has_env = true;
      variables.add(edit.name, edit.value);
      return;
    }
    const auto value = variables[*found].value;
    if (value == edit.value) return;
    // One that takes its value from elsewhere is replaced whole: value and valueFrom exclude each
    // other.
    if (value)
      put(kReplace, edit.value, spec_, list, index, "env", *found, "value");
    else
      put(kReplace, whole, spec_, list, index, "env", *found);
    variables.set_value(*found, edit.value);
  }

  void operator()(const SetArguments& edit) {
    auto [container, list, index] = find(edit.container);
    if (container == nullptr) return;
    add(list_of(edit.words), spec_, list, index, edit.in_command ? "command" : "args");
  }

  void operator()(const SetCommand& edit) {
    auto [container, list, index] = find(edit.container);
    if (container == nullptr) return;
    put(kReplace, list_of(edit.command), spec_, list, index, "command");
  }

  void operator()(const AddContainer& edit) {
    const bool init = edit.list == Container::List::InitContainers;
    const auto list = name_of(edit.list);
    if (init && !has_init_containers_) {
      add(Value::Array{}, spec_, list);
      has_init_containers_ = true;
    }
    auto& shapes = init ? init_containers_ : containers_;
    if (edit.position >= shapes.size()) {
      add(edit.container, spec_, list, "-");
      shapes.emplace_back(edit.container);
    } else {
      add(edit.container, spec_, list, edit.position);
      shapes.emplace(shapes.begin() + static_cast<std::ptrdiff_t>(edit.position), edit.container);
    }
  }

  void operator()(const AddVolume& edit) {
    if (!has_volumes_) {
      add(Value::Array{}, spec_, "volumes");
      has_volumes_ = true;
    }
    add(edit.volume, spec_, "volumes", "-");
  }

  void operator()(const AddVolumeMount& edit) {
    auto [container, list, index] = find(edit.container);
    if (container == nullptr) return;
    if (container->has_mounts)
      add(edit.mount, spec_, list, index, "volumeMounts", "-");
    else
      add(Value::array({edit.mount}), spec_, list, index, "volumeMounts");
    container->has_mounts = true;
  }

  JsonPatch take() {
    out_.put(']');
    return {.text = out_.take(), .operations = operations_};
  }

 private:
  // More than the patch of an injection has.
  static constexpr std::size_t kUsualBytes = std::size_t{12} * 1024;

  // What is changed, and where: the tokens below a pointer (RFC 6901).
  template <typename... Tokens>
  void begin(std::string_view operation, std::string_view parent, Tokens... tokens) {
    if (operations_++ > 0) out_.put(',');
    out_.put(operation);
    out_.put(parent);
    (put_token(tokens), ...);
    out_.put('"');
  }

  void put_token(std::string_view field) {
    out_.put('/');
    out_.put(field);
  }
  void put_token(std::size_t index) {
    out_.put('/');
    out_.value(Value(static_cast<std::int64_t>(index)));
  }
  void put_token(Key key) {
    out_.put('/');
    const auto is_sign = [](char c) { return c == '~' || c == '/'; };
    const auto* const end = key.text.data() + key.text.size();
    for (const auto* from = key.text.data(); from != end;) {
      const auto* const sign = std::find_if(from, end, is_sign);
      out_.part_of_string({from, sign});
      if (sign == end) return;
      out_.put(*sign == '~' ? "~0" : "~1");
      from = sign + 1;
    }
  }

  static std::string escaped(std::string_view text) {
    if (text.empty()) return {};
    JsonWriter out(text.size());
    out.part_of_string(text);
    return out.take();
  }

  void write(const Value& value) { out_.value(value); }
  void write(const std::string& text) { out_.string(text); }

  template <typename Written, typename... Tokens>
  void put(std::string_view operation, const Written& value, std::string_view parent,
           Tokens... tokens) {
    begin(operation, parent, tokens...);
    out_.put(R"(,"value":)");
    write(value);
    out_.put('}');
  }

  template <typename Written, typename... Tokens>
  void add(const Written& value, std::string_view parent, Tokens... tokens) {
    put(kAdd, value, parent, tokens...);
  }

  static Value list_of(const std::vector<std::string>& words) {
    return Value::Array(words.begin(), words.end());
  }

  void create(bool& exists, std::string_view part) {
    if (exists) return;
    if (!has_metadata_) add(Value::Object{}, metadata_);
    has_metadata_ = true;
    add(Value::Object{}, metadata_, part);
    exists = true;
  }

  static std::string_view name_of(Container::List list) {
    return list == Container::List::Containers ? "containers" : "initContainers";
  }

  struct Found {
    ContainerShape* container = nullptr;  // there is none
    std::string_view list = {};
    std::size_t index = 0;
  };

  Found find(std::string_view name) {
    for (const auto list : {Container::List::Containers, Container::List::InitContainers}) {
      auto& shapes = list == Container::List::Containers ? containers_ : init_containers_;
      const auto found = std::find_if(shapes.begin(), shapes.end(),
                                      [&](const ContainerShape& one) { return one.name == name; });
      if (found != shapes.end())
        return {&*found, name_of(list), static_cast<std::size_t>(found - shapes.begin())};
    }
    return {};
  }

  const Pod& pod_;
  const std::string metadata_;  // pointers, as they stand in JSON
  const std::string spec_;
  bool has_metadata_;
  bool has_annotations_;
  bool has_labels_;
  bool has_init_containers_;
  bool has_volumes_;
  std::vector<ContainerShape> containers_;
  std::vector<ContainerShape> init_containers_;
  JsonWriter out_{kUsualBytes};
  std::size_t operations_ = 0;
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

JsonPatch write_json_patch(const Pod& pod, const std::vector<Edit>& edits,
                           const FieldPath& prefix) {
  PatchWriter writer(pod, prefix);
  for (const auto& edit : edits) std::visit(writer, edit);
  return writer.take();
}

JsonPatch write_json_patch(const Service& service, const std::vector<Edit>& edits,
                           const FieldPath& prefix) {
  // Annotations are patched the same way on every object: as those of a pod that has nothing else.
  const Pod metadata{.annotations = service.annotations,
                     .has_metadata = service.has_metadata,
                     .has_annotations = service.has_annotations};
  return write_json_patch(metadata, edits, prefix);
}

Json to_json_patch(const Pod& pod, const std::vector<Edit>& edits, const FieldPath& prefix) {
  return Json::parse(write_json_patch(pod, edits, prefix).text);
}

Json to_json_patch(const Service& service, const std::vector<Edit>& edits,
                   const FieldPath& prefix) {
  return Json::parse(write_json_patch(service, edits, prefix).text);
}

}  // namespace gracekeeper
