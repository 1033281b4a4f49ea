// Every input, YAML or JSON, one document or many, becomes the same thing: JSON text for the strict
// reader, and the places where its parts were written for whoever has to point at them.
//
//   for_each_document(text, "deploy.yaml", [&](Result<Document> document) {
//     if (!document) return report(document.error());  // deploy.yaml:14:3: duplicate key ...
//     if (!document->is_mapping) return;               // nothing that could be an object
//     use(document->json, document->positions);
//   });
//
// What is read, and how (the reference is kubectl: sigs.k8s.io/yaml over go-yaml v2):
// - Lines that begin with `---` or `...` separate documents. One that does not parse is an error;
//   the others are still read. A document that begins with `{` or `[` and is valid JSON is taken
//   as JSON, as it stands; several JSON values after one another are several documents.
// - YAML's plain scalars are typed as kubectl types them: yes is true, 010 is 8, 19.0 is 19.
// - Aliases and `<<` are expanded.
// - Refused, with place: duplicate keys (kubectl lets the last one win), keys that are no scalars,
//   NUL, bytes that are not UTF-8, .nan and .inf, and what is beyond the bounds below.
// Texts must be smaller than 2 GiB.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codec/position_tree.h"
#include "core/result.h"

namespace gracekeeper {

// Bounds of one document, against those that are made to exhaust memory or stack. Values are
// mappings, sequences and scalars; keys are none. As written: what `kubectl get` prints of 5,000
// Deployments with 600 values each. A value of two bytes of text takes some 150 bytes of memory, so
// 450 MB in all.
inline constexpr std::size_t kMaxValues = 3'000'000;
// What aliases and merges add: a few bytes of text may stand for any number of values.
inline constexpr std::size_t kMaxAliasValues = 100'000;
inline constexpr int kMaxDepth = 200;  // mappings and sequences inside one another
inline constexpr std::size_t kMaxAliasBytes = 16U << 20U;  // JSON text that aliases repeat

// A comment that contains `gracekeeper:ignore`.
struct Comment {
  int line = 0;
  std::string text;       // without the '#' and the blanks around
  bool own_line = false;  // nothing but the comment stands on its line
  bool operator==(const Comment&) const = default;
};

struct Document {
  std::string json;  // valid JSON, UTF-8; "null" for an empty document
  PositionTree positions;
  bool is_mapping = false;  // false: a list, a scalar, or empty
  bool is_empty = false;    // nothing but blanks and comments
  // Bytes of the input that hold the document and its comments, without the `---` and `...` lines
  // and without directives: what to write back verbatim when nothing was changed. It begins in the
  // `---` line when the document does (`--- {a: 1}`).
  std::size_t begin = 0;
  std::size_t end = 0;
  int first_line = 0;  // of `begin`
  std::vector<Comment> comments;
};

// Reads the documents of a text one after the other, so that memory is bounded by the largest one.
// Errors carry `file`, line and column. Empty documents are delivered too, so that nothing of an
// input is lost; blank text before the first and after the last document is not. A text that is the
// rest of an input, cut with last_cut() (document_split.h), begins in another line than the first.
void for_each_document(std::string_view text, const std::string& file,
                       const std::function<void(Result<Document>)>& deliver, int first_line = 1);

struct DocumentStream {
  std::vector<std::variant<Document, Error>> items;  // in the order of the input
};
DocumentStream read_documents(std::string_view text, const std::string& file);

}  // namespace gracekeeper
