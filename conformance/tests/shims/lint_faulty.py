# SPDX-License-Identifier: BSD-3-Clause
"""lint_faulty.py SHIMS FAULT: the toy behind the shim of SHIMS/python, which then does one thing wrong:
see lint_faults.def."""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(sys.argv[1], "python"))
sys.argv[1:] = sys.argv[2:]
import toy  # noqa: E402
import vcpuspec_shim  # noqa: E402

FAULT = sys.argv[1]
GREETINGS = {
    "version": ("hello 2", "hello 3"),
    "arch": ("x86-64", "sparc"),
    "unknown_call": (" resource=", " zx_fnord resource="),
    "least": (" zx_handle_close", ""),
    "sumless": (" resource=", " sums resource="),
    "any_sum": (" resource=", " sums resource="),
}
ANSWERS = {
    "no_changes": (r" 0x.*", ""),
    "hex_status": (r"^(\d+) 0", r"\1 0x0"),
    "unsigned_status": (r"^(\d+) -11", r"\1 4294967285"),
    "long_error": (r"^(7 error).*", r"\1 " + "x" * 17000),
    "comma": (r"(0x\w+=\w+) ", r"\1, "),
    "wrong_tag": (r"^1 ", "2 "),
    "unprintable": (r"$", "\t"),
    "bad_handle": (r"-11", "0"),
    "no_error": (r"error.*", "0"),
    "tagless_error": (r"^\d+ error", "0 error"),
    "tag_of_32_bits": (r"^4294967296 ", "0 "),
}


def sum_of(line):
    total = 2166136261
    for byte in line.encode("latin-1"):
        total = (total ^ byte) * 16777619 & 0xFFFFFFFF
    return f" sum={total:08x}"


class Faulty(vcpuspec_shim.Shim):
    kept = ""
    threads = {}

    def say(self, line):
        greets, errs = line.startswith("hello"), " error" in line
        if FAULT == "dies_of_error" and errs:
            os._exit(1)
        if FAULT == "silent" or (FAULT == "silent_error" and errs):
            return
        if greets and FAULT in GREETINGS:
            line = line.replace(*GREETINGS[FAULT])
        if not greets and FAULT in ANSWERS:
            line = re.sub(*ANSWERS[FAULT], line, count=1)
        if FAULT == "unflushed" and not greets:
            self.kept, line = line, self.kept
            if not line:
                return
        if FAULT == "any_sum" and not greets:
            line += sum_of(line)
        super().say(line)
        if FAULT == "chatty" and greets or FAULT == "twice" and not greets:
            super().say(line)

    def hello(self):
        if FAULT == "remembers" and self.threads:
            made, self.make = self.make, lambda: self.made
            super().hello()
            self.make = made
        else:
            make = self.make
            self.made = make()
            self.make = lambda: self.made
            super().hello()
            self.make = make

    def obey(self, word, name, *rest):
        if FAULT == "thread_each_call" and word.isdigit():
            super().obey("end", name)
        if FAULT == "same_thread" and word == "end":
            return True
        if FAULT == "writes_readonly":
            rest = [part for part in rest if part != " ro"]
        if FAULT == "writes_unmapped" and word == "unmap":
            return True
        if FAULT == "takes_fewer" and word == "7004":
            rest = [rest[0], " 0x0"]
        good = super().obey(word, name, *rest)
        if FAULT == "answers_map" and word == "map":
            self.say("0 0")
        return good

    def take(self, line):
        if FAULT == "dies_of_length" and len(line) > 4096:
            os._exit(1)
        if FAULT == "any_sum" and " sum=" in line:
            line = line[:-13]
        super().take(line)


def lines():
    while True:
        chunk = os.read(0, 65536)
        if not chunk:
            break
        while not chunk.endswith(b"\n"):
            more = os.read(0, 65536)
            if not more:
                break
            chunk += more
        parts = chunk.decode("latin-1").split("\n")[:-1]
        same = len(parts) == 2 and parts[0] == parts[1]
        yield from parts[:1] if FAULT == "one_at_a_time" and same else parts


shim = Faulty(toy.Toy, sys.stdout.buffer)
for each in lines():
    shim.take(each if FAULT == "keeps_return" else each.rstrip("\r"))
if FAULT == "goodbye":
    print("bye", flush=True)
while FAULT == "immortal":
    time.sleep(1)
