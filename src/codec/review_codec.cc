#include "codec/review_codec.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <new>

#include "codec/decode_object.h"
#include "codec/json_errors.h"
#include "codec/json_fields.h"

namespace gracekeeper {
namespace {

using json::Element;
using json::Fields;

static_assert(kReadableBehindReview >= simdjson::SIMDJSON_PADDING);

constexpr std::string_view kApiVersion = "admission.k8s.io/v1";
// A parser that had to grow for a huge review takes a dozen times as much.
constexpr std::size_t kLargestKeptCapacity = std::size_t{1} << 20U;
// Of names and words: Kubernetes' names have at most 253 characters, its uids 36. They are repeated
// in the answer, in messages or in the log.
constexpr std::size_t kLongestText = 256;

// One a thread: parsing reuses its buffers from request to request.
struct Parsing {
  simdjson::dom::parser parser;
  std::string text;  // the body, and behind it the bytes that simdjson reads beyond its end

  simdjson::simdjson_result<Element> parse(std::string_view body, std::size_t readable_behind) {
    if (readable_behind >= simdjson::SIMDJSON_PADDING)
      return parser.parse(body.data(), body.size(), false);
    text.assign(body).append(simdjson::SIMDJSON_PADDING, '\0');
    return parser.parse(text.data(), body.size(), false);
  }
};

Parsing& thread_parsing() {
  thread_local Parsing parsing;
  return parsing;
}

// A parsed document takes up to thirty times its text when it is nothing but brackets and commas.
// The densest that comes from an API server are managedFields, "f:name":{}, with three of these
// signs in some 15 bytes: 3 MB of them stay well below this.
constexpr std::size_t kMostValues = 1'500'000;

// Each value but the first follows a comma, a colon or an opening bracket outside of strings.
constexpr bool precedes_value(char c) {
  return (c == ',') | (c == ':') | (c == '[') | (c == '{');  // no branches: many at once
}

// Those signs, inside of strings too: a small part of the time of parsing, where telling strings
// apart takes longer than parsing does (docs/performance.md).
std::size_t count_signs(std::string_view text) {
  constexpr std::size_t block = 64;  // a loop of known length, which compilers make one of vectors
  std::size_t count = 0;
  for (; text.size() >= block; text.remove_prefix(block)) {
    std::uint8_t signs = 0;  // of a block, at most its size
    for (std::size_t i = 0; i < block; ++i)
      signs = static_cast<std::uint8_t>(signs + (precedes_value(text[i]) ? 1 : 0));
    count += signs;
  }
  return count + static_cast<std::size_t>(std::count_if(text.begin(), text.end(), precedes_value));
}

// Whether the text has more values than that. What is no JSON may be counted in any way.
bool has_too_many_values(std::string_view text) {
  if (text.size() <= kMostValues || count_signs(text) < kMostValues) return false;
  std::size_t values = 1;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size() && values <= kMostValues; ++i) {
    const char c = text[i];
    if (c == '"') {
      in_string = !in_string;
    } else if (in_string) {
      if (c == '\\') ++i;
    } else if (precedes_value(c)) {
      ++values;
    }
  }
  return values > kMostValues;
}

// Where a decision begins to take some milliseconds: of signs, some 0.3 µs each at worst (empty
// containers, two for each), and of bytes that can hold as many.
constexpr std::size_t kManySigns = 4'096;
constexpr std::size_t kSmallReview = std::size_t{12} * 1024;

struct Envelope {
  std::string api_version;
  std::string kind;
  std::optional<Element> request;
};

Envelope read_envelope(Fields& fields, Element root) {
  Envelope envelope;
  fields.object(root, [&](std::string_view key, Element value) {
    if (key == "apiVersion") envelope.api_version = fields.text(value);
    if (key == "kind") envelope.kind = fields.text(value);
    if (key == "request" && !value.is_null()) envelope.request = value;
  });
  return envelope;
}

// The uid, wherever the rest is wrong.
std::string readable_uid(Element root) {
  Element request;
  Element uid;
  std::string_view text;
  if (root.is_object() && root.at_key("request").get(request) == simdjson::SUCCESS &&
      request.is_object() && request.at_key("uid").get(uid) == simdjson::SUCCESS &&
      uid.get_string().get(text) == simdjson::SUCCESS) {
    return std::string(text);
  }
  return {};
}

std::string part_of(Fields& fields, Element element, std::string_view wanted) {
  std::string text;
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == wanted) text = fields.text(value);
  });
  return text;
}

// What is longer than any of these can be, and would be in the patch, the answer and the log.
// Empty: nothing is.
std::string_view too_long(const AdmissionRequest& request) {
  const std::pair<std::string_view, const std::string&> texts[] = {
      {"kind", request.kind},
      {"resource", request.resource},
      {"subResource", request.subresource},
      {"operation", request.operation},
      {"name", request.name},
      {"namespace", request.namespace_name}};
  for (const auto& [key, text] : texts) {
    if (text.size() > kLongestText) return key;
  }
  return {};
}

bool is_known_operation(std::string_view operation) {
  return operation == "CREATE" || operation == "UPDATE" || operation == "DELETE" ||
         operation == "CONNECT";
}

struct Objects {
  std::optional<Element> now;
  std::optional<Element> old;
};

