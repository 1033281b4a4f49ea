#include "codec/document_split.h"

#include <algorithm>

namespace gracekeeper {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The first byte of the line that is not blank, or the line's end.
std::size_t skip_blanks(std::string_view line, std::size_t at) {
  while (at < line.size() && is_blank(line[at])) ++at;
  return at;
}

bool is_marker(std::string_view line, std::string_view marker) {
  return line.substr(0, 3) == marker && (line.size() == 3 || is_blank(line[3]));
}

class Splitter {
 public:
  Splitter(std::string_view text, const std::function<void(const DocumentSlice&)>& deliver,
           const std::function<void(const StrayText&)>& deliver_stray, int first_line)
      : text_(text), deliver_(deliver), deliver_stray_(deliver_stray), first_line_(first_line) {}

  void run() {
    const std::size_t start = text_.substr(0, 3) == kByteOrderMark ? 3 : 0;
    start_bare(start, first_line_);
    int number = first_line_;
    for (std::size_t begin = start; begin < text_.size(); ++number) {
      const std::size_t newline = std::min(text_.find('\n', begin), text_.size());
      const auto line = text_.substr(begin, newline - begin);
      const std::size_t next = std::min(newline + 1, text_.size());
      if (is_marker(line, "---")) {
        start_marked(line, begin, next, number);
      } else if (is_marker(line, "...")) {
        finish(begin);
        start_bare(next, number + 1);
        const std::size_t rest = skip_blanks(line, 3);
        if (rest < line.size() && line[rest] != '#') {
          deliver_stray_({.line = number, .column = static_cast<int>(rest) + 1});
        }
      } else {
        look_at(line);
      }
      begin = next;
    }
    finish(text_.size());
  }

 private:
  // A document without a `---` line: the first one, or what follows `...`. Directives may come
  // first.
  void start_bare(std::size_t begin, int line) {
    slice_ = {.begin = begin,
              .end = begin,
              .line = line,
              .column = 1,
              .parse_begin = begin,
              .parse_line = line,
              .is_empty = true};
    marked_ = false;
    blank_ = true;
    directives_ = false;
  }

  void start_marked(std::string_view line, std::size_t begin, std::size_t next, int number) {
    const DocumentSlice before = slice_;
    // Directives and the comments between them belong to the parser's view of this document.
    const bool directed = !marked_ && directives_ && slice_.is_empty;
    if (!directed) finish(begin);
    const std::size_t rest = skip_blanks(line, 3);
    const bool in_line = rest < line.size();
    slice_ = {.begin = in_line ? begin + rest : next,
              .end = next,
              .line = in_line ? number : number + 1,
              .column = in_line ? static_cast<int>(rest) + 1 : 1,
              .parse_begin = in_line ? begin : next,
              .parse_line = in_line ? number : number + 1,
              .is_empty = !in_line || line[rest] == '#'};
    if (directed) {
      slice_.parse_begin = before.parse_begin;
      slice_.parse_line = before.parse_line;
    }
    marked_ = true;
    blank_ = false;
    directives_ = false;
  }

  void look_at(std::string_view line) {
    if (!slice_.is_empty) return;
    const std::size_t first = skip_blanks(line, 0);
    if (first == line.size()) return;
    blank_ = false;
    if (line[first] == '#') return;
    if (!marked_ && line[0] == '%') {
      directives_ = true;
    } else {
      slice_.is_empty = false;
    }
  }

  void finish(std::size_t end) {
    slice_.end = end;
    // Directives without a `---` line after them are for the parser to refuse.
    if (directives_) slice_.is_empty = false;
    if (!blank_) deliver_(slice_);
  }

  std::string_view text_;
  const std::function<void(const DocumentSlice&)>& deliver_;
  const std::function<void(const StrayText&)>& deliver_stray_;
  const int first_line_;
  DocumentSlice slice_;
  bool marked_ = false;      // begun by a `---` line
  bool blank_ = true;        // without a `---` line and nothing but blanks so far
  bool directives_ = false;  // a line with '%' came, and no content yet
};

}  // namespace

void split_documents(std::string_view text,
                     const std::function<void(const DocumentSlice&)>& deliver,
                     const std::function<void(const StrayText&)>& deliver_stray, int first_line) {
  Splitter(text, deliver, deliver_stray, first_line).run();
}

std::size_t last_cut(std::string_view text, std::size_t from) {
  constexpr std::string_view marker = "\n---";
  // One that the last piece had only the begin of is looked at again. Nothing before it is: a
  // document of many pieces would be gone through once for each of them.
  const std::size_t first = from > marker.size() ? from - marker.size() : 0;
  // The last marker line that begins before a place, and not before another one.
  const auto last_before = [&](std::size_t place, std::size_t earliest) {
    const auto at = place <= earliest ? std::string_view::npos
                                      : text.substr(earliest).rfind(marker, place - earliest - 1);
    return at == std::string_view::npos ? at : at + earliest;
  };
  for (auto at = last_before(text.size(), first); at != std::string_view::npos;
       at = last_before(at, first)) {
    const auto after = at + marker.size();
    if (after >= text.size() || !(is_blank(text[after]) || text[after] == '\n')) continue;
    // A line with '%' may be a directive, which belongs to the document after it.
    const auto before = last_before(at, 0);
    auto between = text.substr(0, at);
    if (before != std::string_view::npos) between.remove_prefix(before);
    if (between.starts_with(kByteOrderMark)) between.remove_prefix(kByteOrderMark.size());
    if (!between.starts_with('%') && between.find("\n%") == std::string_view::npos) return at + 1;
  }
  return 0;
}

}  // namespace gracekeeper
