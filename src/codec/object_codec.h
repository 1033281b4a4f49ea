// Kubernetes objects from JSON to the values of the core: pods, the pod templates of workloads,
// Namespaces, Services; everything else is only named.
//
// Only the fields that the core has are read, and only those can be refused: a wrong type in one of
// them is an error with its path, what was expected and what was found. Null is absent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>

#include "core/field_path.h"
#include "core/pod.h"

namespace gracekeeper {

// A field that cannot be read: where (from the object) and why.
struct FieldError {
  FieldPath path;
  std::string message;
  bool operator==(const FieldError&) const = default;
};

// An object of another kind or of none, a workload that has no pod template, or no object at all.
struct OtherObject {
  std::string kind;  // "": the document, or the item of a List, has none
  std::string name;
  std::string namespace_name;
  std::string api_version = {};
  bool has_pod_template = false;  // it makes pods in a way that is not known
  bool is_list = false;           // of YAML, not of Kubernetes: [{kind: Pod}, ...]
};

using KubernetesObject = std::variant<OtherObject, Subject, Namespace, Service>;
using DecodedObject = tl::expected<KubernetesObject, FieldError>;

// An object in a document: the document itself, or one item of a List. `place` is the path from the
// document's root to the object (empty, or items[3]).
using ObjectVisitor = std::function<void(DecodedObject object, const FieldPath& place)>;

// Which workloads are read. Linkerd's command line knows no Rollout, no DeploymentConfig and no
// PodTemplate.
enum class Workloads { All, OfLinkerd };

// How a document is read. Returned by value from one call to the next, it keeps its buffers.
class ObjectDecoder {
 public:
  explicit ObjectDecoder(Workloads read = Workloads::All);
  ~ObjectDecoder();
  ObjectDecoder(ObjectDecoder&&) noexcept;
  ObjectDecoder& operator=(ObjectDecoder&&) noexcept;

  // Visits the objects of one document of JSON text. Lists (v1 List and the typed lists that a
  // server answers with) are visited item by item, Lists in Lists too. A document that is no
  // mapping or has no kind is visited as FieldError-free OtherObject with an empty kind; it is
  // named where pods would come of it, had it been written as it has to be.
  void decode(std::string_view json, const ObjectVisitor& visit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gracekeeper
