// Changes to the source text of manifests that leave everything else as it stands, to the byte:
// comments, order, indentation, quotes, line ends.
//
//   const auto edited = edit_source(text, {{.document = 0, .fix = SetField{…}}});
//   edited.text, edited.refusals[0]        // "" when it was made, else why it was not
//
// Nothing is taken on trust: the new text is read again, and it must parse, and each document must
// hold what it held before, but for exactly the change that was asked for. A change that does not
// pass (an anchor would carry it elsewhere, a merge would win over it) is refused.
//
// What is refused without trying: a scalar with an anchor or a tag, over more than one line, or
// brought in by an alias or a merge; a new line inside a flow collection ({…}, JSON).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/fix.h"

namespace gracekeeper {

struct SourceEdit {
  std::size_t document = 0;  // which of the text's documents, from 0, in for_each_document's order
  Fix fix;                   // its paths begin at the document
};

struct EditedSource {
  std::string text;
  std::vector<std::string> refusals;  // one for each edit, in their order
};

// The edits are best about different objects: one that needs what another one did is only right
// when it comes after it, and costs a reading of its document.
[[nodiscard]] EditedSource edit_source(std::string_view text, const std::vector<SourceEdit>& edits);

}  // namespace gracekeeper
