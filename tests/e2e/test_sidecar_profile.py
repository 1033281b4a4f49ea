"""Profiles of other sidecars: the worked example with every command, and a running webhook."""

import json
import socket
import subprocess

import yaml

from gracekeeper import EXAMPLES, LIMIT, Server, TestCase, main, patch_of, review, run

PROFILE = EXAMPLES / "envoy-profile.yaml"
MANIFEST = EXAMPLES / "web-envoy.yaml"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {
    "envoy.example.com/inject": "enabled", "envoy.example.com/wait": "20"}},
    "spec": {"containers": [{"name": "c"}], "terminationGracePeriodSeconds": 60}}


def drain_of(response):
    """The seconds of --drain-time-s in what a patch adds."""
    for operation in patch_of(response):
        value = operation.get("value")
        if isinstance(value, dict) and value.get("name") == "envoy":
            return value["args"][value["args"].index("--drain-time-s") + 1]
    return None


class Example(TestCase):
    def test_check_has_nothing_to_say(self):
        done = run("check", "--sidecar-profile", PROFILE, MANIFEST)
        self.assertEqual((done.code, done.out, done.err),
                         (0, "No findings in 1 pod (1 object, 1 file)\n", ""))

    def test_check_counts_the_wait_and_the_drain(self):
        done = run("check", "--sidecar-profile", PROFILE, "-",
                   input=MANIFEST.read_text().replace("Seconds: 50", "Seconds: 40"))
        self.assertEqual(done.code, 0, done.err)  # the drain is the profile's default
        self.assertIn("40 is less than 50 = app 20 (container web: preStop 5 + shutdown 15) + wait "
                      "20 (annotation) + grace 10 (configuration)",
                      " ".join(done.out.split()))

    def test_explain_shows_the_container_by_its_name(self):
        done = run("explain", "--sidecar-profile", PROFILE, MANIFEST, "--format", "json")
        pod, = json.loads(done.out)["pods"]
        self.assertEqual(pod["sidecar"], "classic")
        self.assertEqual(pod["budget"], {"app": 20, "wait": 20, "grace": 10, "need": 50,
                                         "exactNeed": 30, "fits": True, "complete": True})
        self.assertEqual([c["name"] for c in pod["containers"]], ["web", "envoy"])
        self.assertEqual(pod["containers"][1]["sigterm"], 30)
        self.assertEqual(pod["hazards"], [])

    def test_inject_writes_the_container_and_again_nothing(self):
        once = run("inject", "--sidecar-profile", PROFILE, MANIFEST)
        self.assertEqual((once.code, once.err), (0, ""))
        spec = yaml.safe_load(once.out)["spec"]["template"]["spec"]
        web, envoy = spec["containers"]
        self.assertEqual(web["name"], "web")
        self.assertEqual(envoy["args"][2:], ["--service-cluster", "shop", "--drain-time-s", "10",
                                             "--drain-strategy", "immediate"])
        self.assertEqual(envoy["ports"], [{"name": "envoy-in", "containerPort": 10000}])
        hook = envoy["lifecycle"]["preStop"]["exec"]["command"][2].splitlines()
        self.assertEqual((hook[0], hook[-1]), ("sleep 20", "sleep 10"))
        self.assertEqual(spec["volumes"], [
            {"name": "envoy-bootstrap", "configMap": {"name": "envoy-bootstrap"}}])
        again = run("inject", "--sidecar-profile", PROFILE, "-", input=once.out)
        self.assertEqual((again.out, again.err), (once.out, ""))
        checked = run("check", "--sidecar-profile", PROFILE, "-", input=once.out)
        self.assertEqual(checked.code, 0, checked.out)

    def test_the_hook_posts_to_the_admin_port(self):
        hook = yaml.safe_load(PROFILE.read_text())["containers"][0]["lifecycle"]["preStop"]
        shell, flag, script = hook["exec"]["command"]
        with socket.create_server(("127.0.0.1", 0)) as admin:
            admin.settimeout(LIMIT)
            script = script.replace("9901", str(admin.getsockname()[1]))
            for time in ("${wait}", "${grace}"):
                script = script.replace(time, "0")
            subprocess.run([shell, flag, script], check=True, timeout=LIMIT)
            connection, _ = admin.accept()
            with connection:
                connection.settimeout(LIMIT)
                request = b"".join(iter(lambda: connection.recv(4096), b""))
        self.assertEqual(request, b"POST /drain_listeners?graceful&skip_exit HTTP/1.1\r\n"
                         b"Host: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def test_without_the_profile_nothing_is_known_of_it(self):
        done = run("inject", MANIFEST)
        self.assertEqual(done.out, MANIFEST.read_text())


class Mistakes(TestCase):
    def test_a_profile_with_mistakes_is_refused_with_file_and_line(self):
        path = self.write("p.yaml", PROFILE.read_text().replace("${grace}", "${graze}", 1))
        for command in ("check", "inject", "explain"):
            done = run(command, "--sidecar-profile", path, MANIFEST)
            self.assertEqual((done.code, done.out), (2, ""))
            self.assertRegex(done.err, rf"^gracekeeper: {path}:\d+:\d+: containers\[0\]\.args\[5\]: "
                                       r"unknown \${graze}; did you mean \${grace}\?\n$")

    def test_a_profile_that_is_not_there(self):
        config = self.write("config.yaml", "apiVersion: gracekeeper.dev/v1alpha1\n"
                            "kind: Configuration\nsidecar: {profiles: [missing.yaml]}\n")
        done = run("check", "--config", config, MANIFEST)
        self.assertEqual(done.code, 2)
        self.assertEqual(done.err, f"gracekeeper: {self.folder}/missing.yaml: No such file or "
                                   "directory\n")

    def test_one_that_is_left_alone_is_told_why(self):
        done = run("inject", "--sidecar-profile", PROFILE, "-",
                   input=MANIFEST.read_text().replace("      containers:", "      hostNetwork: true\n"
                                                      "      containers:"))
        self.assertEqual(done.code, 0)
        self.assertIn("warning: envoy.example.com/inject asks for envoy, which is not injected: "
                      "hostNetwork is true", done.err)


class Webhook(TestCase):
    def test_it_injects_and_follows_its_files(self):
        self.write("envoy.yaml", PROFILE.read_text())
        head = "apiVersion: gracekeeper.dev/v1alpha1\nkind: Configuration\n"
        config = self.write("config.yaml", head)
        with Server("--config", config) as server:
            self.assertIsNone(drain_of(server.review("/mutate", review(POD))))

            # A configuration that names a profile, then another profile under the same name.
            def replace(name, text):
                seen = len(server.lines)
                self.write(name, text)
                server.wait_for_log("configuration loaded", after=seen)

            replace("config.yaml", head + "sidecar: {profiles: [envoy.yaml]}\n")
            response = server.review("/mutate", review(POD))
            self.assertEqual(drain_of(response), "10")
            self.assertTrue(response["allowed"])
            replace("envoy.yaml", PROFILE.read_text().replace("default: 10s", "default: 12s"))
            self.assertEqual(drain_of(server.review("/mutate", review(POD))), "12")
            # A mistake keeps the last good one.
            seen = len(server.lines)
            self.write("envoy.yaml", "kind: SidecarProfile\n")
            server.wait_for_log("the new configuration is not used, the last good one stays",
                                after=seen)
            self.assertEqual(drain_of(server.review("/mutate", review(POD))), "12")
            self.assertEqual(server.metrics()[
                "gracekeeper_configuration_last_reload_successful"], 0)


if __name__ == "__main__":
    main()
