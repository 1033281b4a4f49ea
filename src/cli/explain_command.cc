#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/inputs.h"
#include "cli/policy_options.h"
#include "cli/terminal.h"
#include "core/annotations.h"
#include "decision/decision.h"
#include "decision/webhook_words.h"
#include "report/explain_report.h"

namespace gracekeeper::cli {
namespace {

struct Options {
  std::vector<std::string> paths;
  PolicyOptions policy;
  std::string format = "text";
  std::string object;
  std::optional<std::string> grace_period;
  std::string app_shutdown;
};

// Whole seconds, at least 1: what `kubectl delete --grace-period` takes.
Result<std::optional<Seconds>> parse_override(const std::optional<std::string>& text) {
  if (!text) return std::optional<Seconds>{};
  const auto parsed = parse_duration_in_seconds(*text);
  if (!parsed) return fail("--grace-period: " + parsed.error().message);
  if (parsed->count() < 1)
    return fail(fmt::format("--grace-period: expected at least 1 second, got \"{}\"", *text));
  return std::optional<Seconds>{*parsed};
}

class Explainer {
 public:
  Explainer(const Options& options, const Policy& policy, std::optional<Seconds> override_with)
      : options_(options), policy_(policy), override_(override_with) {}

  void explain_all() {
    Inputs inputs(options_.paths);
    namespaces_ = inputs.namespaces();
    inputs.for_each_file(
        [&](const InputFile& file) {
          for_each_object(file,
                          {.object = [&](const FoundObject& found) { look_at(found, file.name); },
                           .error = [&](Error error) { errors.push_back(std::move(error)); }});
        },
        errors);
  }

  std::vector<ExplainedPod> pods;
  std::vector<Error> errors;

 private:
  void look_at(const FoundObject& found, const std::string& file) {
    const auto* written = std::get_if<Subject>(&found.object);
    if (written == nullptr) return;
    if (!options_.object.empty() && written->reference() != options_.object) return;
    Subject subject = *written;
    if (!options_.app_shutdown.empty()) {
      subject.pod.annotations.insert_or_assign(std::string(annotation::kAppShutdown),
                                               AnnotationValue{options_.app_shutdown, true});
    }
    const auto* where = find_namespace(namespaces_, subject.namespace_name);
    const auto assessment = assess_under(subject, where, policy_);
    auto pod = explain(assessment, override_);
    // The plan is that of the pod as it is written; what the webhook makes of it is said beside it.
    // Under another grace period there is nothing to mend: the pod is being deleted.
    if (auto words =
            override_ ? std::nullopt : webhook_words(decide(subject, where, policy_), assessment))
      pod.notes.insert(pod.notes.begin(), std::move(*words));
    pod.file = file;
    pod.position = found.document.positions.locate(found.place);
    pods.push_back(std::move(pod));
  }

  const Options& options_;
  const Policy& policy_;
  std::optional<Seconds> override_;
  Namespaces namespaces_;
};

std::string render(const Options& options, const std::vector<ExplainedPod>& pods) {
  if (options.format == "json") return render_explain_json(pods);
  if (options.format == "html") return render_explain_html(pods, "How these pods terminate");
  if (options.format == "svg") return render_explain_svg(pods.front());
  return render_explain_text(
      pods, {.color = wants_color(), .width = terminal_width(), .unicode = shows_unicode()});
}

int run_explain(const Options& options) {
  const auto override_with = parse_override(options.grace_period);
  if (!override_with) {
    print_errors({override_with.error()});
    return kUsageOrInput;
  }
  if (!options.app_shutdown.empty() && options.app_shutdown.find('=') == std::string::npos) {
    if (const auto parsed = parse_duration(options.app_shutdown); !parsed) {
      fmt::print(stderr, "gracekeeper: --app-shutdown: {}\n", parsed.error().message);
      return kUsageOrInput;
    }
  }
  const auto policy = load_policy(options.policy);
  if (!policy) {
    print_errors(policy.error());
    return kUsageOrInput;
  }
  Explainer explainer(options, *policy, *override_with);
  explainer.explain_all();
  if (!options.object.empty() && explainer.pods.empty()) {
    fmt::print(stderr,
               "gracekeeper: --object: the input has no pod \"{}\"; write it as Kind/name\n",
               options.object);
    return kUsageOrInput;
  }
  if (options.format == "svg" && explainer.pods.size() != 1) {
    fmt::print(stderr,
               "gracekeeper: svg is one picture, and the input has {} pods: choose one with "
               "--object Kind/name\n",
               explainer.pods.size());
    return kUsageOrInput;
  }
  const auto text = render(options, explainer.pods);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (explainer.pods.empty() && explainer.errors.empty())
    fmt::print(stderr, "gracekeeper: no pods in the input\n");
  print_errors(explainer.errors);
  return explainer.errors.empty() && std::fflush(stdout) == 0 ? kClean : kUsageOrInput;
}

}  // namespace

void add_explain(CLI::App& program, int& code) {
  auto options = std::make_shared<Options>();
  auto* command =
      program.add_subcommand("explain", "A pod's termination as a timeline, with advice");
  command
      ->add_option("PATH", options->paths,
                   "Files, folders (.yaml, .yml, .json), - for standard input")
      ->required();
  command->add_option("--format", options->format, "text, json, svg or html")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json", "svg", "html"}))
      ->capture_default_str();
  command->add_option("--object", options->object, "Only this one")->type_name("KIND/NAME");
  command
      ->add_option("--grace-period", options->grace_period,
                   "Delete with this grace period instead of the pod's own (10s)")
      ->type_name("DURATION");
  command
      ->add_option("--app-shutdown", options->app_shutdown,
                   "Try this time from SIGTERM to exit (25s, or web=25s,worker=2m)")
      ->type_name("DURATION");
  add_policy_options(*command, options->policy);
  command->footer(
      "Exit codes: 0 explained, whatever is wrong with the pod, 2 usage or input error.");
  command->callback([options, &code] { code = run_explain(*options); });
}

}  // namespace gracekeeper::cli
