# SPDX-License-Identifier: BSD-3-Clause
"""For vcpuspec_shim.py: the memory that a call can reach, sums of lines, sockets."""
import socket

PAGE = 4096


class Memory:
    """What one call can reach. Addresses are numbers; the implementation sees no other memory."""

    def __init__(self, pages, hold=None):
        self.pages = pages  # of all calls: number of the page -> [its bytes, whether calls may write]
        self.hold = hold  # None, or the address of a page and what is written before it: shim.md
        self.changed = []  # address and size of what the call wrote
        self.held = False

    def read(self, at, size):
        """The bytes there; None where one is not. What is read twice may change in between."""
        data = b""
        while len(data) < size:
            page, start = divmod(at + len(data), PAGE)
            if page not in self.pages:
                return None
            self._touch(page)
            data += self.pages[page][0][start:start + size - len(data)]
        return data

    def may_write(self, at, size):
        """Whether a call can write all of these bytes."""
        return all(self.pages.get(page, (b"", False))[1] for page in pages_of(at, size))

    def write(self, at, data):
        """True, and the bytes are there; False, and nothing is."""
        if not self.may_write(at, len(data)):
            return False
        for page in pages_of(at, len(data)):
            self._touch(page)
        put(self.pages, at, data)
        self.changed.append((at, len(data)))
        return True

    def answer(self):
        """What the answer says of memory, behind the status."""
        changes = [f" {at:#x}={self.read(at, size).hex()}" for at, size in self.changed if size > 0]
        return " held" * self.held + "".join(changes)

    def _touch(self, page):
        if self.hold is not None and page * PAGE == self.hold[0]:
            at, data = self.hold
            put(self.pages, at - len(data), data)
            self.hold, self.held = None, True


def pages_of(at, size):
    return range(at // PAGE, (at + size + PAGE - 1) // PAGE)


def put(pages, at, data):
    for i, byte in enumerate(data, at):
        pages[i // PAGE][0][i % PAGE] = byte


def sum_of(line):
    total = 2166136261
    for byte in line.encode("latin-1"):
        total = (total ^ byte) * 16777619 & 0xFFFFFFFF
    return f" sum={total:08x}"


def connections(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    while True:
        file = listener.accept()[0].makefile("rwb")
        yield file, file
