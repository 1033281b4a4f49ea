#include "report/baseline.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

#include "report/json_text.h"

namespace gracekeeper {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kVersion = 1;
constexpr std::uint64_t kMostAlike = 1'000'000;

tl::unexpected<Error> fail_at(std::string path, std::string message) {
  return tl::make_unexpected(
      Error{.message = std::move(message), .file = {}, .position = {}, .path = std::move(path)});
}

Position position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line_start = before.rfind('\n');
  const std::size_t column =
      line_start == std::string_view::npos ? before.size() : before.size() - line_start - 1;
  return {.line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          .column = static_cast<int>(column) + 1};
}

Result<Json> parse_json(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    // `byte` counts from 1 and is the last byte read.
    return tl::make_unexpected(
        Error{.message = "not valid JSON: expected a baseline as `gracekeeper check` writes it",
              .file = {},
              .position = position_of(text, error.byte == 0 ? 0 : error.byte - 1),
              .path = {}});
  }
}

// A text member of an entry. `nullable`: null or nothing stands for "".
Result<std::string> text_member(const Json& entry, const std::string& path, const char* key,
                                bool nullable) {
  const auto member = entry.find(key);
  if (member == entry.end() || member->is_null()) {
    if (nullable) return std::string();
    return fail_at(path + "." + key, "missing: expected text");
  }
  if (!member->is_string()) {
    return fail_at(path + "." + key, fmt::format("expected text, got {}", member->type_name()));
  }
  return member->get<std::string>();
}

Result<std::int64_t> count_member(const Json& entry, const std::string& path) {
  const auto member = entry.find("count");
  if (member == entry.end()) return 1;
  // Unsigned in nlohmann's sense: written as an integer without a sign.
  if (!member->is_number_unsigned() || member->get<std::uint64_t>() < 1 ||
      member->get<std::uint64_t>() > kMostAlike) {
    return fail_at(path + ".count",
                   fmt::format("expected a whole number from 1 to {}, got {}", kMostAlike,
                               member->dump(-1, ' ', false, Json::error_handler_t::replace)));
  }
  return member->get<std::int64_t>();
}

// Without one, any.
Result<Severity> severity_member(const Json& entry, const std::string& path) {
  const auto member = entry.find("severity");
  if (member == entry.end() || member->is_null()) return Severity::Error;
  for (const auto severity : {Severity::Error, Severity::Warning, Severity::Info}) {
    if (*member == to_string(severity)) return severity;
  }
  return fail_at(path + ".severity",
                 fmt::format("expected error, warning or info, got {}",
                             member->dump(-1, ' ', false, Json::error_handler_t::replace)));
}

void accept(Baseline& baseline, Fingerprint found, std::int64_t count, Severity severity) {
  auto& accepted = baseline.accepted[std::move(found)];
  accepted.count += count;
  accepted.gravest = std::max(accepted.gravest, severity);
}

std::optional<Error> read_entry(const Json& entry, const std::string& path, Baseline& baseline) {
  if (!entry.is_object()) {
    return Error{.message = fmt::format("expected an object, got {}", entry.type_name()),
                 .file = {},
                 .position = {},
                 .path = path};
  }
  const struct {
    const char* key;
    std::string Fingerprint::*target;
    bool nullable;
  } members[] = {{"rule", &Fingerprint::rule, false},
                 {"file", &Fingerprint::file, false},
                 {"object", &Fingerprint::object, false},
                 {"namespace", &Fingerprint::namespace_name, true},
                 {"container", &Fingerprint::container, true},
                 {"path", &Fingerprint::path, true}};
  Fingerprint found;
  for (const auto& member : members) {
    auto text = text_member(entry, path, member.key, member.nullable);
    if (!text) return text.error();
    found.*member.target = std::move(*text);
  }
  found.file = normal_file(found.file);
  const auto count = count_member(entry, path);
  if (!count) return count.error();
  const auto severity = severity_member(entry, path);
  if (!severity) return severity.error();
  accept(baseline, std::move(found), *count, *severity);
  return std::nullopt;
}

std::int64_t& count_of(CheckSummary& summary, Severity severity) {
  switch (severity) {
    case Severity::Error:
      return summary.errors;
    case Severity::Warning:
      return summary.warnings;
    case Severity::Info:
      break;
  }
  return summary.infos;
}

}  // namespace

Baseline baseline_of(const CheckReport& report) {
  Baseline baseline;
  for (const LocatedFinding& located : report.findings)
    accept(baseline, fingerprint(located), 1, located.finding.severity);
  return baseline;
}

std::string render_baseline(const CheckReport& report) {
  std::string out = fmt::format("{{\n  \"version\": {},\n  \"findings\": [", kVersion);
  std::string_view separator = "\n";
  for (const auto& [found, accepted] : baseline_of(report).accepted) {
    out += fmt::format(
        "{}    {{\"rule\":{},\"file\":{},\"object\":{},\"namespace\":{},\"container\":{},"
        "\"path\":{},\"severity\":{},\"count\":{}}}",
        separator, json_string(found.rule), json_string(found.file), json_string(found.object),
        json_string(found.namespace_name),
        found.container.empty() ? "null" : json_string(found.container), json_string(found.path),
        json_string(to_string(accepted.gravest)), accepted.count);
    separator = ",\n";
  }
  return out + (report.findings.empty() ? "]\n}\n" : "\n  ]\n}\n");
}

Result<Baseline> parse_baseline(std::string_view text) {
  const auto document = parse_json(text);
  if (!document) return tl::make_unexpected(document.error());
  if (!document->is_object()) {
    return fail(fmt::format("expected an object with \"version\" and \"findings\", got {}",
                            document->type_name()));
  }
  const auto version = document->find("version");
  if (version == document->end()) {
    return fail_at("version", fmt::format("missing: expected {}", kVersion));
  }
  if (!version->is_number_integer() || *version != kVersion) {
    return fail_at("version",
                   fmt::format("expected {}, got {}", kVersion,
                               version->dump(-1, ' ', false, Json::error_handler_t::replace)));
  }
  const auto findings = document->find("findings");
  if (findings == document->end()) return fail_at("findings", "missing: expected a list");
  if (!findings->is_array()) {
    return fail_at("findings", fmt::format("expected a list, got {}", findings->type_name()));
  }
  Baseline baseline;
  for (std::size_t index = 0; index < findings->size(); ++index) {
    auto error = read_entry((*findings)[index], fmt::format("findings[{}]", index), baseline);
    if (error) return tl::make_unexpected(std::move(*error));
  }
  return baseline;
}

BaselineComparison compare(const CheckReport& report, const Baseline& baseline) {
  Baseline left = baseline;
  BaselineComparison result{.fresh = {.findings = {},
                                      .summary = report.summary,
                                      .input_errors = report.input_errors,
                                      .not_read = report.not_read}};
  for (const LocatedFinding& located : report.findings) {
    const auto accepted = left.accepted.find(fingerprint(located));
    if (accepted == left.accepted.end() || accepted->second.count == 0 ||
        located.finding.severity > accepted->second.gravest) {
      result.fresh.findings.push_back(located);
      continue;
    }
    --accepted->second.count;
    --count_of(result.fresh.summary, located.finding.severity);
    ++result.fresh.summary.known;
  }
  for (const auto& [found, accepted] : left.accepted) result.gone += accepted.count;
  return result;
}

}  // namespace gracekeeper
