"""Compares what was predicted with what was seen.

Never earlier: the kubelet's timers start after the deletion was asked for, so nothing may happen
before its predicted time counted from the moment before that (ROUNDING covers milliseconds). Not much
later: the kubelet and the runtime need time for their work, the more the slower the machine; how much
is measured in the same run, as the delay that nine of ten signals predicted for the start stay below.
Order needs no tolerance.
"""

import dataclasses

ROUNDING = 0.1
LATE = 3.0          # seconds, on a machine where nine of ten signals take no longer than LATE / SLOWER
SLOWER = 4
NOTICED = 1.0       # so long after the applications' end, at the latest, their proxy's wait is planned to end
SOON = 2.0          # from the last application's end to its proxy's, where the wait ends with it
GONE_LATE = 12.0    # the pod object goes when the kubelet's housekeeping has seen all of it end


def delays(seen):
    """From the deletion to the signals that were predicted for that moment, the shortest first."""
    found = []
    for one in seen:
        if one.scenario.act != "delete" or one.scenario.hook_fails:
            continue
        for container in one.predicted["containers"]:
            moment = one.lives[container["name"]].time("sigterm")
            if container["sigterm"] == 0 and moment is not None:
                found.append(one.after(moment))
    return sorted(found)


def usual_delay(seen):
    found = delays(seen) or [0]
    return found[int(0.9 * (len(found) - 1))]


def tolerance(seen):
    return max(LATE, SLOWER * usual_delay(seen))


@dataclasses.dataclass
class Gone:
    """Seconds from the last application's end to the proxy's SIGTERM, to its end and to the pod's."""
    sigterm: float
    proxy: float
    pod: float


def after_applications(seen):
    roles = {c["name"]: c["role"] for c in seen.predicted["containers"]}
    ends = [life.died for name, life in seen.lives.items() if roles[name] == "app"]
    proxy = seen.lives["linkerd-proxy"]
    if None in ends or proxy.died is None:
        return None
    stop = proxy.time("sigterm")
    last = max(ends)
    return Gone(None if stop is None else stop - last, proxy.died - last,
                None if seen.watched.gone is None else seen.watched.gone - last)


