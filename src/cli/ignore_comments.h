// Comments in a manifest that leave a finding out: `# gracekeeper:ignore GK010 reason`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/document.h"

namespace gracekeeper::cli {

// The rules that a comment names: "gracekeeper:ignore GK010, GK014 because …" -> GK010, GK014.
// Words that were meant as ids and are none (GK14) are passed over.
std::vector<std::string> ignored_by(std::string_view comment);

// Those words in all comments of a document, each with its line and the id that is nearest. They
// are no findings: a comment belongs to no object, so no baseline could know one and no comment
// leave it out, and what it was to leave out is reported all the same.
std::vector<Error> find_unknown_rules(const Document& document, const std::string& file);

// Whether a comment of the document leaves out a rule's finding at a line: a comment at the end of
// that line, one that stands alone on the line above (or above further such comments), or one that
// stands before the document's first key and so holds for all of it.
bool is_ignored(const Document& document, std::string_view rule, int line);

}  // namespace gracekeeper::cli
