#include "codec/object_codec.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "codec/decode_object.h"
#include "codec/json_errors.h"
#include "codec/json_parse.h"
#include "codec/pod_codec.h"

namespace gracekeeper {
namespace {

using json::Element;
using json::Fields;

// Lists in Lists are legal; nobody nests them deeper.
constexpr int kDeepestList = 8;

// Where pod templates are looked for in kinds that are not known: Volcano's spec.tasks[].template,
// JobSet's spec.replicatedJobs[].template.spec.template. Deeper ones are patterns of policies
// (Kyverno's spec.rules[].validate.pattern.spec.template), which make no pods.
constexpr int kDeepestTemplate = 4;

struct Workload {
  std::string_view kind;
  Subject::Kind subject;
  std::vector<std::string_view> path;  // from the object to its pod
  std::string_view group = {};         // "": one of Kubernetes' own
  bool is_of_linkerd = true;
};

std::string_view group_of(std::string_view api_version) {
  const auto slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view{} : api_version.substr(0, slash);
}

// The groups whose workloads are read: apps, batch, extensions and core ("v1" has no group).
bool is_known_group(std::string_view api_version) {
  const auto group = group_of(api_version);
  return group.empty() || group == "apps" || group == "batch" || group == "extensions";
}

const Workload* find_workload(std::string_view kind, std::string_view api_version, Workloads read) {
  using Path = std::vector<std::string_view>;
  static const std::array<Workload, 11> workloads{{
      {"Pod", Subject::Kind::Pod, {}},
      {"Deployment", Subject::Kind::Deployment, {"spec", "template"}},
      {"StatefulSet", Subject::Kind::StatefulSet, {"spec", "template"}},
      {"DaemonSet", Subject::Kind::DaemonSet, {"spec", "template"}},
      {"ReplicaSet", Subject::Kind::ReplicaSet, {"spec", "template"}},
      {"ReplicationController", Subject::Kind::ReplicationController, {"spec", "template"}},
      {"Job", Subject::Kind::Job, {"spec", "template"}},
      {"CronJob", Subject::Kind::CronJob, {"spec", "jobTemplate", "spec", "template"}},
      {"PodTemplate", Subject::Kind::PodTemplate, Path{"template"}, {}, false},
      {"Rollout", Subject::Kind::Rollout, {"spec", "template"}, "argoproj.io", false},
      {"DeploymentConfig",
       Subject::Kind::DeploymentConfig,
       {"spec", "template"},
       "apps.openshift.io",
       false},
  }};
  const auto found = std::find_if(workloads.begin(), workloads.end(), [&](const Workload& w) {
    return w.kind == kind &&
           (w.group.empty() ? is_known_group(api_version) : w.group == group_of(api_version)) &&
           (w.is_of_linkerd || read == Workloads::All);
  });
  return found == workloads.end() ? nullptr : &*found;
}

std::optional<Element> member(Element element, std::string_view key) {
  Element value;
  if (!element.is_object() || element.at_key(key).get(value) != simdjson::SUCCESS ||
      value.is_null())
    return std::nullopt;
  return value;
}

// A view that carries the error's path to the object's root.
FieldError below(const FieldPath& parent, FieldError error) {
  error.path = parent / error.path;
  return error;
}

// The annotations around the template that do not reach the pod.
std::optional<FieldError> read_outer_annotations(Element object, const Workload& workload,
                                                 Subject& subject) {
  if (workload.path.empty()) return std::nullopt;
  const auto read = [&](std::optional<Element> holder,
                        const FieldPath& place) -> std::optional<FieldError> {
    const auto metadata = holder ? member(*holder, "metadata") : std::nullopt;
    const auto annotations = metadata ? member(*metadata, "annotations") : std::nullopt;
    if (!annotations) return std::nullopt;
    const auto path = place / "metadata" / "annotations";
    Fields fields;
    auto values = json::read_annotations(fields, *annotations);
    if (fields.error()) return below(path, *fields.error());
    if (!values.empty()) subject.outer_annotations.emplace_back(path, std::move(values));
    return std::nullopt;
  };
  if (auto error = read(object, FieldPath{})) return error;
  if (workload.subject != Subject::Kind::CronJob) return std::nullopt;
  const auto spec = member(object, "spec");
  return read(spec ? member(*spec, "jobTemplate") : std::nullopt,
              FieldPath{} / "spec" / "jobTemplate");
}

// Whether something below has a member `template` whose spec.containers is a list.
bool has_pod_template(Element below, int levels) {
  const auto pod = member(below, "template");
  const auto spec = pod ? member(*pod, "spec") : std::nullopt;
  const auto containers = spec ? member(*spec, "containers") : std::nullopt;
  if (containers && containers->is_array()) return true;
  if (levels == 0) return false;
  if (below.is_array()) {
    const simdjson::dom::array items = below;
    return std::any_of(items.begin(), items.end(),
                       [&](Element item) { return has_pod_template(item, levels - 1); });
  }
  if (!below.is_object()) return false;
  const simdjson::dom::object members = below;
  return std::any_of(members.begin(), members.end(),
                     [&](const auto& field) { return has_pod_template(field.value, levels - 1); });
}

std::string display_name(const json::Metadata& metadata) {
  return metadata.name.empty() ? metadata.generate_name : metadata.name;
}

DecodedObject decode_workload(Element object, const Workload& workload, json::Metadata metadata) {
  Subject subject{.kind = workload.subject,
                  .kind_name = std::string(workload.kind),
                  .name = display_name(metadata),
                  .namespace_name = std::move(metadata.namespace_name)};
  Element pod = object;
  for (auto key : workload.path) {
    subject.pod_path = subject.pod_path / key;
    const auto next = member(pod, key);
    if (!next) return OtherObject{subject.kind_name, subject.name, subject.namespace_name};
    if (!next->is_object()) {
      return tl::make_unexpected(
          FieldError{subject.pod_path, "expected an object, got " + json::describe(*next)});
    }
    pod = *next;
  }
  Fields fields(json::kMostOfPod);
  subject.pod = json::read_pod(fields, pod);
  if (fields.error()) return tl::make_unexpected(below(subject.pod_path, *fields.error()));
  if (auto error = read_outer_annotations(object, workload, subject))
    return tl::make_unexpected(*error);
  return subject;
}

ServicePort read_service_port(Fields& fields, Element element) {
  ServicePort port;
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "port") port.port = fields.integer(value).value_or(0);
    if (key != "targetPort" || value.is_null()) return;
    if (value.is_string())
      port.target = fields.text(value);
    else if (const auto number = fields.integer(value))
      port.target = *number;
  });
  return port;
}

