#include "admission/response.h"

#include <nlohmann/json.hpp>

#include "admission/admission.h"
#include "codec/json_text.h"
#include "core/base64.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// More than an answer has beside its patch, warnings apart.
constexpr std::size_t kUsualBytes = 512;

std::string review(std::string_view uid, const Json& response) {
  Json whole = Json::object();
  whole["uid"] = uid;
  whole.update(response);
  return dump({{"apiVersion", "admission.k8s.io/v1"},
               {"kind", "AdmissionReview"},
               {"response", std::move(whole)}});
}

std::string_view reason_for(int code) {
  switch (code) {
    case 400:
      return "BadRequest";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 408:
      return "Timeout";
    case 413:
      return "RequestEntityTooLarge";
    case 415:
      return "UnsupportedMediaType";
    case 503:
      return "ServiceUnavailable";
    default:
      return code >= 500 ? "InternalError" : "BadRequest";
  }
}

}  // namespace

// By hand: the patch of an injection is 10 KB of base64, which a JSON library would copy and look
// at character by character. What others have written (warnings, annotations) goes through the
// library.
std::string response::allowed(std::string_view uid, const std::vector<std::string>& warnings,
                              const AuditAnnotations& audit, std::string_view patch) {
  std::string out;
  out.reserve(kUsualBytes + patch.size() / 3 * 4);
  out += R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":)";
  append_json_string(out, uid);
  out += R"(,"allowed":true)";
  if (!patch.empty()) {
    out += R"(,"patchType":"JSONPatch","patch":")";
    append_base64(out, patch);
    out += '"';
  }
  if (!audit.empty()) {
    Json annotations = Json::object();
    for (const auto& [key, value] : audit) annotations[key] = value;
    out += R"(,"auditAnnotations":)" + dump(annotations);
  }
  if (!warnings.empty()) out += R"(,"warnings":)" + dump(warnings);
  out += "}}";
  return out;
}

std::string response::refused(std::string_view uid, int code, std::string_view message,
                              const std::vector<std::string>& warnings) {
  Json answer{{"allowed", false},
              {"status", {{"code", code}, {"reason", reason_for(code)}, {"message", message}}}};
  if (!warnings.empty()) answer["warnings"] = warnings;
  return review(uid, answer);
}

// By hand too: it also has to be written when memory has run out, and the JSON library's values
// allocate when they are destroyed, where nothing may throw.
std::string status_body(int code, std::string_view message) {
  std::string out =
      R"({"apiVersion":"v1","kind":"Status","metadata":{},"status":"Failure","message":)";
  append_json_string(out, message);
  out += R"(,"reason":)";
  append_json_string(out, reason_for(code));
  out += R"(,"code":)" + std::to_string(code);
  out += '}';
  return out;
}

std::string warning_text(std::string_view text) {
  constexpr std::size_t most = 120;
  std::string out;
  std::size_t characters = 0;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xC0U) == 0x80U;
    if (!continues && ++characters > most) {
      // Over the limit: end with an ellipsis in place of the last character.
      while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0U) == 0x80U)
        out.pop_back();
      if (!out.empty()) out.pop_back();
      return out + "\u2026";
    }
    // The API server drops a warning that has a control character; U+0080 to U+009F are C2 80 to
    // C2 9F.
    if (continues && byte < 0xA0 && !out.empty() && out.back() == '\xC2') {
      out.back() = ' ';
    } else {
      out += byte < 0x20 || byte == 0x7F ? ' ' : c;
    }
  }
  return out;
}

}  // namespace gracekeeper
