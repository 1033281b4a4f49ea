#include "codec/list_codec.h"

#include <algorithm>
#include <fmt/format.h>

#include "codec/json_errors.h"
#include "codec/json_fields.h"
#include "codec/pod_codec.h"

namespace gracekeeper {
namespace {

using json::Element;
using json::Fields;

Result<Element> parse(simdjson::dom::parser& parser, std::string_view text) {
  Element root;
  if (const auto error = parser.parse(text.data(), text.size()).get(root);
      error != simdjson::SUCCESS) {
    return fail(fmt::format("the answer is not JSON: {}", json_error_text(error)));
  }
  if (!root.is_object()) return fail("the answer is no JSON object");
  return root;
}

tl::unexpected<Error> refuse(const FieldError& error) {
  return tl::make_unexpected(
      Error{.message = error.message, .file = {}, .position = {}, .path = to_string(error.path)});
}

// "ReplicaSet" of "apps/v1"; "argoproj.io/Workflow" of "argoproj.io/v1alpha1".
std::string kind_with_group(std::string_view api_version, const std::string& kind) {
  const auto group = api_version.substr(0, std::min(api_version.find('/'), api_version.size()));
  const bool is_built_in = api_version == "v1" || group == "apps" || group == "batch";
  return is_built_in ? kind : fmt::format("{}/{}", group, kind);
}

void read_owner(Fields& fields, Element owner, ListedObject& out) {
  std::string kind;
  std::string api_version;
  bool is_controller = false;
  fields.object(owner, [&](std::string_view key, Element value) {
    if (key == "kind") kind = fields.text(value);
    if (key == "apiVersion") api_version = fields.text(value);
    if (key == "controller") is_controller = fields.boolean(value).value_or(false);
  });
  if (is_controller) out.controller = kind_with_group(api_version, kind);
}

void read_metadata(Fields& fields, Element metadata, ListedObject& out) {
  fields.object(metadata, [&](std::string_view key, Element value) {
    if (key == "name") out.name = fields.text(value);
    if (key == "namespace") out.namespace_name = fields.text(value);
    if (key == "resourceVersion") out.resource_version = fields.text(value);
    if (key == "annotations") out.annotations = json::read_annotations(fields, value);
    if (key == "ownerReferences")
      fields.list(value, [&](std::size_t, Element owner) { read_owner(fields, owner, out); });
  });
}

// Statuses differ from kind to kind: what has another shape is passed over.
bool reads_as_finished(Element status) {
  std::string_view phase;
  if (status["phase"].get_string().get(phase) == simdjson::SUCCESS)
    return phase == "Succeeded" || phase == "Failed";
  simdjson::dom::array conditions;
  if (status["conditions"].get_array().get(conditions) != simdjson::SUCCESS) return false;
  return std::any_of(conditions.begin(), conditions.end(), [](Element condition) {
    std::string_view type;
    std::string_view truth;
    return condition["type"].get_string().get(type) == simdjson::SUCCESS &&
           condition["status"].get_string().get(truth) == simdjson::SUCCESS && truth == "True" &&
           (type == "Complete" || type == "Failed");
  });
}

ListedObject read_object(Fields& fields, Element element) {
  ListedObject out;
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "metadata") read_metadata(fields, value, out);
    if (key == "status" && value.is_object()) out.is_finished = reads_as_finished(value);
    if (key == "data") {
      // A Secret's data are texts too; nobody asks for Secrets here.
      fields.object(value, [&](std::string_view name, Element text) {
        out.data.emplace(name, fields.text(text));
      });
    }
  });
  return out;
}

std::string beginning_of(std::string_view text) {
  constexpr std::size_t kMost = 200;
  auto end = std::min(text.size(), kMost);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return std::string(text.substr(0, end)) + (end < text.size() ? "…" : "");
}

}  // namespace

Result<ListPage> decode_list_page(std::string_view text) {
  simdjson::dom::parser parser;
  const auto root = parse(parser, text);
  if (!root) return tl::make_unexpected(root.error());
  ListPage page;
  bool has_items = false;
  Fields fields;
  fields.object(*root, [&](std::string_view key, Element value) {
    if (key == "metadata") {
      fields.object(value, [&](std::string_view name, Element part) {
        if (name == "resourceVersion") page.resource_version = fields.text(part);
        if (name == "continue") page.continue_token = fields.text(part);
      });
    }
    if (key == "items") {
      has_items = true;  // null is Go's empty list
      fields.list(value, [&](std::size_t, Element item) {
        page.items.push_back(read_object(fields, item));
      });
    }
  });
  if (fields.error()) return refuse(*fields.error());
  if (!has_items) return fail("the answer is no list: it has no items");
  return page;
}

Result<WatchEvent> decode_watch_event(std::string_view line) {
  simdjson::dom::parser parser;
  const auto root = parse(parser, line);
  if (!root) return tl::make_unexpected(root.error());
  Fields fields;
  std::string type;
  std::optional<Element> object;
  fields.object(*root, [&](std::string_view key, Element value) {
    if (key == "type") type = fields.text(value);
    if (key == "object" && value.is_object()) object = value;
  });
  if (fields.error()) return refuse(*fields.error());
  if (!object) return fail("the event has no object");
  WatchEvent event;
  if (type == "ERROR") {
    event.type = WatchEvent::Type::Error;
    std::int64_t code = 0;
    std::string_view message;
    if ((*object)["code"].get_int64().get(code) == simdjson::SUCCESS && code > 0 && code < 1000)
      event.code = static_cast<int>(code);
    if ((*object)["message"].get_string().get(message) == simdjson::SUCCESS)
      event.message = beginning_of(message);
    return event;
  }
  if (type == "ADDED" || type == "MODIFIED") {
    event.type = WatchEvent::Type::Put;
  } else if (type == "DELETED") {
    event.type = WatchEvent::Type::Deleted;
  } else if (type == "BOOKMARK") {
    event.type = WatchEvent::Type::Bookmark;
  } else {
    return fail(fmt::format("the event's type is unknown: \"{}\"", beginning_of(type)));
  }
  event.object = read_object(fields, *object);
  if (fields.error()) return refuse(*fields.error());
  if (event.object.resource_version.empty()) return fail("the event has no resource version");
  if (event.type != WatchEvent::Type::Bookmark && event.object.name.empty())
    return fail("the event's object has no name");
  return event;
}

std::string status_message(std::string_view body) {
  simdjson::dom::parser parser;
  const auto root = parse(parser, body);
  std::string_view message;
  if (root && (*root)["message"].get_string().get(message) == simdjson::SUCCESS)
    return beginning_of(message);
  return beginning_of(body);
}

Result<KubernetesVersion> decode_version(std::string_view text) {
  simdjson::dom::parser parser;
  const auto root = parse(parser, text);
  if (!root) return tl::make_unexpected(root.error());
  std::string_view major;
  std::string_view minor;
  if ((*root)["major"].get_string().get(major) != simdjson::SUCCESS ||
      (*root)["minor"].get_string().get(minor) != simdjson::SUCCESS)
    return fail("the answer to /version has no major and minor");
  return parse_kubernetes_version(fmt::format("{}.{}", major, minor));
}

}  // namespace gracekeeper
