#include "codec/document.h"

#include <algorithm>
#include <utility>

#include "codec/comments.h"
#include "codec/document_split.h"
#include "codec/json_reader.h"
#include "codec/text_encoding.h"
#include "codec/yaml_reader.h"

namespace gracekeeper {
namespace {

using Deliver = std::function<void(Result<Document>)>;

// Reads the documents of one input; offsets and lines are those of the whole input.
class InputReader {
 public:
  InputReader(std::string_view text, const std::string& file, const Deliver& deliver)
      : text_(text), file_(file), deliver_(deliver) {}

  void read(const DocumentSlice& slice) {
    if (const auto bad =
            find_bad_byte(text_.substr(slice.parse_begin, slice.end - slice.parse_begin))) {
      refuse(bad->message, place_of(slice, bad->offset));
    } else if (slice.is_empty) {
      Document document;
      document.json = "null";
      const auto content = text_.substr(slice.begin, slice.end - slice.begin);
      if (may_hold_comments(content)) {
        document.comments = find_comments(content, slice.line, {});
      }
      deliver_in(slice, std::move(document));
    } else {
      const char first = first_byte(slice);
      if ((first == '{' || first == '[') && read_json(slice)) return;
      read_yaml(slice);
    }
  }

  void refuse(std::string message, Position position) {
    deliver_(tl::make_unexpected(
        Error{.message = std::move(message), .file = file_, .position = position, .path = {}}));
  }

 private:
  [[nodiscard]] char first_byte(const DocumentSlice& slice) const {
    const std::size_t at = text_.find_first_not_of(" \t\r\n", slice.begin);
    return at < slice.end ? text_[at] : '\0';
  }

  [[nodiscard]] Position place_of(const DocumentSlice& slice, std::size_t offset) const {
    const auto before = text_.substr(slice.parse_begin, offset);
    const auto line = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
    const auto is_lead = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    return {
        .line = slice.parse_line + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
        .column = static_cast<int>(std::count_if(line.begin(), line.end(), is_lead)) + 1};
  }

  void deliver_in(const DocumentSlice& slice, Document document) {
    document.is_empty = document.is_empty || slice.is_empty;
    document.begin = slice.begin;
    document.end = slice.end;
    document.first_line = slice.line;
    deliver_(std::move(document));
  }

  void read_yaml(const DocumentSlice& slice) {
    auto document = read_yaml_document(
        text_.substr(slice.parse_begin, slice.end - slice.parse_begin), slice.parse_line, file_);
    if (document) {
      deliver_in(slice, std::move(*document));
    } else if (json_error_ && file_.ends_with(".json")) {
      deliver_(tl::make_unexpected(std::move(*json_error_)));
    } else {
      name_template(slice, document.error());
      deliver_(tl::make_unexpected(std::move(document.error())));
    }
    json_error_.reset();
  }

  // What the parser makes of "{{ … }}", a mapping in a mapping's key, tells nobody of a template.
  // An action that fills a line is noticed in the line after it.
  void name_template(const DocumentSlice& slice, Error& error) const {
    auto rest = text_.substr(slice.parse_begin, slice.end - slice.parse_begin);
    for (int line = slice.parse_line; line <= error.position.line && !rest.empty(); ++line) {
      const auto end = std::min(rest.find('\n'), rest.size());
      const auto content = rest.substr(0, end);
      const auto braces = content.find("{{");
      const bool is_quoted = content.substr(0, braces).find_first_of("\"'") != std::string::npos;
      const bool fills_line = content.find_first_not_of(" \t") == braces;
      if (braces != std::string::npos && !is_quoted &&
          (line == error.position.line || (fills_line && line + 1 == error.position.line))) {
        error.message =
            "'{{' begins an expression of a template: render it first, as helm template does; "
            "quote it if it is text";
        return;
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  // Reads JSON values one after the other. False when the text is not JSON and YAML is to be tried:
  // nothing was delivered then.
  bool read_json(const DocumentSlice& slice);

  std::string_view text_;
  const std::string& file_;
  const Deliver& deliver_;
  std::optional<Error> json_error_;  // why the document at hand is not JSON
};

bool InputReader::read_json(const DocumentSlice& slice) {
  std::size_t begin = slice.begin;
  Position start{.line = slice.line, .column = slice.column};
  for (bool first = true;; first = false) {
    auto value = read_json_value(text_.substr(begin, slice.end - begin), start, file_);
    if (!value) {
      if (first && value.error().is_syntax) {
        json_error_ = std::move(value.error().error);
        return false;
      }
      deliver_(tl::make_unexpected(std::move(value.error().error)));
      return true;
    }
    Document& document = value->document;
    const std::size_t value_end = begin + document.end;
    const std::size_t next = std::min(text_.find_first_not_of(" \t\r\n", value_end), slice.end);
    const bool last = next == slice.end;
    // After one value anything but another one is for YAML to judge: a comment is fine there.
    if (first && !last && text_[next] != '{' && text_[next] != '[') return false;
    document.begin += begin;
    document.end = value_end;
    if (first && last) {
      deliver_in(slice, std::move(document));
      return true;
    }
    deliver_(std::move(document));
    if (last) return true;
    begin = value_end;
    start = value->end;
  }
}

}  // namespace

void for_each_document(std::string_view text, const std::string& file, const Deliver& deliver,
                       int first_line) {
  InputReader reader(text, file, deliver);
  if (first_line == 1 && looks_like_utf16(text)) {
    reader.refuse("the text is UTF-16; save it as UTF-8", {.line = 1, .column = 1});
    return;
  }
  split_documents(
      text, [&](const DocumentSlice& slice) { reader.read(slice); },
      [&](const StrayText& stray) {
        reader.refuse("expected nothing but a comment after '...' in its line",
                      {.line = stray.line, .column = stray.column});
      },
      first_line);
}

DocumentStream read_documents(std::string_view text, const std::string& file) {
  DocumentStream stream;
  for_each_document(text, file, [&](Result<Document> document) {
    if (document) {
      stream.items.emplace_back(std::move(*document));
    } else {
      stream.items.emplace_back(std::move(document.error()));
    }
  });
  return stream;
}

}  // namespace gracekeeper
