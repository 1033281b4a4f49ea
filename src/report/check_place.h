// What identifies a finding from one run to the next, so that tools can tell an old one from a new
// one although lines moved.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "report/check_report.h"

namespace gracekeeper {

// No line, no message, no number: moving a finding in its file or changing a value does not make it
// another one. Two findings of one report may be alike.
struct Fingerprint {
  std::string rule;
  std::string file;  // normal_file()
  std::string object;
  std::string namespace_name;
  std::string container;  // "" without one
  std::string path;
  auto operator<=>(const Fingerprint&) const = default;
  bool operator==(const Fingerprint&) const = default;
};

// All texts are valid UTF-8, so that a fingerprint survives being written as JSON.
Fingerprint fingerprint(const LocatedFinding& located);

// 16 hexadecimal digits, the same on every machine and in every version.
std::string digest(const Fingerprint& fingerprint);

// One spelling for one file: "./k8s//web.yaml" is "k8s/web.yaml". Nothing is looked up on disk.
std::string normal_file(std::string_view file);

}  // namespace gracekeeper
