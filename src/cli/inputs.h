// The manifests that a command is given: files, folders (recursively: .yaml, .yml, .json), and `-`
// for standard input; what their documents hold, object by object. Each is read once, however often
// it is given: `check a.yaml .` judges a.yaml once, under the name that came first.
//
//   Inputs inputs(paths);
//   const auto namespaces = inputs.namespaces();        // of all files: they may come later
//   inputs.for_each_file([&](const InputFile& file) { for_each_object(file, …); });
//
//   inputs.for_each_object(3, visitor);                // one file's, on any thread
//
// for_each_file has one file in memory at a time; for_each_object one document.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "codec/document.h"
#include "codec/object_codec.h"
#include "core/result.h"
#include "io/parallel.h"
#include "io/reread.h"

namespace gracekeeper::cli {

struct InputFile {
  std::string name;  // as the user gave it; "<stdin>"
  std::string text;
};

using Namespaces = std::map<std::string, Namespace, std::less<>>;
const Namespace* find_namespace(const Namespaces& namespaces, std::string_view name);

// An object and the document it stands in.
struct FoundObject {
  const Document& document;
  std::size_t document_index;  // from 0; documents that do not parse count too
  FieldPath place;             // from the document's root: empty, or items[3]
  KubernetesObject object;
};

struct DocumentVisitor {
  std::function<void(const FoundObject&)> object;
  // After the objects of a document: the document itself, as it stands in the file.
  std::function<void(const Document&)> document = nullptr;
  std::function<void(Error)> error;
};

class Inputs {
 public:
  explicit Inputs(const std::vector<std::string>& paths);

  // Reads each file and hands it over; what cannot be read is an error.
  void for_each_file(const std::function<void(const InputFile&)>& visit,
                     std::vector<Error>& errors);

  // The files, in their order, and what could not be listed.
  [[nodiscard]] std::size_t size() const { return files_.size(); }
  [[nodiscard]] const std::string& name(std::size_t index) const { return files_[index].name; }
  [[nodiscard]] const std::vector<Error>& listing_errors() const { return errors_; }

  // The objects of one file, document by document as they are read. Safe on several threads at
  // once. False when the file could not be opened, which the visitor was told.
  bool for_each_object(std::size_t index, const DocumentVisitor& visitor) const;

  // The Namespaces of all files, by name. Errors are left to the pass that looks at everything.
  [[nodiscard]] Namespaces namespaces(const io::Watch& watch = {}) const;

  // From now on the file of that name reads as `text`; nothing is written.
  void replace(const std::string& name, std::string text);
  // The text that replaces the file's own; empty when none does.
  [[nodiscard]] std::string replacement(const std::string& name) const;

 private:
  // What can be read only once is kept; opened when the first asks for it.
  struct Once {
    std::once_flag opened;
    std::optional<Result<io::Rereadable>> source;
  };
  struct Listed {
    std::string name;
    bool is_standard_input = false;
    std::shared_ptr<Once> once = {};  // null: a regular file
  };
  void list(const std::string& path);
  using UseSource = std::function<Result<void>(const io::Rereadable&)>;
  Result<void> with_source(const Listed& listed, const UseSource& use) const;
  Result<InputFile> read(const Listed& listed) const;
  // Hands over whole documents, as many as were read together, and the line they begin in.
  using TakePiece = std::function<void(std::string_view text, int first_line)>;
  Result<void> read_pieces(const Listed& listed, const TakePiece& take) const;

  std::vector<Listed> files_;
  std::set<std::string> known_;  // places of the files that are listed
  std::vector<Error> errors_;
  std::map<std::string, std::string> replacements_;
};

void for_each_object(const InputFile& file, const DocumentVisitor& visitor);

}  // namespace gracekeeper::cli
