// A baseline: the findings that a project has accepted, so that only new ones fail its build.
//
//   const Result<Baseline> baseline = parse_baseline(text_of_the_file);
//   const BaselineComparison compared = compare(report, *baseline);
//   // compared.fresh has the findings that are new, and counts the others in summary.known
//
// The file is meant for version control: sorted, one finding a line, no line numbers.
//
//   {
//     "version": 1,
//     "findings": [
//       {"rule":"GK001","file":"web.yaml","object":"Deployment/web","namespace":"shop",
//        "container":"web","path":"spec.template.spec.terminationGracePeriodSeconds",
//        "severity":"warning","count":1}
//     ]
//   }
//
// (each finding on one line). People may add other keys, a "reason" for example. Who accepts a
// warning has not accepted the error that it becomes: a graver finding is new. An entry without a
// severity accepts any.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/result.h"
#include "report/check_place.h"
#include "report/check_report.h"

namespace gracekeeper {

struct Baseline {
  // How many findings with that fingerprint are accepted: of three alike, two accepted, one is new.
  struct Accepted {
    std::int64_t count = 0;
    Severity gravest = Severity::Info;
    bool operator==(const Accepted&) const = default;
  };
  std::map<Fingerprint, Accepted> accepted;
  bool operator==(const Baseline&) const = default;
};

Baseline baseline_of(const CheckReport& report);
std::string render_baseline(const CheckReport& report);

// Errors have the position of a syntax error, else the path of what is wrong; the caller adds the
// file's name.
Result<Baseline> parse_baseline(std::string_view text);

struct BaselineComparison {
  // The report without the accepted findings: its errors, warnings and infos count what is left,
  // its `known` what was taken out.
  CheckReport fresh;
  std::int64_t gone = 0;  // accepted, and no longer found: the baseline can be written anew
};
BaselineComparison compare(const CheckReport& report, const Baseline& baseline);

}  // namespace gracekeeper
