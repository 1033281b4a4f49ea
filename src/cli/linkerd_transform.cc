#include "cli/linkerd_transform.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/inputs.h"
#include "cli/manifest_writer.h"
#include "codec/json_patch.h"
#include "codec/json_tree.h"
#include "codec/object_codec.h"
#include "codec/uninjection.h"
#include "core/annotations.h"
#include "sidecar/linkerd_annotations.h"

namespace gracekeeper::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

// An object as the report names it.
ReportedObject reported(const KubernetesObject& object) {
  if (const auto* subject = std::get_if<Subject>(&object)) {
    return {.kind = lower(subject->kind_name),
            .name = subject->name,
            .can_be_annotated = true,
            .has_pod = true};
  }
  if (const auto* where = std::get_if<Namespace>(&object))
    return {.kind = "namespace", .name = where->name, .can_be_annotated = true};
  if (const auto* service = std::get_if<Service>(&object))
    return {.kind = "service", .name = service->name, .can_be_annotated = true};
  const auto& other = std::get<OtherObject>(object);
  return {.kind = lower(other.kind), .name = other.name};
}

// Annotations of an object without a pod.
void annotate(Json& object, const std::map<std::string, std::string>& annotations) {
  auto& metadata = object["metadata"];
  if (metadata.is_null()) metadata = Json::object();
  auto& present = metadata["annotations"];
  if (present.is_null()) present = Json::object();
  for (const auto& [key, text] : annotations) present[key] = text;
}

class Transformer {
 public:
  // What `inject` gave to any kind, `uninject` takes away; the others do what Linkerd's do.
  explicit Transformer(const CommandLineJob& job)
      : job_(job),
        decoder_(job.mode == CommandLineMode::Uninject ? Workloads::All : Workloads::OfLinkerd) {}

  void transform(const InputFile& file) {
    for_each_document(file.text, file.name, [&](Result<Document> document) {
      if (!document) return out_.errors.push_back(document.error());
      if (document->is_empty) return keep_empty(*document, file);
      try_transform(*document, file);
    });
  }

  Transformed take() {
    out_.manifests = std::move(writer_.manifests);
    out_.diff = std::move(writer_.diff);
    return std::move(out_);
  }

 private:
  // Linkerd counts a document of blank lines, but not what stands between two `---` lines that
  // follow each other.
  void keep_empty(const Document& document, const InputFile& file) {
    if (document.end > document.begin) out_.objects.push_back({});
    writer_.keep(document, file);
  }

  void try_transform(const Document& document, const InputFile& file) {
    const Json before = read_json_tree(document.json);
    Json object = before;
    const bool uninjects = job_.mode == CommandLineMode::Uninject;
    const auto each = [&](const std::string& json, auto visit) {
      return decoder_.decode(json, [&](DecodedObject found, const FieldPath& place) {
        if (found) return visit(*found, place);
        const auto path = place / found.error().path;
        out_.errors.push_back({.message = found.error().message,
                               .file = file.name,
                               .position = document.positions.locate_value(path),
                               .path = to_string(found.error().path)});
      });
    };
    const auto errors = out_.errors.size();
    if (uninjects || job_.uninject_first) {
      each(document.json, [&](const KubernetesObject& found, const FieldPath& place) {
        const bool removed = uninject(found, object.at(pointer(place)));
        if (!uninjects) return;
        out_.objects.push_back(reported(found));
        out_.objects.back().is_done = removed;
      });
    }
    // What cannot be read was said once.
    if (!uninjects && out_.errors.size() == errors) {
      Json patch = Json::array();
      const Json start = object;
      each(start.dump(), [&](const KubernetesObject& found, const FieldPath& place) {
        inject(found, place, object, patch);
      });
      if (!patch.empty()) object = object.patch(patch);
    }
    if (object == before) return writer_.keep(document, file);
    writer_.change(document, file, before, object, uninjects ? "uninjected" : "injected");
  }

  static Json::json_pointer pointer(const FieldPath& place) {
    return Json::json_pointer(to_pointer(place));
  }

  static bool uninject(const KubernetesObject& found, Json& object) {
    if (const auto* subject = std::get_if<Subject>(&found))
      return remove_linkerd(object, subject->pod_path);
    if (std::holds_alternative<OtherObject>(found)) return false;
    return remove_linkerd(object, std::nullopt);
  }

  void inject(const KubernetesObject& found, const FieldPath& place, Json& document, Json& patch) {
    auto object = reported(found);
    if (const auto* subject = std::get_if<Subject>(&found)) {
      object.look = look_at(subject->pod, job_.plan.policy);
      object.is_done = inject_pod(*subject, place, object, patch);
    } else if (std::holds_alternative<Namespace>(found)) {
      auto annotations = job_.plan.annotations;
      annotations.emplace(annotation::kInject, "enabled");
      annotate(document.at(pointer(place)), annotations);
      object.is_done = true;
    } else if (std::holds_alternative<Service>(found)) {
      const auto ports = job_.plan.annotations.find(std::string(annotation::kOpaquePorts));
      object.is_done = ports != job_.plan.annotations.end();
      if (object.is_done) annotate(document.at(pointer(place)), {*ports});
    }
    out_.objects.push_back(std::move(object));
  }

  bool inject_pod(const Subject& subject, const FieldPath& place, const ReportedObject& object,
                  Json& patch) {
    const bool manual = job_.mode == CommandLineMode::Manual;
    if (object.look.is_control_plane && !manual) {
      out_.failures.emplace_back("--manual must be set when injecting control plane components");
      return false;
    }
    if (const auto reasons = why_not_injected(object); !reasons.empty()) {
      out_.failures.push_back(fmt::format("failed to inject {}: {}", object.reference(), reasons));
      return false;
    }
    if (!object.look.injectable()) return false;
    const auto edits = manual ? manual_edits(subject, job_.plan) : annotate_edits(job_.plan);
    for (auto& operation : to_json_patch(subject.pod, edits, place / subject.pod_path))
      patch.push_back(std::move(operation));
    return true;
  }

  const CommandLineJob& job_;
  ObjectDecoder decoder_;
  ManifestWriter writer_;
  Transformed out_;
};

}  // namespace

Transformed transform_inputs(const std::vector<std::string>& paths, const CommandLineJob& job) {
  Inputs inputs(paths);
  Transformer transformer(job);
  std::vector<Error> errors;
  inputs.for_each_file([&](const InputFile& file) { transformer.transform(file); }, errors);
  auto out = transformer.take();
  out.errors.insert(out.errors.begin(), errors.begin(), errors.end());
  return out;
}

}  // namespace gracekeeper::cli
