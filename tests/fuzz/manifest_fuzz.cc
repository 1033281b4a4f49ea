// Manifests: YAML and JSON as people write them, and what the program writes into them.
//
// Held to: a document that was read is valid JSON, within the bounds; written as YAML it reads as
// the same value; documents and errors cover the text in its order; an edit of the source changes
// what was asked for and leaves every other byte; a refused edit leaves all of them; a difference
// that is shown is one.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codec/document.h"
#include "codec/object_codec.h"
#include "codec/source_edit.h"
#include "codec/unified_diff.h"
#include "codec/yaml_scalar.h"
#include "codec/yaml_writer.h"
#include "core/fix.h"
#include "fuzz/fuzz.h"
#include "fuzz/fuzzers.h"

namespace gracekeeper::fuzz {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFile = "manifest.yaml";

std::string about(const char* what, std::string_view text) {
  return std::string(what) + ":\n" + std::string(text);
}

// ---- reading

struct Read {
  DocumentStream stream;
  std::vector<Json> values;  // of the documents, in order; discarded for those that are errors
};

Read read(std::string_view text) {
  Read out{.stream = read_documents(text, kFile), .values = {}};
  std::size_t end = 0;
  for (const auto& item : out.stream.items) {
    out.values.emplace_back(Json::value_t::discarded);
    if (const auto* error = std::get_if<Error>(&item)) {
      require(!error->message.empty() && error->file == kFile && error->position.line > 0,
              [&] { return about("an error that does not say where and what", text); });
      continue;
    }
    const auto& document = std::get<Document>(item);
    require(document.begin >= end && document.end >= document.begin && document.end <= text.size(),
            [&] { return about("documents that overlap", text); });
    end = document.end;
    out.values.back() = Json::parse(document.json, nullptr, false);
    require(!out.values.back().is_discarded(),
            [&] { return about("a document's JSON is none", document.json); });
    require(document.is_mapping == out.values.back().is_object(),
            [&] { return about("a mapping or not", text); });
    require(document.positions.locate({}).line > 0 || document.is_empty,
            [&] { return about("a document that stands nowhere", text); });
  }
  return out;
}

// Two values are the same, also where one of them is a number that no 64 bits hold.
void check_written(const Json& value) {
  const auto written = to_yaml(value);
  const auto again = read_documents(written, kFile);
  require(again.items.size() == 1 && std::holds_alternative<Document>(again.items.front()), [&] {
    const auto* error = again.items.empty() ? nullptr : std::get_if<Error>(&again.items.front());
    return about(error != nullptr ? error->message.c_str() : "not one document", written);
  });
  const auto& json = std::get<Document>(again.items.front()).json;
  require(Json::parse(json) == value,
          [&] { return about("not the value that was written", value.dump() + "\n" + written); });
}

void check_objects(const Document& document) {
  static ObjectDecoder decoder;
  decoder.decode(document.json, [&](const DecodedObject& object, const FieldPath& place) {
    require(document.positions.contains(place), "an object that was not written");
    if (!object) require(!object.error().message.empty(), "refused without a message");
  });
}

// ---- editing

// A path to a part of the value that exists, as the bytes say; its last step is a key.
struct Found {
  FieldPath path;
  const Json* holder = nullptr;
  std::string key;
};

std::optional<Found> some_member(const Json& root, Input& input) {
  FieldPath path;
  const Json* part = &root;
  std::optional<Found> found;
  for (int depth = 0; depth < 16 && part->is_structured() && !part->empty(); ++depth) {
    const auto step = input.byte();
    if (found && step % 4 == 3) break;
    const auto index = step / 4U % part->size();
    if (part->is_array()) {
      path = path / index;
      part = &part->at(index);
      continue;
    }
    const auto member = std::next(part->begin(), static_cast<std::ptrdiff_t>(index));
    found = Found{path / std::string_view(member.key()), part, member.key()};
    path = found->path;
    part = &*member;
  }
  return found;
}

Fix some_fix(const Json& root, const Found& found, Input& input) {
  const auto kind = input.below(8);
  if (kind < 3)
    return SetField{.path = found.path, .value = std::int64_t{input.byte()}, .instead_of = {}};
  if (kind < 5) {
    return SetField{
        .path = found.path,
        .value = input.pick<std::string>({"5s", "it's", "true", "a: b # c", "", "\xc3\xa4"}),
        .instead_of = {}};
  }
  if (kind == 5) {
    auto segments = found.path.segments();
    segments.back() = "terminationGracePeriodSeconds";
    return SetField{.path = FieldPath(segments), .value = std::int64_t{30}, .instead_of = {}};
  }
  if (kind == 6) return RenameKey{.path = found.path, .key = "example.com/new"};
  const auto target = some_member(root, input);
  return MoveMember{.path = found.path,
                    .mapping = (target ? target->path : FieldPath{}) / "annotations"};
}

bool is_set_in_place(const Fix& fix, const Json& root) {
  const auto* set = std::get_if<SetField>(&fix);
  return set != nullptr && root.contains(Json::json_pointer(to_pointer(set->path)));
}

bool has_comment_sign(const Json& scalar) {
  return scalar.is_string() && scalar.get_ref<const std::string&>().find(" #") != std::string::npos;
}

// YAML 1.1 folds lines at these too: what stands after one in quotes loses its blanks, so " #"
// there need not be in the value.
bool has_other_line_break(std::string_view text) {
  for (const std::string_view mark : {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"}) {
    if (text.find(mark) != std::string_view::npos) return true;
  }
  return false;
}

// What a scalar's new value replaces is a part of one line, and no comment.
void check_untouched(std::string_view before, std::string_view after, const Json& scalar) {
  const auto least = std::min(before.size(), after.size());
  std::size_t front = 0;
  while (front < least && before[front] == after[front]) ++front;
  std::size_t back = 0;
  while (back < least - front && before[before.size() - 1 - back] == after[after.size() - 1 - back])
    ++back;
  const auto old = before.substr(front, before.size() - front - back);
  const bool takes_comment = old.find(" #") != std::string_view::npos &&
                             !has_comment_sign(scalar) && !has_other_line_break(old);
  require(old.find('\n') == std::string_view::npos && !takes_comment,
          [&] { return about("more than a value changed", before); });
}

void check_edit(std::string_view text, const Read& before, Input& input) {
  std::vector<std::size_t> mappings;
  for (std::size_t i = 0; i < before.values.size(); ++i) {
    if (before.values[i].is_object()) mappings.push_back(i);
  }
  if (mappings.empty()) return;
  const auto number = mappings[input.byte() % mappings.size()];
  const auto& root = before.values[number];
  const auto found = some_member(root, input);
  if (!found) return;
  const auto fix = some_fix(root, *found, input);
  const auto edited = edit_source(text, {{.document = number, .fix = fix}});
  require(edited.refusals.size() == 1, "another number of refusals");
  if (!edited.refusals.front().empty()) {
    require(edited.text == text, [&] { return about("refused, but changed", text); });
    return;
  }
  const auto after = read(edited.text);
  require(after.values.size() == before.values.size(),
          [&] { return about("another number of documents", edited.text); });
  for (std::size_t i = 0; i < after.values.size(); ++i) {
    require(i == number || after.values[i] == before.values[i] ||
                (after.values[i].is_discarded() && before.values[i].is_discarded()),
            [&] { return about("another document changed", edited.text); });
  }
  if (const auto* set = std::get_if<SetField>(&fix)) {
    Json expected;
    std::visit([&](const auto& value) { expected = value; }, set->value);
    require(after.values[number].at(Json::json_pointer(to_pointer(set->path))) == expected,
            [&] { return about("not what was to be set", edited.text); });
  }
  if (is_set_in_place(fix, root))
    check_untouched(text, edited.text,
                    root.at(Json::json_pointer(to_pointer(std::get<SetField>(fix).path))));
  const auto diff = unified_diff(text, edited.text, "a", "b");
  require(diff.empty() == (text == edited.text), "a difference where there is none");
}

void check_scalar(std::string_view text) {
  const auto scalar = resolve_plain_scalar(text);
  require(scalar.kind == YamlScalar::Kind::kString || may_be_typed(text),
          [&] { return about("typed, but not known as such", text); });
}

}  // namespace

int manifest_fuzz(const std::uint8_t* data, std::size_t size) {
  if (size < 8) return 0;
  // The choices stand at the end, so that the text begins where the input does.
  Input input(data + size - 8, 8);
  const std::string_view text = Input(data, size - 8).rest();
  const auto before = read(text);
  for (std::size_t i = 0; i < before.values.size(); ++i) {
    const auto* document = std::get_if<Document>(&before.stream.items[i]);
    if (document == nullptr || document->is_empty) continue;
    check_objects(*document);
    check_written(before.values[i]);
  }
  check_edit(text, before, input);
  if (size < 40) check_scalar(text);
  return 0;
}

}  // namespace gracekeeper::fuzz
