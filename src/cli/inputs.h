// The manifests that a command is given: files, folders (recursively: .yaml, .yml, .json), and `-`
// for standard input; what their documents hold, object by object.
//
//   Inputs inputs(paths);
//   const auto namespaces = inputs.namespaces();        // of all files: they may come later
//   inputs.for_each_file([&](const InputFile& file) { for_each_object(file, …); });
//
// One file is in memory at a time.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "codec/document.h"
#include "codec/object_codec.h"
#include "core/result.h"

namespace gracekeeper::cli {

struct InputFile {
  std::string name;  // as the user gave it; "<stdin>"
  std::string text;
};

using Namespaces = std::map<std::string, Namespace, std::less<>>;
const Namespace* find_namespace(const Namespaces& namespaces, std::string_view name);

class Inputs {
 public:
  explicit Inputs(const std::vector<std::string>& paths);

  // Reads each file and hands it over; what cannot be read is an error.
  void for_each_file(const std::function<void(const InputFile&)>& visit,
                     std::vector<Error>& errors);

  // The Namespaces of all files, by name. Errors are left to the pass that looks at everything.
  Namespaces namespaces();

  // From now on the file of that name reads as `text`; nothing is written.
  void replace(const std::string& name, std::string text);
  // The text that replaces the file's own; empty when none does.
  [[nodiscard]] std::string replacement(const std::string& name) const;

 private:
  struct Listed {
    std::string name;
    bool is_standard_input = false;
  };
  void list(const std::string& path);
  Result<InputFile> read(const Listed& listed);

  std::vector<Listed> files_;
  std::vector<Error> errors_;
  std::string standard_input_;
  bool standard_input_is_read_ = false;
  std::map<std::string, std::string> replacements_;
};

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
void for_each_object(const InputFile& file, const DocumentVisitor& visitor);

}  // namespace gracekeeper::cli
