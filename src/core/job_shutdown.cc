#include "core/job_shutdown.h"

#include <algorithm>
#include <fmt/format.h>

#include "core/annotations.h"
#include "core/istio.h"

namespace gracekeeper {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Command and args, a shell's text taken apart at its blanks.
std::vector<std::string_view> words_of(const Container& container) {
  std::vector<std::string_view> words;
  for (const auto* list : {&container.command, &container.args}) {
    for (const std::string_view text : *list) {
      for (auto begin = text.begin(); begin != text.end();) {
        begin = std::find_if_not(begin, text.end(), is_blank);
        const auto end = std::find_if(begin, text.end(), is_blank);
        if (begin != end) words.emplace_back(begin, end);
        begin = end;
      }
    }
  }
  return words;
}

// --shutdown, or -S, alone or behind other letters (-vS).
bool is_shutdown_option(std::string_view word) {
  if (word.starts_with("--")) return word == "--shutdown";
  return word.size() > 1 && word.front() == '-' && word.back() == 'S';
}

// Of linkerd-await's own words, which end with "--".
bool awaits_and_shuts_down(const Container& container) {
  bool awaits = false;
  for (const auto word : words_of(container)) {
    if (word.find("linkerd-await") != std::string_view::npos)
      awaits = true;
    else if (word == "--")
      awaits = false;
    else if (awaits && is_shutdown_option(word))
      return true;
  }
  return false;
}

bool ends_with_loopback(std::string_view host) {
  for (const std::string_view name : {"localhost", "127.0.0.1", "[::1]"}) {
    if (!host.ends_with(name)) continue;
    host.remove_suffix(name.size());
    // Not the end of another name: http://localhost, but not my-localhost.
    const auto last = host.empty() ? '/' : host.back();
    return last == '/' || last == '=' || last == '"' || last == '\'';
  }
  return false;
}

// http://127.0.0.1:4191/shutdown
bool calls_shutdown(const Container& container, std::string_view port) {
  const auto end = fmt::format(":{}/shutdown", port);
  const auto words = words_of(container);
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    const auto found = word.find(end);
    return found != std::string_view::npos && ends_with_loopback(word.substr(0, found));
  });
}

std::string_view admin_port(const Pod& pod) {
  const auto found = pod.annotations.find("config.linkerd.io/admin-port");
  return found == pod.annotations.end() ? std::string_view("4191") : found->second.text;
}

bool mentions(const Container& container, std::string_view text) {
  for (const auto* words : {&container.command, &container.args}) {
    for (const auto& word : *words) {
      if (word.find(text) != std::string::npos) return true;
    }
  }
  return false;
}

// linkerd-debug runs until it is told to stop: it is no work.
std::vector<const Container*> workers(const Pod& pod) {
  std::vector<const Container*> out;
  for (const auto& container : pod.containers) {
    if (container.name != kProxyName && container.name != kIstioProxyName &&
        container.name != kDebugName) {
      out.push_back(&container);
    }
  }
  return out;
}

JobShutdown impossible(std::string reason, std::string remedy) {
  return {.kind = JobShutdown::Kind::Impossible,
          .reason = std::move(reason),
          .remedy = std::move(remedy)};
}

std::string names_of(const std::vector<const Container*>& containers) {
  std::string out;
  for (const auto* container : containers) out += (out.empty() ? "" : ", ") + container->name;
  return out;
}

// The proxy must take POST /shutdown. One that will be injected is made to.
std::optional<JobShutdown> closed_endpoint(const Pod& pod, const Proxy& proxy) {
  if (proxy.presence == Proxy::Presence::Adopted) {
    const auto* container = adopted_proxy(pod);
    if (container == nullptr || container->shutdown_endpoint == "true") return std::nullopt;
    return impossible("the proxy in the pod has no shutdown endpoint",
                      fmt::format("Inject it with {}: enabled.", annotation::kAdminShutdown));
  }
  const auto found = pod.annotations.find(annotation::kAdminShutdown);
  if (found == pod.annotations.end() || found->second.text != "disabled") return std::nullopt;
  return impossible(fmt::format("{} is disabled", annotation::kAdminShutdown),
                    fmt::format("Set {}: enabled.", annotation::kAdminShutdown));
}

// Started again after a failure, the command would find that its proxy has been shut down: a proxy
// that exited with 0 is not restarted, and linkerd-await waits for it without end.
std::optional<JobShutdown> wrong_restart_policy(const Pod& pod) {
  if (pod.restart_policy == "Never") return std::nullopt;
  if (pod.restart_policy == "OnFailure") {
    return impossible(
        "with restartPolicy OnFailure a command that fails is started again beside "
        "a proxy that has been shut down",
        "Set restartPolicy: Never; the Job then starts another pod.");
  }
  return impossible(
      "with restartPolicy Always the pod is not a Job's",
      fmt::format("Remove {}, or set restartPolicy: Never.", annotation::kJobShutdown));
}

}  // namespace

