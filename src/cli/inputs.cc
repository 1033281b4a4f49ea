#include "cli/inputs.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <span>
#include <utility>

#include "codec/document_split.h"
#include "io/parallel.h"

namespace gracekeeper::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStandardInputName = "<stdin>";
// Files and, for for_each_object, documents above this are refused.
constexpr std::size_t kMaxBytes = std::size_t{1} << 30U;
// What is read at a time; documents that are larger are collected.
constexpr std::size_t kPieceBytes = std::size_t{128} << 10U;

bool is_manifest(const fs::path& path) {
  const auto extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

// The same for all names of a file, but for links to it: their names are what a baseline knows.
fs::path place_of(const fs::path& path) {
  std::error_code failed;
  const auto folder = fs::weakly_canonical(fs::absolute(path, failed).parent_path(), failed);
  return failed ? path : folder / path.filename();
}

Error error_at(const std::string& file, std::string message) {
  return {.message = std::move(message), .file = file, .position = {}, .path = {}};
}

tl::unexpected<Error> fail_in(const std::string& file, std::string message) {
  return tl::make_unexpected(error_at(file, std::move(message)));
}

// Visits the objects of one file, which comes in pieces.
class ObjectFinder {
 public:
  ObjectFinder(const std::string& name, const DocumentVisitor& visitor)
      : name_(name), visitor_(visitor) {}

  void look_into(std::string_view text, int first_line) {
    has_looked_ = true;
    for_each_document(
        text, name_, [&](const Result<Document>& document) { look_at(document); }, first_line);
  }
  [[nodiscard]] bool has_looked() const { return has_looked_; }

 private:
  void look_at(const Result<Document>& document) {
    const auto index = next_index_++;
    if (!document) return visitor_.error(document.error());
    if (!document->is_empty) {
      decoder_.decode(document->json, [&](DecodedObject object, const FieldPath& place) {
        if (object) {
          visitor_.object({*document, index, place, std::move(*object)});
          return;
        }
        const auto path = place / object.error().path;
        visitor_.error({.message = object.error().message,
                        .file = name_,
                        .position = document->positions.locate_value(path),
                        .path = to_string(object.error().path)});
      });
    }
    if (visitor_.document) visitor_.document(*document);
  }

  const std::string& name_;
  const DocumentVisitor& visitor_;
  ObjectDecoder decoder_;
  std::size_t next_index_ = 0;
  bool has_looked_ = false;
};

}  // namespace

const Namespace* find_namespace(const Namespaces& namespaces, std::string_view name) {
  const auto found = namespaces.find(name);
  return found == namespaces.end() ? nullptr : &found->second;
}

Inputs::Inputs(const std::vector<std::string>& paths) {
  for (const auto& path : paths) list(path);
}

void Inputs::list(const std::string& path) {
  std::error_code failed;
  if (path == "-") {
    if (known_.insert(path).second)
      files_.push_back({kStandardInputName, true, std::make_shared<Once>()});
    return;
  }
  if (!fs::is_directory(path, failed)) {
    if (!known_.insert(place_of(path).string()).second) return;
    // Reading it says what is wrong with it.
    const bool regular = fs::is_regular_file(path, failed);
    files_.push_back({path, false, regular ? nullptr : std::make_shared<Once>()});
    return;
  }
  // Once for all its files: links to folders are not followed.
  const auto place = place_of(fs::path(path) / "");
  std::vector<std::string> found;
  fs::recursive_directory_iterator entry(path, fs::directory_options::none, failed);
  for (const auto end = fs::recursive_directory_iterator(); !failed && entry != end;
       entry.increment(failed)) {
    std::error_code unknown;
    if (!is_manifest(entry->path()) || entry->is_directory(unknown)) continue;
    if (!known_.insert((place / entry->path().lexically_relative(path)).string()).second) continue;
    // A pipe would be waited for; one that is named by itself is meant to be.
    if (entry->exists(unknown) && !entry->is_regular_file(unknown)) {
      errors_.push_back(error_at(entry->path().string(),
                                 "is no regular file: in a folder such are not read, only where "
                                 "they are named themselves"));
      continue;
    }
    found.push_back(entry->path().string());
  }
  if (failed) errors_.push_back(error_at(path, failed.message()));
  std::sort(found.begin(), found.end());
  for (auto& name : found) files_.push_back({std::move(name), false});
}

