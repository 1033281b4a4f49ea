// Whether a text is well-formed XML of the plain kind that this program writes (no DTD, comments or
// CDATA): enough of XML 1.0 to catch what a real parser would refuse.
#pragma once

#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gracekeeper {

// Every & begins a reference, no < stands in it, and no control character.
inline bool is_xml_content(const std::string& text) {
  static const std::regex kReference("&(amp|lt|gt|quot|apos|#[0-9]+);");
  for (const char c : text) {
    if (c >= 0 && c < ' ' && c != '\n' && c != '\t' && c != '\r') return false;
  }
  return std::regex_replace(text, kReference, "").find_first_of("&<") == std::string::npos &&
         text.find("]]>") == std::string::npos;
}

// "" for well-formed XML, else what is wrong.
inline std::string xml_problem(std::string_view xml) {
  constexpr std::string_view kHeader = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  if (!xml.starts_with(kHeader)) return "no XML declaration";
  xml.remove_prefix(kHeader.size());
  static const std::regex kTag("^<(/?)([a-z-]+)((?: [a-z]+=\"[^\"<]*\")*)(/?)>$");
  static const std::regex kAttribute(" ([a-z]+)=\"([^\"]*)\"");
  std::vector<std::string> open;
  bool root_seen = false;
  while (!xml.empty()) {
    if (xml.front() != '<') {
      const std::string text(xml.substr(0, xml.find('<')));
      if (!is_xml_content(text)) return "bad text: " + text;
      if (open.empty() && text != "\n") return "text outside of the root: " + text;
      xml.remove_prefix(text.size());
      continue;
    }
    const auto end = xml.find('>');
    if (end == std::string_view::npos) return "a tag does not end";
    const std::string tag(xml.substr(0, end + 1));
    xml.remove_prefix(end + 1);
    std::smatch match;
    if (!std::regex_match(tag, match, kTag)) return "bad tag: " + tag;
    const std::string name = match[2];
    if (match[1].length() != 0) {
      if (open.empty() || open.back() != name) return "closes what is not open: " + tag;
      open.pop_back();
      continue;
    }
    if (open.empty() && root_seen) return "two roots";
    root_seen = true;
    const std::string attributes = match[3];
    std::set<std::string> names;
    for (auto found = std::sregex_iterator(attributes.begin(), attributes.end(), kAttribute);
         found != std::sregex_iterator(); ++found) {
      if (!names.insert((*found)[1]).second) return "an attribute twice: " + tag;
      if (!is_xml_content((*found)[2])) return "bad attribute: " + tag;
    }
    if (match[4].length() == 0) open.push_back(name);
  }
  if (!open.empty()) return "not closed: " + open.back();
  return root_seen ? "" : "no root";
}

}  // namespace gracekeeper
