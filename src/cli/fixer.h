// `check --fix`: the findings that have one right answer, mended in the text of the manifests.
//
//   Inputs inputs(paths);
//   const auto mended = mend_inputs(inputs, policy, {});
//   check_inputs(inputs, policy)       // speaks of the mended texts: `inputs` has them now
//   write_back(mended)                 // and now the files
//
// Round after round, since mending one thing can bring up another: an annotation that is moved to
// where it has its effect can make terminationGracePeriodSeconds too short. That one comes last,
// because all others decide what it has to be.
#pragma once

#include <string>
#include <vector>

#include "cli/inputs.h"
#include "core/result.h"
#include "decision/policy.h"
#include "report/baseline.h"

namespace gracekeeper::cli {

struct MendRemark {
  std::string file;
  Position before;  // where it stands in the file as it was
  Position after;   // and as it is then; of what was mended the same as `before`
  std::string rule;
  std::string text;  // what was done, or why nothing was
};

struct MendedFile {
  std::string name;
  std::string before;
  std::string after;
};

struct Mended {
  std::vector<MendRemark> fixed;  // by file and line
  std::vector<MendRemark> left;   // of the rules that mend, in the order of the report
  std::vector<MendedFile> files;  // those that change
};

// What the baseline accepts is left alone. Nothing is written: `inputs` gives the mended texts from
// then on.
Mended mend_inputs(Inputs& inputs, const Policy& policy, const Baseline& accepted);

// Writes the files, each at once and with its mode, and only when it still is what was read. The
// errors of those that could not be written; nothing counts as fixed there. The others are written.
std::vector<Error> write_back(Mended& mended);

// "fixed web.yaml:14 GK001: set …" and "left web.yaml:20 GK004: …", one a line. `written` is false
// when the files stay as they were: then the lines are those of the old text.
std::string render_remarks(const Mended& mended, bool written);

}  // namespace gracekeeper::cli
