#include <gtest/gtest.h>

#include "explain_pods.h"
#include "report/explain_report.h"
namespace gracekeeper {
TEST(ExplainText, X) {
  std::vector<ExplainedPod> pods{
      test::contract_pod(), test::question_pod(),   test::native_pod(), test::many_containers(),
      test::short_pod(),    test::day_of_waiting(), test::endless_job()};
  puts(render_explain_text(pods, {.color = false, .width = 100, .unicode = true}).c_str());
  puts(render_explain_text(pods, {.color = false, .width = 60, .unicode = false}).c_str());
  puts(render_explain_json(std::span(pods).first(1)).c_str());
}
}  // namespace gracekeeper
