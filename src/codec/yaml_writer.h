// JSON becomes YAML: block style, two spaces, members in their order (yaml-cpp's emitter).
//
//   {"spec":{"containers":[{"name":"web","args":["-c","yes"]}]}}
//
//   spec:
//     containers:
//       - name: web
//         args:
//           - -c
//           - 'yes'
//
// What is written reads back as the same value, with this reader, kubectl, and readers of YAML 1.1
// and 1.2: strings that any of them would take for something else are quoted. Text of several lines
// is a literal block where that keeps every character, else one line with escapes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace gracekeeper {

// The document's text, ending in a newline, without a `---` line. Strings must be UTF-8.
[[nodiscard]] std::string to_yaml(const nlohmann::ordered_json& value);

}  // namespace gracekeeper
