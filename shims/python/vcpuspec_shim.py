# SPDX-License-Identifier: BSD-3-Clause
"""A shim (docs/shim.md) around an object whose methods are the documented calls: README.md."""
import inspect
import os
import queue
import re
import sys
import threading
import traceback

from vcpuspec_parts import PAGE, Memory, connections, pages_of, put, sum_of

LINE = 16384
FORMS = [re.compile(form.replace("N", "0x[0-9a-f]{1,16}"), re.ASCII) for form in (
    r"(\d{1,20}) T(\d+) (zx_\w+)((?: N)*)", r"(map) T(\d+) (N) ((?:[0-9a-f]{2})+)( ro)?",
    r"(hold) T(\d+) (N) ((?:[0-9a-f]{2})+)", r"(unmap) T(\d+) (N)", r"(end) T(\d+)")]


class Shim:
    def __init__(self, make, sums, out):
        self.make, self.sums, self.out, self.lock = make, sums, out, threading.Lock()
        self.has_sums, self.threads = False, {}

    def say(self, line):
        with self.lock:
            self.out.write((line + sum_of(line) * self.has_sums + "\n").encode())
            self.out.flush()

    def live(self, calls):
        """A thread. The implementation may ask for threading.current_thread()."""
        for tag, call, memory, arguments in iter(calls.get, None):
            try:
                status = call(memory, *arguments)
            except BaseException:  # a crash, which ends the process
                traceback.print_exc()
                os._exit(1)
            self.say(f"{tag} {status}{memory.answer()}")

    def hello(self):
        for thread in self.threads.values():
            thread.calls.put(None)
        made = self.make()
        self.threads, self.pages, self.holds, self.has_sums = {}, {}, {}, False
        names = [name for name in dir(made) if name.startswith("zx_")]
        calls = [getattr(made, name) for name in names]
        self.calls = {c.__name__: (c, len(inspect.signature(c).parameters) - 1) for c in calls}
        words = [made.name, made.arch, *names, f"resource={getattr(made, 'resource', 0):#x}", "hold"]
        self.say(" ".join(["hello 2", *words] + ["sums"] * self.sums))
        self.has_sums = self.sums

    def call(self, tag, name, call, count, arguments):
        if len(arguments) != count:
            return False
        if name not in self.threads:
            calls = queue.SimpleQueue()
            self.threads[name] = threading.Thread(target=self.live, args=[calls], daemon=True)
            self.threads[name].calls = calls
            self.threads[name].start()
        memory = Memory(self.pages, self.holds.pop(name, None))
        self.threads[name].calls.put((tag, call, memory, arguments))
        return True

    def obey(self, word, name, at="0x0", data="", ro=None):
        """False: this cannot be done."""
        if word.isdigit():
            numbers = [int(number, 16) for number in data.split()]
            return at in self.calls and self.call(word, name, *self.calls[at], numbers)
        at, data = int(at, 16), bytes.fromhex(data)
        if word == "map":
            for page in pages_of(at, len(data)):
                self.pages.setdefault(page, [bytearray(PAGE), True])[1] = not ro
            put(self.pages, at, data)
        elif word == "hold":
            self.holds[name] = at, data
        elif word == "unmap":
            self.pages.pop(at // PAGE, None)
        elif name in self.threads:
            thread = self.threads.pop(name)
            thread.calls.put(None)
            thread.join()
        return True

    def take(self, line):
        if re.fullmatch(r"hello \d+", line, re.ASCII):
            return self.hello()
        tag = re.match(r"(\d{1,20})(?: |$)|", line, re.ASCII)[1] or "0"
        good = len(line) <= LINE and (not self.has_sums or line[-13:] == sum_of(line[:-13]))
        forms = [form.fullmatch(line[:-13] if self.has_sums else line) for form in FORMS * good]
        if not any(forms) or not self.obey(*next(filter(None, forms)).groups()):
            self.say(tag + " error this line is not understood")


def serve(make, sums=False, unix=None):
    """make() makes the implementation anew. Serves standard input, or a socket's connections."""
    standard, sys.stdout = (sys.stdin.buffer, sys.stdout.buffer), sys.stderr  # print is for people
    for lines, out in connections(unix) if unix else [standard]:
        shim = Shim(make, sums, out)
        for line in lines:
            shim.take(line.decode("latin-1").rstrip("\r\n"))
