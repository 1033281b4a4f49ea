#include "codec/value_codec.h"

#include <fmt/format.h>
#include <optional>

#include "codec/document.h"
#include "codec/json_errors.h"
#include "codec/json_fields.h"

namespace gracekeeper {

Result<Value> read_value(std::string_view text, const std::string& file) {
  std::optional<Error> error;
  std::optional<Value> value;
  int documents = 0;
  for_each_document(text, file, [&](Result<Document> document) {
    if (!document) {
      if (!error) error = document.error();
      return;
    }
    if (document->is_empty) return;
    ++documents;
    simdjson::dom::parser parser;
    json::Element root;
    if (const auto failure = parser.parse(document->json).get(root); failure == simdjson::SUCCESS) {
      value = json::to_value(root);
    } else if (!error) {
      error = Error{.message = std::string(json_error_text(failure)),
                    .file = file,
                    .position = {},
                    .path = {}};
    }
  });
  if (error) return tl::make_unexpected(*error);
  if (documents != 1 || !value) {
    return tl::make_unexpected(
        Error{.message = fmt::format("expected one document, got {}", documents),
              .file = file,
              .position = {},
              .path = {}});
  }
  return std::move(*value);
}

Result<LinkerdValuesFile> read_linkerd_values(std::string_view text, const std::string& file) {
  auto value = read_value(text, file);
  if (!value) return tl::make_unexpected(value.error());
  const auto refuse = [&](std::string message) {
    return tl::make_unexpected(
        Error{.message = std::move(message), .file = file, .position = {}, .path = {}});
  };
  if (value->as_object() == nullptr)
    return refuse("expected a mapping with Linkerd's chart values");
  const auto* kind = value->find("kind");
  if (kind == nullptr || kind->as_string() == nullptr || *kind->as_string() != "ConfigMap") {
    return LinkerdValuesFile{std::move(*value), {}};
  }
  const auto* data = value->find("data");
  const auto* values = data == nullptr ? nullptr : data->find("values");
  if (values == nullptr || values->as_string() == nullptr) {
    return refuse(
        "data.values: expected the text of Linkerd's chart values, as in the ConfigMap "
        "linkerd-config");
  }
  auto inner = read_value(*values->as_string(), file + " (data.values)");
  if (!inner) return tl::make_unexpected(inner.error());
  if (inner->as_object() == nullptr)
    return refuse("data.values: expected a mapping with Linkerd's chart values");
  LinkerdValuesFile out{std::move(*inner), {}};
  if (const auto* metadata = value->find("metadata")) {
    if (const auto* where = metadata->find("namespace");
        where != nullptr && where->as_string() != nullptr) {
      out.control_plane_namespace = *where->as_string();
    }
  }
  return out;
}

}  // namespace gracekeeper
