"""What holds for every command: help on one screen, version, completion, usage errors."""

import json
import shutil
import subprocess
import tempfile

from gracekeeper import LIMIT, PROGRAM, SOURCE, TestCase, environment, main, run

COMMANDS = ("serve", "check", "audit", "inject", "explain", "why", "rules", "uninject",
            "completion")


class Help(TestCase):
    def test_it_fits_on_one_screen_and_ends_with_the_exit_codes(self):
        for command in ((), *((name,) for name in COMMANDS)):
            with self.subTest(command=command):
                done = run(*command, "--help")
                self.assertEqual((done.code, done.err), (0, ""))
                lines = done.out.rstrip("\n").split("\n")
                self.assertLessEqual(len(lines), 45)
                self.assertEqual([line for line in lines if len(line) > 80], [])
                self.assertTrue(any(line.startswith("Exit codes: 0 ") for line in lines[-3:]),
                                lines[-3:])
                self.assertEqual(run(*command, "-h").out, done.out)

    def test_it_names_every_command_and_shows_the_defaults(self):
        done = run("--help")
        for name in COMMANDS:
            self.assertIn(f"\n  {name} ", done.out)
        for command, defaults in (
                ("serve", (":8443", ":8080", "5s", "json", "info", "1.34", "deny")),
                ("check", ("text", "error", "1.34", "deny")),
                ("audit", ("text", "error", "1.34", "deny")), ("inject", ("1.34", "deny")),
                ("explain", ("text", "1.34"))):
            for default in defaults:
                with self.subTest(command=command, default=default):
                    self.assertIn(default, run(command, "--help").out)

    def test_the_version_is_that_of_the_source(self):
        version = (SOURCE / "VERSION").read_text().split()[0]
        self.assertEqual(run("--version"), (0, f"gracekeeper {version}\n", ""))


class Usage(TestCase):
    def test_errors_go_to_standard_error_and_exit_with_2(self):
        cases = [
            ((), "A subcommand is required"),
            (("frobnicate",), 'gracekeeper: there is no command "frobnicate"; gracekeeper --help '
                              "lists them\n"),
            (("--frobnicate",), ""),
            (("check",), "PATH is required"),
            (("inject",), "PATH is required"),
            (("explain",), "PATH is required"),
            (("completion",), "SHELL is required"),
            (("completion", "tcsh"), "SHELL: "),
            (("rules", "GK999"), 'gracekeeper: there is no rule "GK999"; gracekeeper rules lists '
                                 "them all\n"),
            (("explain", "-", "--format", "png"), "--format: "),
            (("serve", "extra"), "The following argument was not expected: extra"),
        ]
        for arguments, message in cases:
            with self.subTest(arguments=arguments):
                done = run(*arguments)
                self.assertEqual((done.code, done.out), (2, ""))
                self.assertEqual(done.err[:len(message)], message)
                self.assertNotEqual(done.err, "")

    def test_a_reader_that_goes_away_is_no_crash(self):
        pods = "---\n".join("kind: Pod\nmetadata: {annotations: {linkerd.io/inject: enabled}}\n"
                            "spec: {containers: [{name: a}]}\n" for _ in range(60))
        path = self.write("pods.yaml", pods)
        process = subprocess.Popen([PROGRAM, "inject", path], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=environment())
        process.stdout.read(10)
        process.stdout.close()
        self.assertIn(process.wait(LIMIT), (2, -13))  # an error, or SIGPIPE as any filter


class Rules(TestCase):
    def test_the_catalogue_is_complete_in_every_format(self):
        ids = [f"GK{number:03}" for number in range(1, 17)]
        for form in ("text", "json", "markdown"):
            done = run("rules", "--format", form)
            self.assertEqual((done.code, done.err), (0, ""))
            for rule in ids:
                with self.subTest(format=form, rule=rule):
                    self.assertIn(rule, done.out)
        catalogue = json.loads(run("rules", "--format", "json").out)
        listed = catalogue if isinstance(catalogue, list) else catalogue["rules"]
        self.assertEqual([rule["id"] for rule in listed], ids)

    def test_one_rule_by_its_id_or_its_name(self):
        by_id = run("rules", "GK001")
        self.assertEqual(by_id.code, 0)
        self.assertIn("grace-too-short", by_id.out)
        self.assertNotIn("GK002", by_id.out.split("\n")[0])
        self.assertEqual(run("rules", "grace-too-short"), by_id)


class Completion(TestCase):
    def complete(self, *words):
        """What bash offers for the last of these words, having read the script."""
        script = self.write("completion.bash", run("completion", "bash").out)
        quoted = " ".join(f"'{word}'" for word in words)
        done = subprocess.run(
            ["bash", "--norc", "-c", f"source '{script}'; COMP_WORDS=({quoted}); "
             f"COMP_CWORD={len(words) - 1}; _gracekeeper; printf '%s\\n' \"${{COMPREPLY[@]}}\"; "
             "complete -p gracekeeper"],
            capture_output=True, text=True, timeout=LIMIT, cwd=self.folder, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        *offered, registered = done.stdout.splitlines()
        self.assertIn("-F _gracekeeper gracekeeper", registered)
        return sorted(offered)

    def test_bash_completes_commands_options_and_files(self):
        self.write("pods.yaml", "")
        self.assertEqual(self.complete("gracekeeper", ""),
                         sorted([*COMMANDS, "--help", "--version"]))
        self.assertEqual(self.complete("gracekeeper", "c"), ["check", "completion"])
        self.assertEqual(self.complete("gracekeeper", "check", "--fo"), ["--format"])
        self.assertEqual(self.complete("gracekeeper", "serve", "--tls"),
                         ["--tls-cert", "--tls-key", "--tls-name"])
        self.assertEqual(self.complete("gracekeeper", "check", "po"), ["pods.yaml"])
        self.assertEqual(self.complete("gracekeeper", "check", "--nothing"), [""])

    def test_every_option_of_the_help_is_offered(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                helped = {word.split("=")[0].split(",")[-1]
                          for line in run(command, "--help").out.splitlines()
                          for word in line.split()[:1] if "--" in word}
                offered = set(self.complete("gracekeeper", command, "--"))
                self.assertEqual(helped, offered)

    def test_the_scripts_are_scripts(self):
        for shell in ("bash", "zsh", "fish"):
            if not shutil.which(shell):
                continue
            with self.subTest(shell=shell), tempfile.NamedTemporaryFile("w") as script:
                script.write(run("completion", shell).out)
                script.flush()
                done = subprocess.run([shell, "-n", script.name], capture_output=True, text=True,
                                      timeout=LIMIT, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    main()
