// Cuts a YAML stream into its documents without parsing them, so that one that does not parse
// leaves the others readable. Sound because a line that begins with `---` or `...` and a blank can
// be nothing else: YAML 1.2, 9.1.2 c-forbidden, takes it out of scalars of every style.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace gracekeeper {

struct DocumentSlice {
  // The document's own text, comments included, without its marker line. For `--- {a: 1}` it begins
  // in the marker line, at `column`.
  std::size_t begin = 0;
  std::size_t end = 0;
  int line = 0;  // of `begin`
  int column = 1;
  // Where a parser has to start: at the directives or the marker when they belong to the content,
  // else at `begin`. Always the begin of a line.
  std::size_t parse_begin = 0;
  int parse_line = 0;
  bool is_empty = false;  // only blanks and comments
};

// What stands after `...` in its line and is no comment.
struct StrayText {
  int line = 0;
  int column = 0;
};

// Delivers what the text holds, in its order. Blank text that no `---` line announces is left out,
// a byte order mark too. Its first line has the number `first_line`.
void split_documents(std::string_view text,
                     const std::function<void(const DocumentSlice&)>& deliver,
                     const std::function<void(const StrayText&)>& deliver_stray,
                     int first_line = 1);

// The last place from `from` on where the text can be cut in two that hold the same documents as
// the whole, whatever comes after it; 0: none. It is the begin of a `---` line that no directive
// stands before.
std::size_t last_cut(std::string_view text, std::size_t from = 0);

}  // namespace gracekeeper