Objects read_request(Fields& fields, Element element, AdmissionRequest& request) {
  Objects objects;
  fields.object(element, [&](std::string_view key, Element value) {
    if (key == "kind") request.kind = part_of(fields, value, "kind");
    if (key == "resource") request.resource = part_of(fields, value, "resource");
    if (key == "subResource") request.subresource = fields.text(value);
    if (key == "operation") request.operation = fields.text(value);
    if (key == "name") request.name = fields.text(value);
    if (key == "namespace") request.namespace_name = fields.text(value);
    if (key == "object" && !value.is_null()) objects.now = value;
    if (key == "oldObject" && !value.is_null()) objects.old = value;
  });
  return objects;
}

bool has_template_of(const Element& old, const Subject& subject) {
  if (subject.kind == Subject::Kind::Pod) return false;
  const auto before = json::decode_object(old);
  const auto* other = before ? std::get_if<Subject>(&*before) : nullptr;
  return other != nullptr && other->kind == subject.kind && other->pod == subject.pod;
}

}  // namespace

bool takes_long_to_decide(std::string_view body) noexcept {
  return body.size() > kSmallReview && count_signs(body) > kManySigns;
}

void release_review_memory() {
  auto& parsing = thread_parsing();
  if (std::max(parsing.parser.capacity(), parsing.text.capacity()) > kLargestKeptCapacity)
    parsing = Parsing();
}

tl::expected<AdmissionRequest, ReviewError> decode_review(std::string_view body,
                                                          std::size_t readable_behind) {
  const auto refuse = [](std::string uid, std::string message) {
    return tl::make_unexpected(ReviewError{std::move(uid), std::move(message)});
  };
  if (body.empty()) return refuse({}, "the request has no body; an AdmissionReview is expected");
  if (has_too_many_values(body))
    return refuse({}, fmt::format("the body has more than {} JSON values", kMostValues));
  Element root;
  if (const auto error = thread_parsing().parse(body, readable_behind).get(root);
      error != simdjson::SUCCESS) {
    // Not the client's fault, and not to be answered as if it were.
    if (error == simdjson::MEMALLOC) throw std::bad_alloc();
    return refuse({}, fmt::format("the body is not one JSON document: {}", json_error_text(error)));
  }
  if (!root.is_object())
    return refuse({}, fmt::format("an AdmissionReview is expected, got {}", json::describe(root)));
  auto uid = readable_uid(root);
  if (uid.empty()) return refuse({}, "request.uid: expected a string that is not empty");
  if (uid.size() > kLongestText)
    return refuse({}, fmt::format("request.uid: longer than {} bytes", kLongestText));

  Fields fields;
  const auto envelope = read_envelope(fields, root);
  if (fields.error()) {
    return refuse(std::move(uid),
                  fmt::format("{}: {}", to_string(fields.error()->path), fields.error()->message));
  }
  if (std::max(envelope.kind.size(), envelope.api_version.size()) > kLongestText) {
    return refuse(std::move(uid),
                  fmt::format("kind, apiVersion: longer than {} bytes", kLongestText));
  }
  if (envelope.api_version == "admission.k8s.io/v1beta1") {
    return refuse({},
                  "admission.k8s.io/v1beta1 is not served: register the webhook with "
                  "admissionReviewVersions: [\"v1\"]");
  }
  if (envelope.kind != "AdmissionReview" || envelope.api_version != kApiVersion) {
    return refuse(std::move(uid),
                  fmt::format("expected kind AdmissionReview of {}, got kind \"{}\" of \"{}\"",
                              kApiVersion, envelope.kind, envelope.api_version));
  }

  AdmissionRequest request;
  request.uid = uid;
  const auto [object, old] = read_request(fields, *envelope.request, request);
  if (fields.error()) {
    return refuse(std::move(uid),
                  fmt::format("{}: {}", to_string(FieldPath{} / "request" / fields.error()->path),
                              fields.error()->message));
  }
  if (const auto key = too_long(request); !key.empty())
    return refuse(std::move(uid),
                  fmt::format("request.{}: longer than {} bytes", key, kLongestText));
  if (!is_known_operation(request.operation)) {
    return refuse(
        std::move(uid),
        fmt::format("request.operation: expected CREATE, UPDATE, DELETE or CONNECT, got \"{}\"",
                    request.operation));
  }
  const bool needs_object = request.operation == "CREATE" || request.operation == "UPDATE";
  if (!object && needs_object)
    return refuse(std::move(uid), "request.object: expected an object, got none");
  request.has_object = object.has_value();
  if (object && needs_object && request.subresource.empty())
    request.object = json::decode_object(*object);
  if (request.object) {
    if (auto* subject = std::get_if<Subject>(&*request.object)) {
      if (!request.namespace_name.empty()) subject->namespace_name = request.namespace_name;
      request.is_template_unchanged =
          request.operation == "UPDATE" && old && has_template_of(*old, *subject);
      request.is_mirror_pod = subject->kind == Subject::Kind::Pod &&
                              subject->pod.annotations.contains("kubernetes.io/config.mirror");
    } else if (auto* service = std::get_if<Service>(&*request.object)) {
      if (!request.namespace_name.empty()) service->namespace_name = request.namespace_name;
    }
  }
  return request;
}

}  // namespace gracekeeper
