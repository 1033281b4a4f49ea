"""`gracekeeper check`: input that comes slowly or through a pipe; the line that shows how far long work is."""

import json
import os
import pty
import subprocess

from gracekeeper import LIMIT, PROGRAM, TestCase, environment, main, run, wait_until

POD = ("apiVersion: v1\nkind: Pod\nmetadata: {{name: p{0}, namespace: shop}}\nspec:\n"
       "  terminationGracePeriodSeconds: 30\n  containers: [{{name: app}}]\n")
NAMESPACE = ("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  annotations:\n"
             "    linkerd.io/inject: enabled\n    config.linkerd.io/shutdown-grace-period: 60s\n")


class Progress(TestCase):
    def fifo(self, name):
        path = self.folder / name
        os.mkfifo(path)
        return path

    def start(self, path, stderr):
        return subprocess.Popen([PROGRAM, "check", str(path)], env=environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=stderr)

    def test_it_is_shown_on_a_terminal_and_gone_in_the_end(self):
        quiet_input, shown_input = self.fifo("quiet.yaml"), self.fifo("shown.yaml")
        main_side, terminal = pty.openpty()
        self.addCleanup(os.close, main_side)
        os.set_blocking(main_side, False)
        quiet = self.start(quiet_input, subprocess.PIPE)  # first, so that it works for longer
        shown = self.start(shown_input, terminal)
        os.close(terminal)
        seen = bytearray()

        def look(for_what):
            try:
                seen.extend(os.read(main_side, 4096))
            except BlockingIOError:
                pass
            except OSError:  # the last one who held the terminal has gone
                pass
            return for_what in seen

        wait_until(lambda: look(b"check: 0 documents"), "the progress line")
        for path in (quiet_input, shown_input):
            path.write_text(POD.format(1))
        out, _ = shown.communicate(timeout=LIMIT)
        wait_until(lambda: look(b"") or seen.endswith(b"\x1b[K"), "the end of the progress line")
        self.assertTrue(seen.endswith(b"\r\x1b[K"), seen)
        self.assertEqual(shown.returncode, 0, out)
        out, err = quiet.communicate(timeout=LIMIT)
        self.assertEqual((quiet.returncode, err), (0, b""), out)

    def test_short_work_shows_nothing(self):
        path = self.write("short.yaml", POD.format(1))
        main_side, terminal = pty.openpty()
        self.addCleanup(os.close, main_side)
        process = self.start(path, terminal)
        out, _ = process.communicate(timeout=LIMIT)
        os.write(terminal, b"end")
        os.close(terminal)
        self.assertEqual(os.read(main_side, 100), b"end", "only what this test wrote")
        self.assertEqual(process.returncode, 0, out)


class Pipes(TestCase):
    # A Namespace that comes after its pods counts: pipes are read twice too.
    TEXT = "---\n".join([POD.format(number) for number in range(2000)] + [NAMESPACE])

    def test_they_are_read_as_files_are(self):
        as_file = run("check", "--format", "json", self.write("all.yaml", self.TEXT))
        as_input = run("check", "--format", "json", "-", input=self.TEXT)
        self.assertEqual(as_file.code, 1, as_file.err)
        self.assertEqual(as_input.out, as_file.out.replace(str(self.folder / "all.yaml"), "<stdin>"))
        path = self.folder / "pipe.yaml"
        os.mkfifo(path)
        process = subprocess.Popen([PROGRAM, "check", "--format", "json", str(path)], env=environment(),
                                   stdout=subprocess.PIPE, text=True)
        path.write_text(self.TEXT)
        out, _ = process.communicate(timeout=LIMIT)
        self.assertEqual(out, as_file.out.replace("all.yaml", "pipe.yaml"))

    def test_the_order_is_that_of_the_files_whichever_is_read_first(self):
        for number in range(60):  # the first ones take longest
            self.write(f"{number:02}.yaml", "---\n".join(
                [POD.format(f"{number}-{at}") for at in range((60 - number) * 5)] + [NAMESPACE]))
        done = run("check", "--format", "json", self.folder)
        again = run("check", "--format", "json", self.folder)
        self.assertEqual(done, again)
        files = [finding["file"] for finding in json.loads(done.out)["findings"]]
        self.assertEqual(files, sorted(files))
        self.assertGreater(len(set(files)), 50)


if __name__ == "__main__":
    main()
