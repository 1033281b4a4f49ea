// Manifests written back, document by document: what was changed in the form it was written in
// (YAML or JSON), what was not word for word.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cli/inputs.h"
#include "codec/document.h"

namespace gracekeeper::cli {

class ManifestWriter {
 public:
  void keep(const Document& document, const InputFile& file);
  // `label` says in the diff what was done: "injected".
  void change(const Document& document, const InputFile& file, const nlohmann::ordered_json& before,
              const nlohmann::ordered_json& after, std::string_view label);

  std::string manifests;
  std::string diff;  // unified, of the documents' normal form; empty: nothing changed

 private:
  void append(std::string_view document);
};

}  // namespace gracekeeper::cli
