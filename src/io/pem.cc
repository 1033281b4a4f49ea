#include "io/pem.h"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <string>
#include <utility>

namespace gracekeeper::io {
namespace {

constexpr std::string_view kBegin = "-----BEGIN";
constexpr std::string_view kEnd = "-----END";
constexpr std::string_view kBlanks = " \t\r";

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// What the lines around the blocks show. OpenSSL looks for the next BEGIN line and takes everything
// before it for a comment, a block that has lost its BEGIN line too.
std::string damage_of_lines(std::string_view pem) {
  std::size_t begins = 0;
  std::size_t ends = 0;
  std::string_view last;  // that is not blank
  while (!pem.empty()) {
    const auto newline = std::min(pem.find('\n'), pem.size());
    std::string_view line = pem.substr(0, newline);
    pem.remove_prefix(std::min(newline + 1, pem.size()));
    // OpenSSL does not see a BEGIN line that is indented; its END line then shows that.
    if (starts_with(line, kBegin)) ++begins;
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    line.remove_suffix(line.size() - std::min(line.find_last_not_of(kBlanks) + 1, line.size()));
    if (starts_with(line, kEnd)) ++ends;
    if (!line.empty()) last = line;
  }
  if (begins != ends) {
    return fmt::format("{} lines start with {} and {} with {}", begins, kBegin, ends, kEnd);
  }
  if (!last.empty() && starts_with(kBegin, last)) {
    return fmt::format("its last line, {}, is the start of another block", last);
  }
  return {};
}

}  // namespace

Result<std::vector<X509Ptr>> read_certificates(std::string_view pem, std::string_view what) {
  constexpr std::string_view kRemedy =
      "expected whole blocks, each from its -----BEGIN CERTIFICATE----- to its -----END "
      "CERTIFICATE----- line";
  ERR_clear_error();
  std::vector<X509Ptr> certificates;
  const BioPtr text = bio_over(pem);
  while (X509Ptr one{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)})
    certificates.push_back(std::move(one));
  // The end of the text is an error to OpenSSL, too.
  const unsigned long code = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  if (!at_end) {
    return fail(fmt::format("{} is cut off or damaged: certificate {} cannot be read ({}); {}",
                            what, certificates.size() + 1, reason, kRemedy));
  }
  if (const std::string damage = damage_of_lines(pem); !damage.empty())
    return fail(fmt::format("{} is cut off or damaged: {}; {}", what, damage, kRemedy));
  if (certificates.empty())
    return fail(fmt::format("{} is not PEM (expected -----BEGIN CERTIFICATE-----)", what));
  return certificates;
}

}  // namespace gracekeeper::io
