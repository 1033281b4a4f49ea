// `gracekeeper.dev/job-shutdown: await`: a Job's command is started by linkerd-await, which shuts
// the proxy down when the command has ended, so that the Job completes.
//
//   command: [import, --all]   ->   [linkerd-await, --shutdown, --, import, --all]
//
// linkerd-await (linkerd-await src/main.rs) runs the command as its child, hands SIGTERM on to it
// once, and exits with its code (71 when a signal ended it). It needs the proxy's endpoint for that
// (config.linkerd.io/proxy-admin-shutdown: enabled), and it has to be in the container's image: it
// is looked for on PATH, or where gracekeeper.dev/linkerd-await says. Nothing can put it there: the
// proxy's image has it, but nothing to copy it with.
//
// A pod is wrapped only where that cannot make it worse; what stands against it is said.
#pragma once

#include <string>
#include <vector>

#include "core/pod.h"
#include "core/proxy.h"
#include "core/settings.h"

namespace gracekeeper {

struct JobShutdown {
  enum class Kind {
    NotAsked,
    NotNeeded,   // asked for, but there is no classic proxy: a native one ends with the Job
    Done,        // the pod's own command stops its proxy
    Wrap,        // the command of `container` is to be started by linkerd-await
    Impossible,  // asked for, but `reason` stands against it
  };
  Kind kind = Kind::NotAsked;
  std::string container;             // of Wrap
  std::vector<std::string> command;  // of Wrap: the container's own
  std::string program;               // of Wrap: "linkerd-await", or the path that was stated
  bool program_is_stated = false;
  std::string reason;  // of Impossible: a clause
  std::string remedy;  // of Impossible: a sentence
  bool operator==(const JobShutdown&) const = default;
};

JobShutdown plan_job_shutdown(const Pod& pod, const PodSettings& settings, const Proxy& proxy);

// The new command. `admin_port` is the port of the proxy's admin endpoint.
std::vector<std::string> wrapped_command(const JobShutdown& plan, std::int64_t admin_port);

// The port of linkerd-await when it is told none, and of the proxy when its values say nothing.
inline constexpr std::int64_t kDefaultAdminPort = 4191;

// Whether something in the pod's containers asks the proxy to stop when the work is done:
// `linkerd-await` with `--shutdown` or `-S` in command or args, also inside the text of a `-c`, or
// a call of the endpoint itself (`http://localhost:4191/shutdown`); for Istio's proxy, and a
// profile's, a call of `quitquitquit` (Istio's agent, Envoy's admin endpoint).
bool stops_its_proxy(const Pod& pod, const Proxy& proxy);

// Whether the proxy does what it is asked, as others than Linkerd's do: without
// LINKERD2_PROXY_SHUTDOWN_ENDPOINT_ENABLED it answers POST /shutdown with 404 (linkerd2-proxy,
// linkerd/app/admin).
enum class ShutdownEndpoint {
  Open,     // or of a proxy from before there was such a switch
  Default,  // closed, as Linkerd's values have it where nobody says otherwise
  Closed,   // by an annotation, or by the environment of the proxy in the pod
};
ShutdownEndpoint shutdown_endpoint(const Pod& pod, const PodSettings& settings, const Proxy& proxy,
                                   const Configuration& configuration);

// Whether the object is a Job or a CronJob, or a pod of one.
bool runs_to_completion(const Subject& subject);

}  // namespace gracekeeper
