#include "codec/source_edit.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <variant>

#include "codec/document.h"
#include "codec/source_splice.h"
#include "codec/source_tree.h"
#include "core/result.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::json;

constexpr const char* kNotAsIntended =
    "the document would not hold what it held before and this change alone (because of an anchor, "
    "an alias or a merge)";

Json::json_pointer pointer(const FieldPath& path) { return Json::json_pointer(to_pointer(path)); }

// The part at the path; members that are missing on the way are made. Not by a JSON pointer, which
// takes a key of digits in a mapping to come for the place in a list of that length.
Json& made(Json& json, const FieldPath& path) {
  Json* part = &json;
  for (const auto& segment : path.segments()) {
    const auto* key = std::get_if<std::string>(&segment);
    part = key != nullptr ? &(*part)[*key] : &part->at(std::get<std::size_t>(segment));
  }
  return *part;
}

// Takes out a member, and its mapping when it was the last, and so on.
void erase(Json& json, Json::json_pointer place) {
  while (!place.empty()) {
    const auto name = place.back();
    place.pop_back();
    Json& holder = json.at(place);
    holder.erase(name);
    if (!holder.empty()) return;
  }
}

// The intended change, made to what the document holds.
void apply_or_throw(Json& json, const Fix& fix) {
  if (const auto* set = std::get_if<SetField>(&fix)) {
    std::visit([&](const auto& value) { made(json, set->path) = value; }, set->value);
  } else if (const auto* rename = std::get_if<RenameKey>(&fix)) {
    const auto old = pointer(rename->path);
    Json& holder = json.at(old.parent_pointer());
    Json value = holder.at(old.back());
    holder.erase(old.back());
    holder[rename->key] = std::move(value);
  } else if (const auto* move = std::get_if<MoveMember>(&fix)) {
    const auto old = pointer(move->path);
    Json value = json.at(old);
    erase(json, old);
    made(json, move->mapping)[old.back()] = std::move(value);
  }
}

// False where a path leads through something that is no mapping.
bool apply(Json& json, const Fix& fix) {
  try {
    apply_or_throw(json, fix);
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

// One document: its text, and what it holds.
struct Source {
  std::string text;
  Json json;
};

std::optional<Json> read_back(const std::string& text) {
  const auto stream = read_documents(text, "");
  if (stream.items.size() != 1) return std::nullopt;
  const auto* document = std::get_if<Document>(&stream.items.front());
  if (document == nullptr) return std::nullopt;
  return Json::parse(document->json);
}

// The document after the splices, when it is what it should be.
Result<Source> checked(const Source& source, std::vector<Splice> splices, const Json& intended) {
  auto text = splice(source.text, std::move(splices));
  if (!text) return fail("it overlaps another change");
  auto json = read_back(*text);
  if (!json) return fail("the changed document would not parse");
  if (*json != intended) return fail(kNotAsIntended);
  return Source{std::move(*text), std::move(*json)};
}

using Indexes = std::vector<std::size_t>;  // into the edits

// All edits of a document at once, from one reading of it. Nothing when they do not get along.
std::optional<Source> edit_together(const Source& source, const std::vector<SourceEdit>& edits,
                                    const Indexes& indexes, std::vector<std::string>& refusals) {
  const auto tree = parse_source_tree(source.text);
  if (!tree) return std::nullopt;
  std::vector<Splice> splices;
  Json intended = source.json;
  for (const auto index : indexes) {
    auto planned = plan_splices(source.text, *tree, source.json, edits[index].fix);
    if (!planned) {
      refusals[index] = planned.error().message;
      continue;
    }
    splices.insert(splices.end(), planned->begin(), planned->end());
    if (!apply(intended, edits[index].fix)) return std::nullopt;
  }
  auto edited = checked(source, std::move(splices), intended);
  if (!edited) return std::nullopt;
  return std::move(*edited);
}

Result<Source> edit_one(const Source& source, const Fix& fix) {
  const auto tree = parse_source_tree(source.text);
  if (!tree) return tl::make_unexpected(tree.error());
  auto planned = plan_splices(source.text, *tree, source.json, fix);
  if (!planned) return tl::make_unexpected(std::move(planned.error()));
  Json intended = source.json;
  if (!apply(intended, fix)) return fail("it is not where it was found");
  return checked(source, std::move(*planned), intended);
}

Source edit_document(Source source, const std::vector<SourceEdit>& edits, const Indexes& indexes,
                     std::vector<std::string>& refusals) {
  if (indexes.size() > 1) {
    if (auto edited = edit_together(source, edits, indexes, refusals)) return std::move(*edited);
  }
  for (const auto index : indexes) {
    auto edited = edit_one(source, edits[index].fix);
    refusals[index] = edited ? std::string() : edited.error().message;
    if (edited) source = std::move(*edited);
  }
  return source;
}

// What each document of a text holds; nothing for one that does not parse.
using Contents = std::vector<std::optional<std::string>>;

bool same_but(const Contents& before, const std::vector<std::optional<Json>>& edited,
              const DocumentStream& after) {
  if (after.items.size() != before.size()) return false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto* document = std::get_if<Document>(&after.items[i]);
    if ((document != nullptr) != before[i].has_value()) return false;
    if (document == nullptr) continue;
    const bool same =
        edited[i] ? Json::parse(document->json) == *edited[i] : document->json == *before[i];
    if (!same) return false;
  }
  return true;
}

}  // namespace

EditedSource edit_source(std::string_view text, const std::vector<SourceEdit>& edits) {
  EditedSource out{.text = {}, .refusals = std::vector<std::string>(edits.size())};
  Contents before;
  std::vector<std::optional<Json>> edited;
  std::size_t copied = 0;
  for_each_document(text, "", [&](Result<Document> document) {
    const auto number = before.size();
    before.push_back(document ? std::optional(document->json) : std::nullopt);
    edited.emplace_back();
    Indexes indexes;
    for (std::size_t i = 0; i < edits.size(); ++i) {
      if (edits[i].document == number) indexes.push_back(i);
    }
    if (indexes.empty() || !document) {
      for (const auto index : indexes) out.refusals[index] = "its document does not parse";
      return;
    }
    const auto source =
        edit_document({std::string(text.substr(document->begin, document->end - document->begin)),
                       Json::parse(document->json)},
                      edits, indexes, out.refusals);
    out.text += text.substr(copied, document->begin - copied);
    out.text += source.text;
    copied = document->end;
    edited[number] = source.json;
  });
  out.text += text.substr(copied);
  for (std::size_t i = 0; i < edits.size(); ++i) {
    if (edits[i].document >= before.size()) out.refusals[i] = "there is no such document";
  }
  if (!same_but(before, edited, read_documents(out.text, ""))) {
    out.text = text;
    for (auto& refusal : out.refusals) {
      if (refusal.empty()) refusal = "the file as a whole would not read as it did";
    }
  }
  return out;
}

}  // namespace gracekeeper