DecodedObject decode_service(Element object, json::Metadata metadata) {
  const auto has_metadata = member(object, "metadata");
  Service service{.name = display_name(metadata),
                  .namespace_name = std::move(metadata.namespace_name),
                  .annotations = std::move(metadata.annotations),
                  .has_metadata = has_metadata.has_value(),
                  .has_annotations = has_metadata && member(*has_metadata, "annotations")};
  const auto spec = member(object, "spec");
  const auto ports = spec ? member(*spec, "ports") : std::nullopt;
  if (!ports) return service;
  Fields fields;
  fields.list(*ports, [&](std::size_t, Element item) {
    service.ports.push_back(read_service_port(fields, item));
  });
  // The API server says what is wrong with ports that it does not take.
  if (fields.error()) service.ports.clear();
  return service;
}

DecodedObject decode_one(Element object, std::string_view kind, std::string_view api_version,
                         Workloads read) {
  const auto* workload = find_workload(kind, api_version, read);
  const bool is_pod = workload != nullptr && workload->subject == Subject::Kind::Pod;
  Fields fields;
  json::Metadata metadata;
  if (const auto element = member(object, "metadata"))
    metadata = json::read_metadata(fields, *element, !is_pod);
  if (fields.error()) return tl::make_unexpected(below(FieldPath{} / "metadata", *fields.error()));
  if (is_known_group(api_version)) {
    if (kind == "Namespace") return Namespace{metadata.name, std::move(metadata.annotations)};
    if (kind == "Service") return decode_service(object, std::move(metadata));
  }
  if (workload != nullptr) return decode_workload(object, *workload, std::move(metadata));
  const auto spec = member(object, "spec");
  return OtherObject{.kind = std::string(kind),
                     .name = display_name(metadata),
                     .namespace_name = metadata.namespace_name,
                     .api_version = std::string(api_version),
                     .has_pod_template = spec && has_pod_template(*spec, kDeepestTemplate)};
}

// Whether an object without a kind, or whatever its kind is, would make pods.
bool would_make_pods(Element object) {
  const auto spec = member(object, "spec");
  if (!spec) return false;
  if (has_pod_template(*spec, kDeepestTemplate)) return true;
  // A Pod. A chart's values may have such a spec too, but no apiVersion.
  const auto containers = member(*spec, "containers");
  return containers && containers->is_array() && member(object, "apiVersion");
}

