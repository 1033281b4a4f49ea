// Admission reviews for the tests: made from a pod, and taken apart.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace gracekeeper::testing {

using Json = nlohmann::ordered_json;

// The AdmissionReview that an API server sends at CREATE of an object.
inline Json review_of(const Json& object, const std::string& namespace_name = "") {
  return {{"apiVersion", "admission.k8s.io/v1"},
          {"kind", "AdmissionReview"},
          {"request",
           {{"uid", "u-1"},
            {"kind", {{"group", ""}, {"version", "v1"}, {"kind", object.is_object() ? object.value("kind", "Pod") : "Pod"}}},
            {"resource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
            {"operation", "CREATE"},
            {"namespace", namespace_name},
            {"object", object},
            {"oldObject", nullptr},
            {"dryRun", false}}}};
}

// Base64 (RFC 4648) as the API server reads it: padded, no other characters.
inline std::string from_base64(std::string_view text) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) throw std::invalid_argument("base64: length");
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=') {
      if (i + 2 < text.size()) throw std::invalid_argument("base64: padding");
      continue;
    }
    const auto digit = alphabet.find(text[i]);
    if (digit == std::string_view::npos) throw std::invalid_argument("base64: character");
    bits = (bits << 6U) | static_cast<unsigned>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU);
    }
  }
  return out;
}

// The patch of an answer; an empty list when it has none.
inline Json patch_of(const std::string& answer_body) {
  const auto response = Json::parse(answer_body).at("response");
  if (!response.contains("patch")) return Json::array();
  return Json::parse(from_base64(response.at("patch").get<std::string>()));
}

}  // namespace gracekeeper::testing
