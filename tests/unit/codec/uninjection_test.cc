#include "codec/uninjection.h"

#include <gtest/gtest.h>
#include <string>

namespace gracekeeper {
namespace {

using Json = nlohmann::ordered_json;

// The command of the one app container of a pod that uninject has taken the proxy from.
std::string command_after(const Json& command, const char* annotation, const char* proxy) {
  Json pod{{"metadata", {{"annotations", {{annotation, "await"}}}}},
           {"spec",
            {{"containers",
              {{{"name", proxy}, {"image", "x"}}, {{"name", "work"}, {"command", command}}}}}}};
  remove_linkerd(pod, FieldPath{});
  return pod["spec"]["containers"].back()["command"].dump();
}

struct Row {
  std::string_view claim;
  Json command;
  std::string_view expected;
};

TEST(Uninjection, TakesAwayWhatWaitsForTheProxy) {
  const Row rows[] = {
      {"wrapped", {"linkerd-await", "--shutdown", "--", "work", "--all"}, R"(["work","--all"])"},
      {"with a path and a port",
       {"/bin/linkerd-await", "--shutdown", "--port=5191", "--", "work"},
       R"(["work"])"},
      {"another program",
       {"tini", "--shutdown", "--", "work"},
       R"(["tini","--shutdown","--","work"])"},
      {"options that are not this program's",
       {"linkerd-await", "--timeout=1m", "--shutdown", "--", "work"},
       R"(["linkerd-await","--timeout=1m","--shutdown","--","work"])"},
      {"nothing behind it",
       {"linkerd-await", "--shutdown", "--"},
       R"(["linkerd-await","--shutdown","--"])"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    EXPECT_EQ(command_after(row.command, "gracekeeper.dev/job-shutdown", "linkerd-proxy"),
              row.expected);
  }
}

TEST(Uninjection, LeavesACommandThatSomebodyElseHasWrapped) {
  const Json command{"linkerd-await", "--shutdown", "--", "work"};
  EXPECT_EQ(command_after(command, "example.com/other", "linkerd-proxy"), command.dump());
}

TEST(Uninjection, LeavesTheCommandWhereThereWasNoProxy) {
  const Json command{"linkerd-await", "--shutdown", "--", "work"};
  EXPECT_EQ(command_after(command, "gracekeeper.dev/job-shutdown", "other"), command.dump());
}

TEST(Uninjection, TakesAwayTheProgramOfAWaitThatEndsWithTheApp) {
  const auto named = [](const char* name) { return Json{{"name", name}}; };
  Json pod{{"spec",
            {{"initContainers", {named("migrate"), named("gracekeeper-await-app")}},
             {"containers", {named("linkerd-proxy"), named("work")}},
             {"volumes", {named("data"), named("gracekeeper-await-app")}}}}};
  remove_linkerd(pod, FieldPath{});
  EXPECT_EQ(pod["spec"].dump(),
            R"({"initContainers":[{"name":"migrate"}],"containers":[{"name":"work"}],)"
            R"("volumes":[{"name":"data"}]})");
  // Without a proxy it is somebody else's.
  Json other{{"spec", {{"initContainers", {named("gracekeeper-await-app")}}}}};
  const auto before = other.dump();
  remove_linkerd(other, FieldPath{});
  EXPECT_EQ(other.dump(), before);
}

TEST(Uninjection, LeavesTheProgramThatAnotherSidecarRuns) {
  const auto named = [](const char* name) { return Json{{"name", name}}; };
  Json sidecar = named("sidecar");
  sidecar["volumeMounts"] = Json::array({named("gracekeeper-await-app")});
  Json helper = named("gracekeeper-await-app");
  helper["volumeMounts"] = sidecar["volumeMounts"];
  const Json rest{{"initContainers", Json::array({helper})},
                  {"containers", Json::array({sidecar})},
                  {"volumes", Json::array({named("gracekeeper-await-app")})}};
  Json pod{{"spec", rest}};
  pod["spec"]["containers"].push_back(named("linkerd-proxy"));
  remove_linkerd(pod, FieldPath{});
  EXPECT_EQ(pod["spec"], rest);
  // That of the helper itself keeps nothing.
  pod["spec"]["containers"] = Json::array({named("work"), named("linkerd-proxy")});
  remove_linkerd(pod, FieldPath{});
  EXPECT_EQ(pod["spec"].dump(), R"({"containers":[{"name":"work"}]})");
}

}  // namespace
}  // namespace gracekeeper
