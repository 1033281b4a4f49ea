#include "cli/inputs.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

#include "io/files.h"

namespace gracekeeper::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStandardInputName = "<stdin>";

bool is_manifest(const fs::path& path) {
  const auto extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

Error error_at(const std::string& file, std::string message) {
  return {.message = std::move(message), .file = file, .position = {}, .path = {}};
}

}  // namespace

const Namespace* find_namespace(const Namespaces& namespaces, std::string_view name) {
  const auto found = namespaces.find(name);
  return found == namespaces.end() ? nullptr : &found->second;
}

Inputs::Inputs(const std::vector<std::string>& paths) {
  for (const auto& path : paths) list(path);
}

void Inputs::list(const std::string& path) {
  if (path == "-") {
    files_.push_back({kStandardInputName, true});
    return;
  }
  std::error_code failed;
  if (!fs::is_directory(path, failed)) {
    files_.push_back({path, false});  // reading it says what is wrong with it
    return;
  }
  std::vector<std::string> found;
  fs::recursive_directory_iterator entry(path, fs::directory_options::none, failed);
  for (const auto end = fs::recursive_directory_iterator(); !failed && entry != end;
       entry.increment(failed)) {
    std::error_code unknown;
    if (is_manifest(entry->path()) && !entry->is_directory(unknown))
      found.push_back(entry->path().string());
  }
  if (failed) errors_.push_back(error_at(path, failed.message()));
  std::sort(found.begin(), found.end());
  for (auto& name : found) files_.push_back({std::move(name), false});
}

Result<InputFile> Inputs::read(const Listed& listed) {
  if (!listed.is_standard_input) {
    if (const auto replaced = replacements_.find(listed.name); replaced != replacements_.end())
      return InputFile{listed.name, replaced->second};
    auto text = io::read_file(listed.name, std::size_t{1} << 30U);
    if (!text) return tl::make_unexpected(text.error());
    return InputFile{listed.name, std::move(*text)};
  }
  if (!standard_input_is_read_) {
    auto text = io::read_descriptor(STDIN_FILENO, kStandardInputName, std::size_t{1} << 30U);
    if (!text) return tl::make_unexpected(text.error());
    standard_input_ = std::move(*text);
    standard_input_is_read_ = true;
  }
  return InputFile{kStandardInputName, standard_input_};
}

void Inputs::for_each_file(const std::function<void(const InputFile&)>& visit,
                           std::vector<Error>& errors) {
  errors.insert(errors.end(), errors_.begin(), errors_.end());
  for (const auto& listed : files_) {
    const auto file = read(listed);
    if (file)
      visit(*file);
    else
      errors.push_back(file.error());
  }
}

Namespaces Inputs::namespaces() {
  Namespaces namespaces;
  const auto take = [&](const FoundObject& found) {
    const auto* where = std::get_if<Namespace>(&found.object);
    if (where != nullptr) namespaces.insert_or_assign(where->name, *where);
  };
  std::vector<Error> ignored;
  for_each_file(
      [&](const InputFile& file) {
        // Most files have none; then nothing needs to be parsed twice.
        if (file.text.find("Namespace") == std::string::npos) return;
        for_each_object(file, {.object = take, .error = [](const Error&) {}});
      },
      ignored);
  return namespaces;
}

void Inputs::replace(const std::string& name, std::string text) {
  replacements_.insert_or_assign(name, std::move(text));
}

std::string Inputs::replacement(const std::string& name) const {
  const auto replaced = replacements_.find(name);
  return replaced == replacements_.end() ? std::string() : replaced->second;
}

void for_each_object(const InputFile& file, const DocumentVisitor& visitor) {
  ObjectDecoder decoder;
  std::size_t next_index = 0;
  for_each_document(file.text, file.name, [&](Result<Document> document) {
    const auto index = next_index++;
    if (!document) return visitor.error(document.error());
    if (!document->is_empty) {
      decoder.decode(document->json, [&](DecodedObject object, const FieldPath& place) {
        if (object) {
          visitor.object({*document, index, place, std::move(*object)});
          return;
        }
        const auto path = place / object.error().path;
        visitor.error({.message = object.error().message,
                       .file = file.name,
                       .position = document->positions.locate_value(path),
                       .path = to_string(object.error().path)});
      });
    }
    if (visitor.document) visitor.document(*document);
  });
}

}  // namespace gracekeeper::cli
