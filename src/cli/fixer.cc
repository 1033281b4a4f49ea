#include "cli/fixer.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <variant>

#include "cli/checker.h"
#include "codec/document.h"
#include "codec/source_edit.h"
#include "io/files.h"
#include "report/text_encoding.h"

namespace gracekeeper::cli {
namespace {

// What makes a finding the same one from round to round: not its line, which moves.
using Identity = std::tuple<std::string, std::size_t, std::string, std::string, std::string>;

Identity identity(const LocatedFinding& located) {
  return {located.file, located.place.document, to_string(located.place.path), located.finding.rule,
          to_string(located.finding.path)};
}

bool can_mend(const Fix& fix) {
  return !std::holds_alternative<std::monostate>(fix) && !std::holds_alternative<NoFix>(fix);
}

bool is_grace_period(const LocatedFinding& located) { return located.finding.rule == "GK001"; }

class Fixer {
 public:
  Fixer(Inputs& inputs, const Policy& policy, const Baseline& accepted)
      : inputs_(inputs), policy_(policy), accepted_(accepted) {}

  Mended mend() {
    while (true) {
      const auto findings = look();
      const auto round = choose(findings);
      if (round.empty()) {
        finish(findings);
        return std::move(mended_);
      }
      make(round);
    }
  }

 private:
  using Round = std::map<std::string, std::vector<const LocatedFinding*>>;  // by file

  std::vector<LocatedFinding> look() {
    return compare(check_inputs(inputs_, policy_), accepted_).fresh.findings;
  }

  // At most one for each object: what it changes may change the others. The last in the text comes
  // first, so that several that move to one place keep their order.
  [[nodiscard]] Round choose(const std::vector<LocatedFinding>& findings) const {
    std::vector<const LocatedFinding*> open;
    for (const auto& located : findings) {
      if (can_mend(located.finding.fix) && !tried_.contains(identity(located)))
        open.push_back(&located);
    }
    if (!std::all_of(open.begin(), open.end(), [](const auto* l) { return is_grace_period(*l); }))
      std::erase_if(open, [](const auto* located) { return is_grace_period(*located); });

    std::map<std::tuple<std::string, std::size_t, std::string>, const LocatedFinding*> chosen;
    for (const auto* located : open) {
      auto& one = chosen[{located->file, located->place.document, to_string(located->place.path)}];
      if (one == nullptr || one->position.line < located->position.line) one = located;
    }
    Round round;
    for (const auto& [object, located] : chosen) round[located->file].push_back(located);
    return round;
  }

  void make(const Round& round) {
    // Read before anything is replaced; a file that was given twice is mended once.
    std::map<std::string, std::string> texts;
    std::vector<Error> reported_by_the_check;
    inputs_.for_each_file(
        [&](const InputFile& file) {
          if (round.contains(file.name)) texts.emplace(file.name, file.text);
        },
        reported_by_the_check);
    for (const auto& [name, findings] : round) {
      // What cannot be read any more counts as tried too, so that the rounds come to an end.
      edit(name, texts[name], findings);
    }
  }

  void edit(const std::string& name, const std::string& text,
            const std::vector<const LocatedFinding*>& findings) {
    std::vector<SourceEdit> edits;
    edits.reserve(findings.size());
    for (const auto* located : findings) {
      edits.push_back({.document = located->place.document,
                       .fix = below(located->place.path, located->finding.fix)});
    }
    auto edited = edit_source(text, edits);
    for (std::size_t i = 0; i < findings.size(); ++i) {
      const auto& located = *findings[i];
      const bool made = edited.refusals[i].empty();
      tried_[identity(located)] = made ? "it came back after it was mended" : edited.refusals[i];
      if (made) fixed_.push_back(located);
    }
    if (edited.text == text) return;
    originals_.emplace(name, text);
    inputs_.replace(name, std::move(edited.text));
  }

  void finish(const std::vector<LocatedFinding>& findings) {
    for (const auto& located : fixed_) {
      const auto before = original_position(located);
      mended_.fixed.push_back({.file = located.file,
                               .before = before,
                               .after = before,
                               .rule = located.finding.rule,
                               .text = describe(located.finding.fix)});
    }
    std::stable_sort(mended_.fixed.begin(), mended_.fixed.end(),
                     [](const MendRemark& a, const MendRemark& b) {
                       return std::tie(a.file, a.before.line) < std::tie(b.file, b.before.line);
                     });
    for (const auto& located : findings) {
      auto reason = why_left(located);
      if (!reason) continue;
      mended_.left.push_back({.file = located.file,
                              .before = original_position(located),
                              .after = located.position,
                              .rule = located.finding.rule,
                              .text = std::move(*reason)});
    }
    for (auto& [name, text] : originals_)
      mended_.files.push_back({name, std::move(text), inputs_.replacement(name)});
  }

  [[nodiscard]] std::optional<std::string> why_left(const LocatedFinding& located) const {
    if (const auto* no_fix = std::get_if<NoFix>(&located.finding.fix)) return no_fix->reason;
    const auto tried = tried_.find(identity(located));
    return tried == tried_.end() ? std::nullopt : std::optional(tried->second);
  }

  // Where a finding stands in the text as it was; of what was moved there since, its new home.
  Position original_position(const LocatedFinding& located) {
    const auto original = originals_.find(located.file);
    if (original == originals_.end()) return located.position;
    auto [known, is_new] = documents_.try_emplace(located.file);
    if (is_new) known->second = read_documents(original->second, located.file);
    const auto* document = std::get_if<Document>(&known->second.items.at(located.place.document));
    return document == nullptr
               ? located.position
               : document->positions.locate(located.place.path / located.finding.path);
  }

  Inputs& inputs_;
  const Policy& policy_;
  const Baseline& accepted_;
  std::map<Identity, std::string> tried_;  // and why it is left, should it be found again
  std::vector<LocatedFinding> fixed_;
  std::map<std::string, std::string> originals_;  // of the files that changed
  std::map<std::string, DocumentStream> documents_;
  Mended mended_;
};

std::optional<Error> write_one(const MendedFile& file) {
  const auto now = io::read_file(file.name);
  if (!now) return now.error();
  if (*now == file.after) return std::nullopt;  // it has two names, and was written under the other
  if (*now != file.before) {
    return Error{.message = "it was changed by somebody else meanwhile and is left as it is",
                 .file = file.name,
                 .position = {},
                 .path = {}};
  }
  const auto written = io::rewrite_file(file.name, file.after);
  return written ? std::nullopt : std::optional(written.error());
}

std::string line_of(std::string_view word, const MendRemark& remark, Position position) {
  return escape_for_terminal(fmt::format("{} {}:{} {}: {}", word, remark.file, position.line,
                                         remark.rule, remark.text)) +
         '\n';
}

}  // namespace

Mended mend_inputs(Inputs& inputs, const Policy& policy, const Baseline& accepted) {
  return Fixer(inputs, policy, accepted).mend();
}

std::vector<Error> write_back(Mended& mended) {
  std::vector<Error> errors;
  for (const auto& file : mended.files) {
    auto error = write_one(file);
    if (!error) continue;
    std::erase_if(mended.fixed, [&](const auto& remark) { return remark.file == file.name; });
    errors.push_back(std::move(*error));
  }
  return errors;
}

std::string render_remarks(const Mended& mended, bool written) {
  std::string out;
  for (const auto& remark : mended.fixed)
    out += line_of(written ? "fixed" : "would fix", remark, remark.before);
  for (const auto& remark : mended.left)
    out += line_of("left", remark, written ? remark.after : remark.before);
  return out;
}

}  // namespace gracekeeper::cli
