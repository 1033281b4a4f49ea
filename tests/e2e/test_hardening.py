"""What the compiler and the linker were told to do is in the program."""

import os
import re
import subprocess
import unittest

import gracekeeper
from gracekeeper import LIMIT, TestCase, main

BUILD = os.environ.get("GRACEKEEPER_BUILD", "Release")


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments, gracekeeper.PROGRAM], check=True, text=True,
                          capture_output=True, timeout=LIMIT).stdout


@unittest.skipIf("sanitized" in BUILD, "sanitizers have their own ways")
class Hardening(TestCase):
    def test_it_can_be_loaded_anywhere(self):
        self.assertRegex(readelf("-h"), r"Type: +DYN \(Position-Independent Executable file\)")
        self.assertIn("PIE", readelf("-d"))

    def test_what_the_loader_wrote_is_read_only(self):
        self.assertIn("GNU_RELRO", readelf("-l"))
        self.assertIn("BIND_NOW", readelf("-d"))

    def test_nothing_is_both_writable_and_executable(self):
        segments = readelf("-l")
        self.assertRegex(segments, r"GNU_STACK .* RW +0x")
        self.assertNotRegex(segments, r"LOAD .* RWE ")
        self.assertNotIn("TEXTREL", readelf("-d"))

    def test_it_loads_libraries_from_no_folder_of_its_own(self):
        self.assertNotRegex(readelf("-d"), r"R(UN)?PATH")

    def test_stacks_are_guarded(self):
        self.assertIn("__stack_chk_fail", readelf("--dyn-syms"))

    @unittest.skipUnless(BUILD == "Release", "only an optimised build is fortified")
    def test_calls_of_the_c_library_are_fortified(self):
        fortified = set(re.findall(r"(__\w+_chk)@", readelf("--dyn-syms")))
        self.assertTrue(fortified - {"__stack_chk_fail"}, fortified)

    @unittest.skipUnless(BUILD == "Release", "only a release has no paths for a debugger")
    def test_no_path_of_the_machine_that_built_it_is_inside(self):
        with open(gracekeeper.PROGRAM, "rb") as program:
            data = program.read()
        source = str(gracekeeper.SOURCE).encode()
        self.assertNotIn(source + b"/", data)


if __name__ == "__main__":
    main()
