// The chart of a page: shared by the picture of its own and the HTML page.
#pragma once

#include <string>
#include <string_view>

#include "report/explain_report.h"

namespace gracekeeper::explain_svg {

// Colours and hatching as CSS, for light, dark and print. Everything stands under `.gk-chart`.
std::string_view chart_style();

// An <svg> element; `id` (a plain word) keeps the patterns of several charts in one page apart.
// With `style`, the CSS goes inside.
std::string chart(const ExplainedPod& pod, std::string_view id, bool style);

}  // namespace gracekeeper::explain_svg
