// Reading the keys of a strictly written object with all mistakes at once. For the codecs of this
// folder only.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/document.h"
#include "codec/json_fields.h"
#include "core/field_path.h"
#include "core/result.h"

namespace gracekeeper::json {

// Collects errors with their place in the document.
class Mistakes {
 public:
  Mistakes(const Document& document, const std::string& file) : document_(document), file_(file) {}

  void report(const FieldPath& path, std::string message);
  void wrong_type(const FieldPath& path, std::string_view expected, Element got);

  std::vector<Error> errors;

 private:
  const Document& document_;
  const std::string& file_;
};

using ReadKey = std::function<void(Element value, const FieldPath& path)>;
using Keys = std::vector<std::pair<std::string_view, ReadKey>>;

// Reads an object that has these keys and no others; null is absent.
void read_keys(Element object, const FieldPath& path, const Keys& keys, Mistakes& mistakes);

// A text that is not empty; "" and a mistake otherwise.
std::string read_text(Element value, const FieldPath& path, std::string_view expected,
                      Mistakes& mistakes);

}  // namespace gracekeeper::json
