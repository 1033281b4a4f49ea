#include <fstream>
#include <gtest/gtest.h>

#include "explain_pods.h"
#include "report/explain_report.h"
namespace gracekeeper {
TEST(ExplainSvg, X) {
  std::vector<ExplainedPod> pods{
      test::contract_pod(), test::question_pod(),   test::native_pod(), test::many_containers(),
      test::short_pod(),    test::day_of_waiting(), test::endless_job()};
  std::ofstream("/tmp/ex/all.html") << render_explain_html(pods, "Termination of 7 pods");
  for (std::size_t i = 0; i < pods.size(); ++i)
    std::ofstream("/tmp/ex/" + std::to_string(i) + ".svg") << render_explain_svg(pods[i]);
}
}  // namespace gracekeeper
