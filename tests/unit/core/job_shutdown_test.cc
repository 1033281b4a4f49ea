#include "core/job_shutdown.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/annotations.h"
#include "core/assessment.h"
#include "pods.h"

namespace gracekeeper {
namespace {

using testing::annotated;
using testing::container;
using testing::pod_of;
using testing::subject_of;

Container working(std::string name, std::vector<std::string> command = {"/app/work", "--all"}) {
  auto made = container(std::move(name));
  made.command = std::move(command);
  return made;
}

Pod job(std::initializer_list<Container> containers, std::string_view ask = "await") {
  auto pod = pod_of(containers, annotated({{annotation::kInject, "enabled"},
                                           {annotation::kNative, "false"},
                                           {annotation::kJobShutdown, ask}}));
  pod.restart_policy = "Never";
  return pod;
}

std::string plan(const Pod& pod) {
  static const Configuration plain;
  const auto subject = subject_of(pod, Subject::Kind::Job);
  const auto a = assess(subject, nullptr, plain);
  switch (a.job_shutdown.kind) {
    case JobShutdown::Kind::NotAsked:
      return "not asked";
    case JobShutdown::Kind::NotNeeded:
      return "not needed";
    case JobShutdown::Kind::Done:
      return "done";
    case JobShutdown::Kind::Impossible:
      return a.job_shutdown.reason;
    case JobShutdown::Kind::Wrap:
      return fmt::format("{}: {}", a.job_shutdown.container,
                         fmt::join(wrapped_command(a.job_shutdown, 4191), " "));
  }
  return "";
}

TEST(JobShutdown, WrapsTheOneContainerThatWorks) {
  EXPECT_EQ(plan(job({working("work")})), "work: linkerd-await --shutdown -- /app/work --all");
  EXPECT_EQ(plan(job({working("work"), container("linkerd-debug")})),
            "work: linkerd-await --shutdown -- /app/work --all");
}

TEST(JobShutdown, WrapsTheNamedContainerOfSeveral) {
  EXPECT_EQ(plan(job({working("fetch"), working("work")}, " await= work ")),
            "work: linkerd-await --shutdown -- /app/work --all");
}

TEST(JobShutdown, TakesTheStatedProgram) {
  auto pod = job({working("work")});
  pod.annotations.emplace(annotation::kAwaitProgram, AnnotationValue{"/bin/linkerd-await"});
  EXPECT_EQ(plan(pod), "work: /bin/linkerd-await --shutdown -- /app/work --all");
}

TEST(JobShutdown, TellsLinkerdAwaitAnotherPort) {
  const JobShutdown asked{.kind = JobShutdown::Kind::Wrap,
                          .container = "work",
                          .command = {"work"},
                          .program = "linkerd-await"};
  EXPECT_EQ(wrapped_command(asked, 5191),
            (std::vector<std::string>{"linkerd-await", "--shutdown", "--port=5191", "--", "work"}));
}

TEST(JobShutdown, LeavesAPodAloneThatItCouldMakeWorse) {
  EXPECT_EQ(
      plan(job({container("work")})),
      "container work has no command in the manifest, and that of its image is not known here");
  EXPECT_EQ(
      plan(job({working("a"), working("b")})),
      "the pod has several containers (a, b), and none may lose its proxy before it has ended");
  EXPECT_EQ(plan(job({working("a")}, "await=b")), "the pod has no container \"b\"");
  EXPECT_EQ(plan(job({working("a", {"linkerd-await", "--", "work"})})),
            "container a starts linkerd-await itself, without --shutdown");
  EXPECT_EQ(plan(job({working("a"), container("istio-proxy")})),
            "linkerd-await does not stop Istio's proxy");
  EXPECT_EQ(plan(job({working("a"), container("linkerd-proxy")})),
            "the proxy in the pod has no shutdown endpoint");
  auto pod = job({working("a")});
  pod.restart_policy = "OnFailure";
  EXPECT_EQ(
      plan(pod),
      "with restartPolicy OnFailure a command that fails is started again beside a proxy that "
      "has been shut down");
  pod.restart_policy = "";
  EXPECT_EQ(plan(pod), "with restartPolicy Always the pod is not a Job's");
  auto closed = job({working("a")});
  closed.annotations.emplace(annotation::kAdminShutdown, AnnotationValue{"disabled"});
  EXPECT_EQ(plan(closed), "config.linkerd.io/proxy-admin-shutdown is disabled");
}

TEST(JobShutdown, HasNothingToDo) {
  EXPECT_EQ(plan(job({working("a", {"linkerd-await", "--shutdown", "--", "work"})})), "done");
  auto native = job({working("a")});
  native.annotations.erase(native.annotations.find(annotation::kNative));
  EXPECT_EQ(plan(native), "not needed");
  auto silent = job({working("a")});
  silent.annotations.erase(silent.annotations.find(annotation::kJobShutdown));
  EXPECT_EQ(plan(silent), "not asked");
  EXPECT_EQ(plan(job({working("a")}, "yes")), "not asked");
}

TEST(JobShutdown, ANamespaceAsksForItsJobs) {
  static const Configuration plain;
  const Namespace where{.name = "shop",
                        .annotations = annotated({{annotation::kInject, "enabled"},
                                                  {annotation::kNative, "false"},
                                                  {annotation::kJobShutdown, "await"}})};
  auto pod = pod_of({working("work")});
  const auto kind = [&] {
    const auto subject = subject_of(pod);
    return assess(subject, &where, plain).job_shutdown.kind;
  };
  EXPECT_EQ(kind(), JobShutdown::Kind::NotAsked);
  pod.restart_policy = "Never";
  EXPECT_EQ(kind(), JobShutdown::Kind::Wrap);
}

}  // namespace
}  // namespace gracekeeper