class Verdict:
    def __init__(self, seen, late):
        self.seen = seen
        self.late = late
        self.errors = []
        scenario = seen.scenario
        if scenario.rule and scenario.rule not in seen.findings:
            self.error(f"check does not say {scenario.rule}: {sorted(seen.findings)}")
        if seen.predicted_live["containers"] != seen.predicted["containers"]:
            self.error(f"explain says of the pod in the cluster {seen.predicted_live['containers']}, "
                       f"of the manifest {seen.predicted['containers']}")
        if scenario.act != "delete":
            self.job()
        elif scenario.hook_fails:
            self.failing_hook()
        elif scenario.tell_to_exit is not None:
            self.ends_itself()
        else:
            self.timeline()
        if scenario.until_exit:
            self.ends_with_the_applications()

    def error(self, text):
        self.errors.append(text)

    def between(self, what, moment, earliest, late=None, early=0):
        """earliest counts from the deletion; early: so much before it is in order too."""
        if moment is None:
            self.error(f"{what}: never seen, predicted at {earliest:g} s")
            return
        late = self.late if late is None else late
        if moment - self.seen.asked < earliest - early - ROUNDING:
            self.error(f"{what}: at {moment - self.seen.asked:.2f} s, before the predicted "
                       f"{earliest:g} s")
        if self.seen.after(moment) > earliest + late:
            self.error(f"{what}: at {self.seen.after(moment):.2f} s, more than {late:.1f} s after the "
                       f"predicted {earliest:g} s")

    def before(self, what, first, then, second):
        if first is None or second is None or first > second:
            self.error(f"{what} ({first}) is not before {then} ({second})")

    def timeline(self):
        for container in self.seen.predicted["containers"]:
            name, life = container["name"], self.seen.lives[container["name"]]
            late = self.late * (1 + self.waits_for(container))
            early = self.early(container)
            self.between(f"SIGTERM of {name}", life.time("sigterm"), container["sigterm"], late, early)
            self.between(f"end of {name}", life.died, container["exit"], late, early)
            self.exit(name, container["killed"])
        if self.seen.predicted["effectiveGracePeriodSeconds"] > (
                0 if self.seen.predicted["terminationGracePeriodSeconds"] else 1):
            last = max(c["exit"] - self.early(c) for c in self.seen.predicted["containers"])
            self.between("pod gone", self.seen.watched.gone, last, GONE_LATE + self.late)
        self.connections()

    def ends_with_the_applications(self):
        """The proxy is not stopped before the last application is gone, and is gone itself soon after."""
        gone = after_applications(self.seen)
        if gone is None or gone.sigterm is None:
            self.error("the end of the proxy or of an application was not seen")
            return
        if gone.sigterm <= 0:
            self.error(f"the proxy's wait ended {-gone.sigterm:.2f} s before the last application")
        # A machine that is slower than usual has so much longer as it is in everything else.
        soon = SOON + self.late - LATE
        if gone.proxy > soon:
            self.error(f"the proxy was gone {gone.proxy:.2f} s after the last application, more than "
                       f"{soon:.1f} s")

    def early(self, container):
        """A wait that ends with the applications is planned to its last moment: the last sign of them may
        have been some time before their end. Not before that end: ends_with_the_applications."""
        return NOTICED if self.seen.scenario.until_exit and container["role"] == "proxy" else 0

    def waits_for(self, container):
        """How many containers' ends the runtime has to report before this one's turn comes."""
        if self.seen.predicted["sidecar"] != "native" or container["role"] == "app":
            return 0
        earlier = [c for c in self.seen.predicted["containers"]
                   if c["sigterm"] < container["sigterm"] and c["role"] != "app"]
        return 1 + len(earlier)

    def exit(self, name, killed):
        life = self.seen.lives[name]
        if killed != (life.time("exit") is None):
            self.error(f"{name} was {'not ' if killed else ''}killed")
        code = self.seen.watched.codes.get(name)
        if code is not None and code != (137 if killed else 0):
            self.error(f"{name} has exit code {code}")

    def failures(self, name):
        """Failed connections after the deletion."""
        return [f for f in self.seen.lives[name].failures() if f[1] > self.seen.asked]

    def connections(self):
        ends = {c["name"]: c for c in self.seen.predicted["containers"]}
        hazard = {name for h in self.seen.predicted["hazards"]
                  if h["kind"] == "new-connections-refused" for name in h["containers"]}
        for container in self.seen.predicted["containers"]:
            if container["role"] != "app":
                continue
            name = container["name"]
            life, failures = self.seen.lives[name], self.failures(name)
            if [f for f in life.failures() if f[1] <= self.seen.asked]:
                self.error(f"connections of {name} failed before the deletion")
            if name in hazard:
                self.refused(name, failures)
            elif failures and ends.get("linkerd-proxy", {}).get("sigterm") == container["exit"]:
                # SIGKILL of the one and SIGTERM of the other at one moment: either may be first.
                self.before("the proxy's SIGTERM", self.seen.lives["linkerd-proxy"].time("sigterm"),
                            f"the first failure of {name}", failures[0][1])
            elif failures:
                self.error(f"{len(failures)} connections of {name} failed, none was predicted to")
            lost = life.time("held-connection-lost")
            if lost is not None:
                self.before("the proxy's end", self.seen.lives["linkerd-proxy"].died,
                            f"the loss of {name}'s open connection", lost + ROUNDING)

    def refused(self, name, failures):
        """From the proxy's SIGTERM on nothing works; before it everything does."""
        stopped = self.seen.lives["linkerd-proxy"].time("sigterm")
        if not failures:
            self.error(f"no connection of {name} failed, though it was predicted")
        elif stopped is not None:
            self.before("the proxy's SIGTERM", stopped, f"the first failure of {name}", failures[0][1])
            again = self.seen.lives[name].times("connect-works-again")
            if [moment for moment in again if moment > failures[0][1]]:
                self.error(f"connections of {name} worked again after the proxy's SIGTERM")

    def failing_hook(self):
        """SIGTERM does not wait for the end of the hook, which is far away."""
        name = self.seen.scenario.hook_fails
        predicted = next(c for c in self.seen.predicted["containers"] if c["name"] == name)
        moment = self.seen.lives[name].time("sigterm")
        if moment is None or self.seen.after(moment) >= predicted["preStopEnd"]:
            self.error(f"SIGTERM of {name} waited for its hook")
        if "FailedPreStopHook" not in self.seen.reasons:
            self.error(f"no event FailedPreStopHook: {sorted(self.seen.reasons)}")
        for container in self.seen.predicted["containers"]:
            self.exit(container["name"], False)
        if name == "linkerd-proxy":
            self.refused("app", self.failures("app"))

    def ends_itself(self):
        app, proxy = self.seen.lives["app"], self.seen.lives["linkerd-proxy"]
        hook = next(c for c in self.seen.predicted["containers"] if c["name"] == "app")["preStopEnd"]
        if app.time("sigterm") is not None:
            self.error("the application had SIGTERM before it ended by itself")
        if "sleep" in self.seen.scenario.name:
            self.between("SIGTERM of linkerd-proxy", proxy.time("sigterm"), hook)
        else:
            # Where the container ends just when containerd is asked to stop it, its call may fail ("ttrpc:
            # closed"), and the kubelet then holds the sidecar to the end of the grace.
            moment, own = proxy.time("sigterm"), self.seen.scenario.tell_to_exit
            is_held = moment is not None and self.seen.after(moment) > own + self.late
            self.between("SIGTERM of linkerd-proxy", moment,
                         self.seen.predicted["effectiveGracePeriodSeconds"] if is_held else own)
        if self.failures("app"):
            self.error("connections of the application failed")

    def job(self):
        app, proxy = self.seen.lives["app"], self.seen.lives["linkerd-proxy"]
        if self.seen.watched.codes.get("app") != 0:
            self.error(f"the work has exit code {self.seen.watched.codes.get('app')}")
        never = any(h["kind"] == "never-ends" for h in self.seen.predicted["hazards"])
        if never != (self.seen.scenario.act == "stuck"):
            self.error(f"explain says {'' if never else 'not '}that it never ends")
        if self.seen.scenario.act == "stuck":
            if not self.seen.still_running:
                self.error("the Job has ended")
        else:
            stop = proxy.time("sigterm") or proxy.time("shutdown-asked")
            self.before("the end of the work", app.time("exit"), "the proxy's stop", stop)
        if [f for f in app.failures() if f[1] < (app.time("exit") or 0)]:
            self.error("connections of the work failed")