Result<void> Inputs::with_source(const Listed& listed, const UseSource& use) const {
  if (listed.once == nullptr) {
    auto opened = io::Rereadable::open(listed.name);
    return opened ? use(*opened) : tl::make_unexpected(std::move(opened).error());
  }
  std::call_once(listed.once->opened, [&] {
    listed.once->source = listed.is_standard_input
                              ? io::Rereadable::standard_input(kStandardInputName)
                              : io::Rereadable::open(listed.name);
  });
  const auto& opened = *listed.once->source;
  return opened ? use(*opened) : tl::make_unexpected(opened.error());
}

Result<void> Inputs::read_pieces(const Listed& listed, const TakePiece& take) const {
  if (const auto replaced = replacements_.find(listed.name); replaced != replacements_.end()) {
    take(replaced->second, 1);
    return {};
  }
  return with_source(listed, [&](const io::Rereadable& source) -> Result<void> {
    std::string text;  // from the last cut on
    std::uint64_t offset = 0;
    int first_line = 1;
    while (true) {
      const auto had = text.size();
      if (had > kMaxBytes)
        return fail_in(listed.name, fmt::format("a document is larger than {} bytes", kMaxBytes));
      text.resize(had + kPieceBytes);
      const auto count = source.read_at(offset, std::span(text).subspan(had));
      if (!count) return tl::make_unexpected(count.error());
      offset += *count;
      text.resize(had + *count);
      const bool at_end = *count < kPieceBytes;
      const auto cut = at_end ? text.size() : last_cut(text, had);
      if (cut > 0 || (at_end && offset == 0)) {
        const auto piece = std::string_view(text).substr(0, cut);
        take(piece, first_line);
        first_line += static_cast<int>(std::count(piece.begin(), piece.end(), '\n'));
        text.erase(0, cut);
      }
      if (at_end) return {};
    }
  });
}

Result<InputFile> Inputs::read(const Listed& listed) const {
  if (const auto replaced = replacements_.find(listed.name); replaced != replacements_.end())
    return InputFile{listed.name, replaced->second};
  InputFile file{listed.name, {}};
  const auto done = with_source(listed, [&](const io::Rereadable& source) -> Result<void> {
    std::size_t had = 0;
    do {
      had = file.text.size();
      if (had > kMaxBytes)
        return fail_in(listed.name, fmt::format("is larger than {} bytes", kMaxBytes));
      file.text.resize(had + kPieceBytes);
      const auto count = source.read_at(had, std::span(file.text).subspan(had));
      if (!count) return tl::make_unexpected(count.error());
      file.text.resize(had + *count);
    } while (file.text.size() > had);
    return {};
  });
  if (!done) return tl::make_unexpected(done.error());
  return file;
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

bool Inputs::for_each_object(std::size_t index, const DocumentVisitor& visitor) const {
  const auto& listed = files_[index];
  ObjectFinder finder(listed.name, visitor);
  const auto read = read_pieces(
      listed, [&](std::string_view text, int first_line) { finder.look_into(text, first_line); });
  if (!read) visitor.error(read.error());
  return finder.has_looked() || read.has_value();
}

Namespaces Inputs::namespaces(const io::Watch& watch) const {
  // Of each file by itself, so that the last file wins, whichever is read last.
  std::vector<std::vector<Namespace>> of_files(files_.size());
  io::for_each_index(
      files_.size(),
      [&](std::size_t index) {
        const DocumentVisitor visitor{.object =
                                          [&](const FoundObject& found) {
                                            const auto* where =
                                                std::get_if<Namespace>(&found.object);
                                            if (where != nullptr) of_files[index].push_back(*where);
                                          },
                                      .error = [](const Error&) {}};
        ObjectFinder finder(files_[index].name, visitor);
        // What cannot be read is reported by the pass that looks at everything.
        static_cast<void>(read_pieces(files_[index], [&](std::string_view text, int first_line) {
          // Most have none; then nothing needs to be parsed twice.
          if (text.find("Namespace") != std::string_view::npos) finder.look_into(text, first_line);
        }));
      },
      watch);
  Namespaces namespaces;
  for (auto& found : of_files) {
    for (auto& where : found) namespaces.insert_or_assign(where.name, std::move(where));
  }
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
  ObjectFinder(file.name, visitor).look_into(file.text, 1);
}

}  // namespace gracekeeper::cli
