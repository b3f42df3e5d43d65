# SPDX-License-Identifier: BSD-3-Clause
"""A shim (docs/shim.md) around an object whose methods are the documented calls: README.md."""
import inspect
import os
import re
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

PAGE = 4096
FORMS = [re.compile(form.replace("N", "0x[0-9a-f]{1,16}"), re.ASCII) for form in (
    r"(\d{1,20}) T(\d+) (zx_\w+)((?: N)*)", r"(map) T(\d+) (N) ((?:[0-9a-f]{2})+)( ro)?",
    r"(unmap) T(\d+) (N)", r"(end) T(\d+)", r"(hello) (\d+)")]


class Memory:
    """What a call can reach. Addresses are numbers; the implementation sees no other memory."""

    def __init__(self, there, readonly):
        self.there, self.readonly = there, readonly  # address -> byte; numbers of pages
        self.changes = ""  # what the answer says that the call wrote

    def read(self, at, size):
        """The bytes there; None where one is not. What is read twice may change in between."""
        data = [self.there.get(i) for i in range(at, at + size)]
        return None if None in data else bytes(data)

    def may_write(self, at, size):
        """Whether a call can write all of these bytes."""
        places = range(at, at + size)
        return all(i in self.there and i // PAGE not in self.readonly for i in places)

    def write(self, at, data):
        """True, and the bytes are there; False, and nothing is."""
        good = self.may_write(at, len(data))
        if good and data:
            self.there.update(enumerate(data, at))
            self.changes += f" {at:#x}={data.hex()}"
        return good


class Shim:
    def __init__(self, make, out):
        self.make, self.out = make, out

    def say(self, line):
        self.out.write((line + "\n").encode())  # whole, also where several threads do
        self.out.flush()

    def hello(self):
        self.made, self.there, self.readonly = self.make(), {}, set()
        self.threads = defaultdict(lambda: ThreadPoolExecutor(1))  # one thread each; the old end
        names = [name for name in dir(self.made) if name.startswith("zx_")]
        words = [f"{w}={getattr(self.made, w, 0):#x}" for w in ("resource", "other_resource")]
        self.say(" ".join(["hello 2", self.made.name, self.made.arch, *names, *words]))

    def call(self, tag, call, memory, arguments):
        try:
            status = call(memory, *arguments)
        except BaseException:  # a crash, which ends the process
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        self.say(f"{tag} {status}{memory.changes}")

    def obey(self, word, thread, what="0x0", data="", ro=None):
        if word.isdigit():
            call, arguments = getattr(self.made, what, None), [int(n, 16) for n in data.split()]
            if call is None or len(inspect.signature(call).parameters) != len(arguments) + 1:
                return False  # there is no such call
            memory = Memory(self.there, self.readonly)
            self.threads[thread].submit(self.call, word, call, memory, arguments)
        elif word == "map":
            at, data = int(what, 16), bytes.fromhex(data)
            for page in range(at // PAGE, (at + len(data) - 1) // PAGE + 1):
                if page * PAGE not in self.there:
                    self.there.update(dict.fromkeys(range(page * PAGE, page * PAGE + PAGE), 0))
                (self.readonly.add if ro else self.readonly.discard)(page)
            self.there.update(enumerate(data, at))
        elif word == "unmap":
            for i in range(int(what, 16), int(what, 16) + PAGE):
                self.there.pop(i, None)
        elif word == "hello":
            self.hello()
        elif thread in self.threads:
            self.threads.pop(thread).shutdown()
        return True

    def take(self, line):
        found = next(filter(None, (form.fullmatch(line) for form in FORMS)), None)
        if found is None or len(line) > 16384 or not self.obey(*found.groups()):
            tag = re.match(r"(\d{1,20})(?: |$)|", line, re.ASCII)[1] or "0"
            self.say(tag + " error this line is not understood")


def serve(make):  # make() makes the implementation anew
    shim = Shim(make, sys.stdout.buffer)
    sys.stdout = sys.stderr  # what is printed is for people
    for line in sys.stdin.buffer:
        shim.take(line.decode("latin-1").rstrip("\r\n"))
    os._exit(0)  # also where a call has not returned