bool would_one_make_pods(Element list) {
  const simdjson::dom::array items = list;
  return std::any_of(items.begin(), items.end(), would_make_pods);
}

// Nearly always no object at all (a chart's values, a patch), so nothing in it is an error.
OtherObject decode_without_kind(Element object, std::string_view api_version) {
  if (object.is_array()) {
    if (!would_one_make_pods(object)) return {};
    return {
        .kind = {}, .name = {}, .namespace_name = {}, .has_pod_template = true, .is_list = true};
  }
  const auto items = member(object, "items");
  if (!would_make_pods(object) && !(items && items->is_array() && would_one_make_pods(*items)))
    return {};
  Fields fields;
  json::Metadata metadata;
  if (const auto element = member(object, "metadata"))
    metadata = json::read_metadata(fields, *element, false);
  return {.kind = {},
          .name = display_name(metadata),
          .namespace_name = metadata.namespace_name,
          .api_version = std::string(api_version),
          .has_pod_template = true};
}

// What an object says it is.
struct Identity {
  std::string kind;
  std::string api_version;
};

tl::expected<Identity, FieldError> read_identity(Element object) {
  Identity identity;
  for (auto [key, text] :
       {std::pair{"kind", &identity.kind}, std::pair{"apiVersion", &identity.api_version}}) {
    Fields fields;
    if (const auto element = member(object, key)) *text = fields.text(*element);
    if (fields.error())
      return tl::make_unexpected(FieldError{FieldPath{} / key, fields.error()->message});
  }
  return identity;
}

void visit_element(Element object, const Identity& assumed, const FieldPath& place, int depth,
                   const json::ElementVisitor& visit) {
  auto identity = read_identity(object);
  if (!identity) return visit.error(identity.error(), place);
  auto& kind = identity->kind;
  if (kind.empty()) {
    kind = assumed.kind;
    if (identity->api_version.empty()) identity->api_version = assumed.api_version;
  }

  const auto items = member(object, "items");
  if (kind.ends_with("List") && items && items->is_array() && depth < kDeepestList) {
    // The items of a typed list (PodList) may leave out their kind.
    const Identity of_items{kind.substr(0, kind.size() - 4), identity->api_version};
    std::size_t index = 0;
    for (const Element item : simdjson::dom::array(*items)) {
      visit_element(item, of_items, place / "items" / index, depth + 1, visit);
      ++index;
    }
    return;
  }
  if (kind == "List" && !items) return;
  visit.object(object, kind, identity->api_version, place);
}

}  // namespace

DecodedObject json::decode_object(Element object) {
  const auto identity = read_identity(object);
  if (!identity) return tl::make_unexpected(identity.error());
  return decode_one(object, identity->kind, identity->api_version, Workloads::All);
}

DecodedObject json::decode_object(Element object, std::string_view kind,
                                  std::string_view api_version, Workloads read) {
  if (kind.empty()) return decode_without_kind(object, api_version);
  return decode_one(object, kind, api_version, read);
}

void json::visit_elements(Element root, const ElementVisitor& visit) {
  visit_element(root, Identity{}, FieldPath{}, 0, visit);
}

struct ObjectDecoder::State {
  explicit State(Workloads which) : read(which) {}
  Workloads read;
  simdjson::dom::parser parser;
};

ObjectDecoder::ObjectDecoder(Workloads read) : state_(std::make_unique<State>(read)) {}
ObjectDecoder::~ObjectDecoder() = default;
ObjectDecoder::ObjectDecoder(ObjectDecoder&&) noexcept = default;
ObjectDecoder& ObjectDecoder::operator=(ObjectDecoder&&) noexcept = default;

void ObjectDecoder::decode(std::string_view text, const ObjectVisitor& visit) {
  Element root;
  if (const auto error = json::parse(state_->parser, text, root); error != simdjson::SUCCESS) {
    return visit(tl::make_unexpected(
                     FieldError{FieldPath{}, fmt::format("not JSON: {}", json_error_text(error))}),
                 FieldPath{});
  }
  json::visit_elements(
      root, {.object =
                 [&](Element object, std::string_view kind, std::string_view api_version,
                     const FieldPath& place) {
                   visit(json::decode_object(object, kind, api_version, state_->read), place);
                 },
             .error = [&](FieldError error,
                          const FieldPath& place) { visit(tl::make_unexpected(error), place); }});
}

}  // namespace gracekeeper
