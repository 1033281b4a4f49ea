#!/usr/bin/env python3
"""Runs a program under a seccomp profile as container runtimes read it: confined.py PROFILE PROGRAM …

What the profile does not allow ends the process with SIGSYS, where a runtime would only refuse it:
so that a test sees it. Numbers of system calls come from the C library's headers of this machine.
Linux on x86-64 and arm64.
"""

import ctypes
import json
import os
import platform
import re
import struct
import subprocess
import sys

ARCHITECTURES = {"x86_64": ("SCMP_ARCH_X86_64", 0xC000003E), "aarch64": ("SCMP_ARCH_AARCH64", 0xC00000B7)}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
OFFSET_OF_NUMBER, OFFSET_OF_ARCHITECTURE = 0, 4


def numbers():
    """{name: number} of this machine's system calls."""
    macros = subprocess.run(["cc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", os.devnull],
                            check=True, capture_output=True, text=True).stdout
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", macros)}


def allowed(profile):
    if profile["defaultAction"] != "SCMP_ACT_ERRNO":
        raise SystemExit("the profile does not refuse by default")
    names = []
    for rule in profile["syscalls"]:
        if rule["action"] != "SCMP_ACT_ALLOW" or rule.get("args"):
            raise SystemExit(f"a rule that is not understood here: {rule}")
        names += rule["names"]
    return names


def program_for(profile):
    name, architecture = ARCHITECTURES[platform.machine()]
    if name not in profile["architectures"]:
        raise SystemExit(f"the profile is not for {name}")
    known = numbers()
    code = [(LOAD, 0, 0, OFFSET_OF_ARCHITECTURE), (JUMP_EQUAL, 1, 0, architecture),
            (RETURN, 0, 0, KILL_PROCESS), (LOAD, 0, 0, OFFSET_OF_NUMBER)]
    for number in sorted(known[n] for n in allowed(profile) if n in known):
        code += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    code.append((RETURN, 0, 0, KILL_PROCESS))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        code = program_for(json.load(file))
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog: the length as an unsigned short, padded, and a pointer.
    filter_ = struct.pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")
    arguments = [os.fsencode(a) for a in sys.argv[2:]]
    vector = (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)
    environment = (ctypes.c_char_p * (len(os.environb) + 1))(
        *(k + b"=" + v for k, v in os.environb.items()), None)
    # From here on nothing but execve: Python itself needs more than the profile allows.
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(filter_))
    libc.execve(arguments[0], vector, environment)
    os._exit(127)


if __name__ == "__main__":
    main()
