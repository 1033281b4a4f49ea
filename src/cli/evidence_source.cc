#include "cli/evidence_source.h"

#include "cli/inputs.h"
#include "codec/evidence_codec.h"

namespace gracekeeper::cli {

Evidence read_evidence(const std::vector<std::string>& paths, std::vector<Error>& errors) {
  Evidence evidence;
  EvidenceDecoder decoder;
  Inputs(paths).for_each_file(
      [&](const InputFile& file) {
        for_each_document(file.text, file.name, [&](Result<Document> document) {
          if (!document) return errors.push_back(document.error());
          if (document->is_empty) return;
          decoder.decode(
              document->json, evidence, [&](const FieldError& error, const FieldPath& place) {
                errors.push_back({.message = error.message,
                                  .file = file.name,
                                  .position = document->positions.locate_value(place / error.path),
                                  .path = to_string(error.path)});
              });
        });
      },
      errors);
  return evidence;
}

}  // namespace gracekeeper::cli