bool stops_its_proxy(const Pod& pod, const Proxy& proxy) {
  const bool quits = proxy.is_istio() || proxy.profile != nullptr;
  return std::any_of(pod.containers.begin(), pod.containers.end(), [&](const Container& c) {
    return quits ? mentions(c, "quitquitquit")
                 : awaits_and_shuts_down(c) || calls_shutdown(c, admin_port(pod));
  });
}

ShutdownEndpoint shutdown_endpoint(const Pod& pod, const PodSettings& settings, const Proxy& proxy,
                                   const Configuration& configuration) {
  if (proxy.is_istio() || proxy.profile) return ShutdownEndpoint::Open;
  if (proxy.presence == Proxy::Presence::Adopted) {
    const auto* container = adopted_proxy(pod);
    const bool is_closed = container != nullptr && container->shutdown_endpoint == "false";
    return is_closed ? ShutdownEndpoint::Closed : ShutdownEndpoint::Open;
  }
  if (settings.shutdown_endpoint)
    return *settings.shutdown_endpoint ? ShutdownEndpoint::Open : ShutdownEndpoint::Closed;
  return configuration.shutdown_endpoint ? ShutdownEndpoint::Open : ShutdownEndpoint::Default;
}

bool runs_to_completion(const Subject& subject) {
  if (subject.is_job()) return true;
  const auto& owners = subject.pod.owners;
  return subject.kind == Subject::Kind::Pod &&
         std::any_of(owners.begin(), owners.end(),
                     [](const OwnerReference& owner) { return owner.kind == "Job"; });
}

JobShutdown plan_job_shutdown(const Pod& pod, const PodSettings& settings, const Proxy& proxy) {
  using Kind = JobShutdown::Kind;
  if (!settings.job_shutdown) return {};
  const bool by_namespace = settings.job_shutdown->source == Source::Namespace;
  const bool is_kept_running = pod.restart_policy.empty() || pod.restart_policy == "Always";
  // What a Namespace asks for is asked for its Jobs.
  if (by_namespace && is_kept_running) return {};
  if (!proxy.is_classic()) return {.kind = Kind::NotNeeded};
  if (stops_its_proxy(pod, proxy)) return {.kind = Kind::Done};
  if (proxy.profile) {
    return impossible("linkerd-await stops no proxy but Linkerd's",
                      fmt::format("Let the command end {} when the work is done (/quitquitquit).",
                                  proxy.container_name()));
  }
  if (proxy.is_istio()) {
    return impossible("linkerd-await does not stop Istio's proxy",
                      "Call http://127.0.0.1:15020/quitquitquit (POST) when the work is done.");
  }
  if (auto obstacle = wrong_restart_policy(pod)) return *obstacle;

  const auto containers = workers(pod);
  const auto& name = settings.job_shutdown->value;
  if (containers.empty()) return impossible("the pod has no container that works", "Add one.");
  if (name.empty() && containers.size() != 1) {
    return impossible(
        fmt::format("the pod has several containers ({}), and none may lose its proxy before it "
                    "has ended",
                    names_of(containers)),
        fmt::format("Name the one that ends last: {}: await=CONTAINER.", annotation::kJobShutdown));
  }
  const auto found = name.empty()
                         ? containers.begin()
                         : std::find_if(containers.begin(), containers.end(),
                                        [&](const Container* c) { return c->name == name; });
  if (found == containers.end()) {
    return impossible(fmt::format("the pod has no container \"{}\"", name),
                      fmt::format("Name one of: {}.", names_of(containers)));
  }
  const Container& container = **found;
  if (mentions(container, "linkerd-await")) {
    return impossible(
        fmt::format("container {} starts linkerd-await itself, without --shutdown", container.name),
        "Add --shutdown there.");
  }
  if (container.command.empty()) {
    return impossible(fmt::format("container {} has no command in the manifest, and that of its "
                                  "image is not known here",
                                  container.name),
                      "Write the command (the image's ENTRYPOINT) into the manifest.");
  }
  if (auto obstacle = closed_endpoint(pod, proxy)) return *obstacle;
  return {.kind = Kind::Wrap,
          .container = container.name,
          .command = container.command,
          .program = settings.await_program ? settings.await_program->value : "linkerd-await",
          .program_is_stated = settings.await_program.has_value()};
}

std::vector<std::string> wrapped_command(const JobShutdown& plan, std::int64_t admin_port) {
  std::vector<std::string> out{plan.program, "--shutdown"};
  if (admin_port != kDefaultAdminPort) out.push_back(fmt::format("--port={}", admin_port));
  out.emplace_back("--");
  out.insert(out.end(), plan.command.begin(), plan.command.end());
  return out;
}

}  // namespace gracekeeper
