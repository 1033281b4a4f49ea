#include "postmortem/words.h"

#include <fmt/format.h>

#include "core/advice_words.h"

namespace gracekeeper::postmortem {
namespace {

constexpr std::string_view kOwn = "its own setting";

}  // namespace

std::string stop_sentence(const PlannedContainer& planned, const Assessment& a) {
  if (planned.role == Role::Proxy) {
    return fmt::format("may drain for up to {} s ({})", seconds(planned.stop),
                       source_words(a.proxy.grace.source, "proxy default", kOwn));
  }
  const auto source =
      a.settings.shutdown_of(planned.name, planned.role == Role::App, *a.configuration).source;
  const auto hook = !planned.has_pre_stop ? std::string()
                    : planned.pre_stop    ? fmt::format("preStop {} + ", seconds(*planned.pre_stop))
                                          : std::string("preStop of unknown length + ");
  return fmt::format("is planned to take {}shutdown {} ({})", hook, seconds(planned.stop),
                     source_words(source, "assumed: nothing says so", kOwn));
}

std::string hook_words(const Ended& one) {
  if (one.container == nullptr || !one.container->pre_stop) return {};
  const auto& hook = *one.container->pre_stop;
  switch (hook.action) {
    case Hook::Action::Sleep:
      return fmt::format(" (sleep {})", seconds(hook.length.value_or(Millis{0})));
    case Hook::Action::HttpGet:
      return " (httpGet)";
    case Hook::Action::TcpSocket:
      return " (tcpSocket)";
    case Hook::Action::Exec:
      break;
  }
  std::string command;
  for (const auto& word : hook.command) command += (command.empty() ? "" : " ") + word;
  constexpr std::size_t kMost = 60;
  if (command.size() > kMost) command = command.substr(0, kMost) + "…";
  return fmt::format(" (exec {})", command);
}

}  // namespace gracekeeper::postmortem
