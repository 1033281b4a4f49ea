// Manifests before and after `check --fix`, and what it says about them.
#include "cli/fixer.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "../io/temporary_folder.h"
#include "cli/checker.h"
#include "io/files.h"

namespace gracekeeper::cli {
namespace {

using io::test::TemporaryFolder;

constexpr const char* kWaitKey = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds";
constexpr const char* kGraceKey = "config.linkerd.io/shutdown-grace-period";

struct Run {
  std::string text;     // of the file afterwards
  std::string remarks;  // file names without the folder
};

std::string without(std::string text, const std::string& folder) {
  for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
    text.erase(at, folder.size());
  return text;
}

// Mends one manifest, writes it, and sees that a second time changes nothing.
Run fix(const std::string& before, const Policy& policy = {}, const Baseline& accepted = {}) {
  const TemporaryFolder folder;
  const auto file = folder.put("web.yaml", before);
  Inputs inputs({file});
  auto mended = mend_inputs(inputs, policy, accepted);
  for (const auto& error : write_back(mended)) ADD_FAILURE() << to_string(error);
  auto text = io::read_file(file).value_or("");

  Inputs again({file});
  const auto second = mend_inputs(again, policy, accepted);
  EXPECT_TRUE(second.fixed.empty()) << render_remarks(second, true);
  EXPECT_TRUE(second.files.empty());
  return {std::move(text), without(render_remarks(mended, true), folder.at(""))};
}

std::string deployment(const std::string& annotations, const std::string& spec) {
  return "# The web shop.\n"
         "apiVersion: apps/v1\n"
         "kind: Deployment\n"
         "metadata:\n"
         "  name: web\n"
         "spec:\n"
         "  template:\n"
         "    metadata:\n"
         "      annotations:\n"
         "        linkerd.io/inject: enabled\n" +
         annotations + "    spec:\n" + spec +
         "      containers:\n"
         "      - name: web # the one\n";
}

std::string annotation(const std::string& key, const std::string& value) {
  return "        " + key + ": " + value + "\n";
}

const std::string kTimes = annotation(kWaitKey, "\"20\"") + annotation(kGraceKey, "30s");
constexpr const char* kShort = "      terminationGracePeriodSeconds: 30  # seconds\n";
constexpr const char* kEnough = "      terminationGracePeriodSeconds: 60  # seconds\n";

TEST(Fixer, SetsTheGracePeriodThatIsNeeded) {
  const auto written = fix(deployment(kTimes, kShort));
  EXPECT_EQ(written.text, deployment(kTimes, kEnough));
  EXPECT_EQ(
      written.remarks,
      "fixed web.yaml:14 GK001: set spec.template.spec.terminationGracePeriodSeconds to 60\n");

  const auto missing = fix(deployment(kTimes, ""));
  EXPECT_EQ(missing.text, deployment(kTimes, "      terminationGracePeriodSeconds: 60\n"));
  EXPECT_EQ(
      missing.remarks,
      "fixed web.yaml:13 GK001: set spec.template.spec.terminationGracePeriodSeconds to 60\n");
}

TEST(Fixer, MendsWarningsToo) {
  EXPECT_EQ(fix(deployment(annotation(kWaitKey, "\"20\""), kShort)).text,
            deployment(annotation(kWaitKey, "\"20\""),
                       "      terminationGracePeriodSeconds: 150  # seconds\n"));
}

TEST(Fixer, LeavesWhatThePolicyForbidsOrTheClusterMends) {
  Policy capped;
  capped.configuration.max_termination_grace_period_seconds = 59;
  const auto text = deployment(kTimes, kShort);
  const auto left = fix(text, capped);
  EXPECT_EQ(left.text, text);
  EXPECT_EQ(left.remarks,
            "left web.yaml:14 GK001: 60 is needed, and maxTerminationGracePeriodSeconds allows at "
            "most 59\n");

  Policy raising;
  raising.configuration.on_shortfall = OnShortfall::Raise;
  const auto raised = fix(text, raising);
  EXPECT_EQ(raised.text, text);
  EXPECT_EQ(raised.remarks, "");
}

// A number that is too small for the hook would look like an answer.
TEST(Fixer, WritesNoGracePeriodWhereAHookIsOfUnknownLength) {
  const auto with_hook = [](const std::string& command) {
    return deployment(kTimes, kShort) + "        lifecycle: {preStop: {exec: {command: [" +
           command + "]}}}\n";
  };
  for (const auto& [command, counted] : std::vector<std::pair<std::string, std::string>>{
           {"/app/drain", "0 s"}, {"sh, -c, \"sleep 5; drain\"", "at least 5 s"}}) {
    const auto text = with_hook(command);
    const auto left = fix(text);
    EXPECT_EQ(left.text, text);
    EXPECT_EQ(left.remarks,
              "left web.yaml:14 GK001: a preStop hook of unknown length is counted as " + counted +
                  ": its time has to be added by hand\n");
  }
  EXPECT_EQ(
      fix(with_hook("/bin/sleep, \"5\"")).remarks,
      "fixed web.yaml:14 GK001: set spec.template.spec.terminationGracePeriodSeconds to 65\n");
}

TEST(Fixer, LeavesWhatIsIgnoredOrAccepted) {
  for (const auto& text :
       {deployment(kTimes, "      # gracekeeper:ignore GK001 soon\n" + std::string(kShort)),
        deployment(kTimes + annotation("gracekeeper.dev/ignore", "GK001,GK002"), kShort)}) {
    const auto ignored = fix(text);
    EXPECT_EQ(ignored.text, text);
    EXPECT_EQ(ignored.remarks, "");
  }

  const TemporaryFolder folder;
  const auto file = folder.put("web.yaml", deployment(kTimes, kShort));
  const auto accepted = baseline_of(check_inputs({file}, Policy{}));
  Inputs inputs({file});
  EXPECT_EQ(render_remarks(mend_inputs(inputs, Policy{}, accepted), true), "");
}

TEST(Fixer, SpellsValuesAsTheyAreRead) {
  struct Value {
    const char* key;
    const char* before;
    const char* after;
  };
  const Value values[] = {
      {kWaitKey, "30s", "\"30\""},
      {kWaitKey, "'1m30s' # long", "'90' # long"},
      {kWaitKey, "\"+5\"", "\"5\""},
      {kWaitKey, "\" 5 \"", "\"5\""},
      {kWaitKey, "20", "\"20\""},
      {kWaitKey, "+20", "\"20\""},
      {kGraceKey, "\"30\"", "\"30s\""},
      {kGraceKey, "30", "30s"},
      {kGraceKey, "\"30 s\"", "\"30s\""},
      {"gracekeeper.dev/app-shutdown", "25", "\"25\""},
      {"gracekeeper.dev/app-shutdown", "\"2 m\"", "\"2m\""},
      {"gracekeeper.dev/app-prestop-sleep", "5", "\"5\""},
      {"config.linkerd.io/proxy-enable-native-sidecar", "true", "\"true\""},
      {"config.linkerd.io/proxy-enable-native-sidecar", "yes", "\"true\""},
  };
  constexpr const char* plenty = "      terminationGracePeriodSeconds: 9999\n";
  for (const auto& [key, before, after] : values) {
    SCOPED_TRACE(before);
    const auto done = fix(deployment(annotation(key, before), plenty));
    EXPECT_EQ(done.text, deployment(annotation(key, after), plenty));
    EXPECT_TRUE(done.remarks.starts_with("fixed web.yaml:11 GK004: set ")) << done.remarks;
  }
}

TEST(Fixer, LeavesValuesOfWhichNobodyKnowsWhatWasMeant) {
  struct Value {
    const char* key;
    const char* value;
    const char* reason;
  };
  constexpr const char* not_sure = "no single value is sure to be meant";
  const Value values[] = {
      {kWaitKey, "\"0.5\"", not_sure},
      {kWaitKey, "1500ms", not_sure},
      {kWaitKey, "\"-5\"", not_sure},
      {kWaitKey, "\"1 0\"", not_sure},
      {kWaitKey, "soon", not_sure},
      {kWaitKey, "true", not_sure},
      {kWaitKey, "030", "YAML reads 030 as 24: which of the two is meant is not sure"},
      {kWaitKey, "|\n          30s", "it is a block scalar (| or >)"},
      {kGraceKey, "\"-5s\"", not_sure},
      {kGraceKey, "30S", not_sure},
      {"gracekeeper.dev/on-shortfall", "rise", not_sure},
      {"gracekeeper.dev/app-shutdown", "web=5s,worker=5s", not_sure},
      {"gracekeeper.dev/ignore", "GK999", "which rule is meant is a guess"},
  };
  constexpr const char* plenty = "      terminationGracePeriodSeconds: 9999\n";
  for (const auto& [key, value, reason] : values) {
    SCOPED_TRACE(value);
    const auto text = deployment(annotation(key, value), plenty);
    const auto left = fix(text);
    EXPECT_EQ(left.text, text);
    EXPECT_EQ(left.remarks, std::string("left web.yaml:11 GK004: ") + reason + "\n");
  }
}

TEST(Fixer, RenamesAKeyOnlyWhenOneIsMeant) {
  constexpr const char* plenty = "      terminationGracePeriodSeconds: 9999\n";
  const auto renamed = fix(deployment(
      annotation("'config.linkerd.io/proxy-wait-before-exit-seconds'", "\"20\" # here"), plenty));
  EXPECT_EQ(renamed.text,
            deployment(annotation(std::string("'") + kWaitKey + "'", "\"20\" # here"), plenty));
  EXPECT_EQ(renamed.remarks,
            "fixed web.yaml:11 GK005: renamed spec.template.metadata.annotations[\"config.linkerd."
            "io/proxy-wait-before-exit-seconds\"] to " +
                std::string(kWaitKey) + "\n");

  const auto guess = deployment(annotation("config.linkerd.io/shutdown-grace-perod", "5s"), plenty);
  EXPECT_EQ(fix(guess).text, guess);
  EXPECT_EQ(fix(guess).remarks, "left web.yaml:11 GK005: which key is meant is a guess\n");

  const auto many = deployment(
      annotation("config.gamma.linkerd.io/proxy-enable-native-sidecar", "\"true\""), plenty);
  EXPECT_EQ(fix(many).text, many);
  EXPECT_EQ(fix(many).remarks,
            "left web.yaml:11 GK005: more than one key has that name: "
            "config.linkerd.io/proxy-enable-native-sidecar, "
            "config.beta.linkerd.io/proxy-enable-native-sidecar, "
            "config.alpha.linkerd.io/proxy-enable-native-sidecar\n");

  const auto both = deployment(annotation("config.alpha.linkerd.io/shutdown-grace-period", "5s") +
                                   annotation("config.beta.linkerd.io/shutdown-grace-period", "6s"),
                               plenty);
  EXPECT_EQ(fix(both).text, both);
  EXPECT_EQ(fix(both).remarks,
            "left web.yaml:11 GK005: more than one key may stand for "
            "config.linkerd.io/shutdown-grace-period\n"
            "left web.yaml:12 GK005: more than one key may stand for "
            "config.linkerd.io/shutdown-grace-period\n");

  const auto there =
      deployment(annotation("config.linkerd.io/proxy-wait-before-exit-seconds", "\"20\"") +
                     annotation(kWaitKey, "\"20\""),
                 plenty);
  EXPECT_EQ(fix(there).text, there);
  EXPECT_EQ(fix(there).remarks,
            "left web.yaml:11 GK005: " + std::string(kWaitKey) + " is there already\n");
}

TEST(Fixer, MovesAnnotationsAndMendsWhatTheyBringUp) {
  const auto done =
      fix("apiVersion: apps/v1\n"
          "kind: Deployment\n"
          "metadata:\n"
          "    name: web\n"
          "    annotations:\n"
          "        # how it stops\n"
          "        config.linkerd.io/shutdown-grace-period: 30\n"
          "        config.alpha.linkerd.io/proxy-wait-before-exit-seconds: 20s  # ask Ada\n"
          "spec:\n"
          "    template:\n"
          "        spec:\n"
          "            containers:\n"
          "                - name: web\n");
  EXPECT_EQ(done.text,
            "apiVersion: apps/v1\n"
            "kind: Deployment\n"
            "metadata:\n"
            "    name: web\n"
            "        # how it stops\n"
            "spec:\n"
            "    template:\n"
            "        metadata:\n"
            "            annotations:\n"
            "                config.linkerd.io/shutdown-grace-period: 30s\n"
            "                config.alpha.linkerd.io/proxy-wait-before-exit-seconds: \"20\"  # ask "
            "Ada\n"
            "        spec:\n"
            "            terminationGracePeriodSeconds: 60\n"
            "            containers:\n"
            "                - name: web\n");
  const std::string there = "spec.template.metadata.annotations";
  const auto quoted = [](const char* key) { return "[\"" + std::string(key) + "\"]"; };
  EXPECT_EQ(done.remarks,
            "fixed web.yaml:7 GK006: moved metadata.annotations" + quoted(kGraceKey) + " to " +
                there + "\nfixed web.yaml:8 GK006: moved metadata.annotations" + quoted(kWaitKey) +
                " to " + there + "\nfixed web.yaml:10 GK004: set " + there + quoted(kWaitKey) +
                " to \"20\"\nfixed web.yaml:10 GK004: set " + there + quoted(kGraceKey) +
                " to \"30s\"\nfixed web.yaml:11 GK001: set "
                "spec.template.spec.terminationGracePeriodSeconds to 60\n");
}

TEST(Fixer, MovesToThePodTemplateOfACronJob) {
  const std::string head =
      "apiVersion: batch/v1\n"
      "kind: CronJob\n"
      "metadata:\n"
      "  name: report\n";
  const std::string tail =
      "        spec:\n"
      "          restartPolicy: Never\n"
      "          containers: [{name: report}]\n";
  const auto done = fix(head +
                        "spec:\n"
                        "  jobTemplate:\n"
                        "    metadata:\n"
                        "      annotations:\n"
                        "        gracekeeper.dev/app-shutdown: 5s\n"
                        "    spec:\n"
                        "      template:\n" +
                        tail);
  EXPECT_EQ(done.text, head +
                           "spec:\n"
                           "  jobTemplate:\n"
                           "    spec:\n"
                           "      template:\n"
                           "        metadata:\n"
                           "          annotations:\n"
                           "            gracekeeper.dev/app-shutdown: 5s\n" +
                           tail);
  EXPECT_EQ(done.remarks,
            "fixed web.yaml:9 GK006: moved "
            "spec.jobTemplate.metadata.annotations[\"gracekeeper.dev/app-shutdown\"] to "
            "spec.jobTemplate.spec.template.metadata.annotations\n");

  const auto twice = head +
                     "  annotations:\n"
                     "    gracekeeper.dev/app-shutdown: 9s\n"
                     "spec:\n"
                     "  jobTemplate:\n"
                     "    metadata:\n"
                     "      annotations:\n"
                     "        gracekeeper.dev/app-shutdown: 5s\n"
                     "    spec:\n"
                     "      template:\n" +
                     tail;
  EXPECT_EQ(fix(twice).text, twice);
  EXPECT_EQ(fix(twice).remarks,
            "left web.yaml:6 GK006: it stands in more than one place: keep one of them\n"
            "left web.yaml:11 GK006: it stands in more than one place: keep one of them\n");
}

TEST(Fixer, SaysWhyThePlaceIsNotSafe) {
  const std::string json =
      "{\"kind\": \"Pod\", \"metadata\": {\"annotations\": {\"linkerd.io/inject\": \"enabled\"}},\n"
      " \"spec\": {\"containers\": [{\"name\": \"web\"}]}}\n";
  EXPECT_EQ(fix(json).text, json);
  EXPECT_EQ(fix(json).remarks,
            "left web.yaml:2 GK001: it is in flow style ({…}): no line can be added\n");
}

TEST(Fixer, MendsEachObjectOfAListAndOfAStream) {
  const auto pod = [](const std::string& name, const std::string& seconds) {
    return "- kind: Pod\n"
           "  metadata: {name: " +
           name +
           ", annotations: {config.linkerd.io/shutdown-grace-period: 30s}}\n"
           "  spec:\n" +
           seconds + "    containers: [{name: web}]\n";
  };
  const std::string needed = "    terminationGracePeriodSeconds: 40\n";
  const std::string little = "    terminationGracePeriodSeconds: 3\n";
  const std::string head = "kind: List\nitems:\n";
  const auto done = fix(head + pod("a", "") + pod("b", little) + "---\n" + head + pod("c", ""));
  EXPECT_EQ(done.text,
            head + pod("a", needed) + pod("b", needed) + "---\n" + head + pod("c", needed));
}

TEST(Fixer, ANamespacesValueCountsBeforeTheGracePeriodIsSet) {
  const TemporaryFolder folder;
  const auto pod = folder.put("a.yaml",
                              "kind: Pod\n"
                              "metadata:\n"
                              "  name: web\n"
                              "  namespace: shop\n"
                              "  annotations: {linkerd.io/inject: enabled}\n"
                              "spec:\n"
                              "  containers: [{name: web}]\n");
  const auto shop = folder.put("b.yaml",
                               "kind: Namespace\n"
                               "metadata:\n"
                               "  name: shop\n"
                               "  annotations:\n"
                               "    config.linkerd.io/shutdown-grace-period: \"50\"\n");
  Inputs inputs({pod, shop, pod});
  const auto mended = mend_inputs(inputs, Policy{}, {});
  EXPECT_EQ(without(render_remarks(mended, true), folder.at("")),
            "fixed a.yaml:6 GK001: set spec.terminationGracePeriodSeconds to 60\n"
            "fixed b.yaml:5 GK004: set "
            "metadata.annotations[\"config.linkerd.io/shutdown-grace-period\"] to \"50s\"\n");
  EXPECT_EQ(check_inputs(inputs, Policy{}).summary.errors, 0);
  EXPECT_EQ(io::read_file(pod).value_or("").find("terminationGracePeriodSeconds"),
            std::string::npos)
      << "nothing is written before write_back";
}

TEST(Fixer, LinesOfWhatIsLeftAreThoseOfTheTextThatIsMeant) {
  const TemporaryFolder folder;
  const auto file = folder.put(
      "web.yaml", deployment("", "") + "---\n" +
                      deployment(annotation("gracekeeper.dev/on-shortfall", "rise"), kEnough));
  Inputs inputs({file});
  const auto mended = mend_inputs(inputs, Policy{}, {});
  const auto left = [&](bool written) {
    const auto remarks = without(render_remarks(mended, written), folder.at(""));
    return remarks.substr(std::min(remarks.find("left "), remarks.size()));
  };
  EXPECT_EQ(left(false), "left web.yaml:25 GK004: no single value is sure to be meant\n");
  EXPECT_EQ(left(true), "left web.yaml:26 GK004: no single value is sure to be meant\n");
}

unsigned mode_of(const std::string& file) {
  struct stat status {};
  EXPECT_EQ(::lstat(file.c_str(), &status), 0);
  return status.st_mode;
}

TEST(Fixer, AFileStaysWhatItIs) {
  const TemporaryFolder folder;
  const auto file = folder.put("web.yaml", "before");
  ASSERT_EQ(::chmod(file.c_str(), 0751), 0);
  std::filesystem::create_symlink("web.yaml", folder.at("link.yaml"));
  Mended mended{.fixed = {},
                .left = {},
                .files = {{folder.at("link.yaml"), "before", "after"}, {file, "before", "after"}}};
  EXPECT_TRUE(write_back(mended).empty());
  EXPECT_EQ(io::read_file(file).value_or(""), "after");
  EXPECT_EQ(mode_of(file), S_IFREG | 0751U);
  EXPECT_TRUE(S_ISLNK(mode_of(folder.at("link.yaml"))));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.at("")), {}), 2);
}

TEST(Fixer, AFileThatChangedMeanwhileIsLeft) {
  const TemporaryFolder folder;
  const auto file = folder.put("web.yaml", "theirs");
  Mended mended{
      .fixed = {{.file = file, .before = {1, 1}, .after = {1, 1}, .rule = "GK001", .text = "set"}},
      .left = {},
      .files = {{file, "before", "after"}}};
  const auto errors = write_back(mended);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(to_string(errors.front()),
            file + ": it was changed by somebody else meanwhile and is left as it is");
  EXPECT_EQ(io::read_file(file).value_or(""), "theirs");
  EXPECT_TRUE(mended.fixed.empty());
}

}  // namespace
}  // namespace gracekeeper::cli
