// What the texts of annotations have in common, Linkerd's and this project's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gracekeeper {

inline constexpr std::string_view kAnnotationBlanks = " \t\r\n";

// Without the blanks around it.
std::string_view trimmed(std::string_view text);

// Go's strconv.ParseBool, which Linkerd reads its switches with.
std::optional<bool> parse_go_bool(std::string_view text);

// A comma-separated list, blanks around the items removed, empty items left out.
std::vector<std::string> split_list(std::string_view text);

}  // namespace gracekeeper
