#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

// The program that the hook needs from the image, when it is a shell or sleep.
std::string_view needed_program(const Hook& hook) {
  if (hook.action != Hook::Action::Exec || hook.command.empty()) return {};
  std::string_view program = hook.command.front();
  program.remove_prefix(program.rfind('/') == std::string_view::npos ? 0 : program.rfind('/') + 1);
  constexpr std::array<std::string_view, 5> programs{"sleep", "sh", "bash", "ash", "dash"};
  const auto found = std::find(programs.begin(), programs.end(), program);
  return found == programs.end() ? std::string_view{} : *found;
}

std::vector<Finding> check(const Assessment& a) {
  std::vector<Finding> findings;
  if (!a.configuration->kubernetes_version.has_sleep_action()) return findings;
  for (const auto* list : {&a.pod().containers, &a.pod().init_containers}) {
    for (const auto& container : *list) {
      const bool runs = container.list == Container::List::Containers || container.restart_always;
      if (!runs || a.is_of_proxy(container.name) || !container.pre_stop) continue;
      const auto program = needed_program(*container.pre_stop);
      if (program.empty()) continue;
      const auto& length = container.pre_stop->length;
      // The API server refuses a sleep action longer than terminationGracePeriodSeconds.
      const bool too_long = length && ceil_seconds(*length) > a.termination_grace_period_seconds;
      findings.push_back(
          {.rule = "GK009",
           .name = "prestop-binary-unknown",
           .severity = Severity::Info,
           .path = pre_stop_path(a, container) / "exec" / "command",
           .container = container.name,
           .message = fmt::format("the preStop hook of container {} needs {} from its image: where "
                                  "the image has none, the hook fails and nothing is delayed",
                                  container.name, program),
           .short_message = fmt::format("GK009 the preStop hook of {} needs {} from its image",
                                        container.name, program),
           .remedy =
               length
                   ? fmt::format("Use the built-in action: preStop: {{sleep: {{seconds: {}}}}}{}.",
                                 ceil_seconds(*length),
                                 too_long ? ", with a terminationGracePeriodSeconds that is "
                                            "longer"
                                          : "")
                   : std::string("Use the built-in sleep action for the delay, or make sure "
                                 "that the image has the program."),
           .numbers = {}});
    }
  }
  return findings;
}

}  // namespace

Rule gk009_prestop_binary_unknown() {
  return {.id = "GK009",
          .name = "prestop-binary-unknown",
          .severity = Severity::Info,
          .summary =
              "an exec hook needs a shell or sleep from the image, where the built-in sleep action "
              "is available",
          .cause =
              "When the program is missing (distroless images), the hook fails at once and SIGTERM "
              "follows without "
              "any delay; only an event says so. Kubernetes has a sleep action of its own, on by "
              "default from 1.30 on.",
          .example =
              "lifecycle:\n"
              "  preStop:\n"
              "    exec:\n"
              "      command: [\"/bin/sleep\", \"5\"]\n",
          .remedy = "Write lifecycle.preStop.sleep.seconds instead.",
          .check_pod = check};
}

}  // namespace gracekeeper
