#include "report/check_place.h"

#include <cstdint>
#include <filesystem>
#include <fmt/format.h>

#include "report/text_encoding.h"

namespace gracekeeper {

Fingerprint fingerprint(const LocatedFinding& located) {
  return {.rule = valid_utf8(located.finding.rule),
          .file = valid_utf8(normal_file(located.file)),
          .object = valid_utf8(located.object),
          .namespace_name = valid_utf8(located.namespace_name),
          .container = valid_utf8(located.finding.container.value_or("")),
          .path = valid_utf8(to_string(located.finding.path))};
}

std::string digest(const Fingerprint& fingerprint) {
  // FNV-1a, 64 bits: nothing here needs to resist an attacker, and it never changes.
  std::uint64_t hash = 0xCBF29CE484222325U;
  const auto add = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001B3U; };
  for (const std::string* part :
       {&fingerprint.rule, &fingerprint.file, &fingerprint.object, &fingerprint.namespace_name,
        &fingerprint.container, &fingerprint.path}) {
    for (const char c : *part) add(static_cast<unsigned char>(c));
    add(0xFF);  // in no UTF-8 text: "a", "bc" differs from "ab", "c"
  }
  return fmt::format("{:016x}", hash);
}

std::string normal_file(std::string_view file) {
  return std::filesystem::path(file).lexically_normal().generic_string();
}

}  // namespace gracekeeper
