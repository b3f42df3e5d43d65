#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""An implementation of zx_vcpu_write_state in memory, behind the shim of vcpuspec_shim.py.

vCPUs without guests: registers that can be written and read, by the reference page. --defect breaks
one of its sentences, to see that this is found.
"""
import argparse
import functools
import threading
import time

from vcpuspec_shim import serve

OK = 0
NO_RESOURCES = -3
INVALID_ARGS = -10
BAD_HANDLE = -11
WRONG_TYPE = -12
BAD_STATE = -20
ACCESS_DENIED = -30

RIGHT_DUPLICATE = 1 << 0
RIGHT_READ = 1 << 2
RIGHT_WRITE = 1 << 3
RIGHT_MANAGE_THREAD = 1 << 18
SAME_RIGHTS = 1 << 31
BASIC = 1 << 0 | 1 << 1 | 1 << 14 | 1 << 15  # duplicate, transfer, wait, inspect
RIGHTS = {  # of a new handle
    "resource": BASIC,
    "guest": 1 << 0 | 1 << 1 | 1 << 3 | 1 << 15 | 1 << 18,
    "vmar": BASIC & ~(1 << 14) | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 21,
    "vcpu": BASIC | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 12,
    "event": BASIC | 1 << 12,
    "port": BASIC & ~(1 << 14) | 1 << 2 | 1 << 3,
    "vmo": BASIC | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 12,
}

MEMORY = 1 << 36  # bytes that a guest can have
STATE, IO = 0, 1
IO_SIZE = 8  # bytes: access_size, three of padding, four of data
STATE_SIZE = {"x86-64": 136, "arm64": 264}
# The caller's flags: CF PF AF ZF SF TF DF OF NT AC ID; N Z C V. Where they are in the state.
USER_FLAGS = {"x86-64": 0x244DD5, "arm64": 0xF0000000}
FLAGS = {"x86-64": slice(128, 136), "arm64": slice(256, 260)}

DEFECTS = ("none", "kind_8_bits", "thread_not_checked", "buffer_written_back", "crash_on_success",
           "hang_on_success")


class Refused(Exception):
    """Its argument is the status that the call answers."""


def expect(condition, status=INVALID_ARGS):
    if not condition:
        raise Refused(status)


def call(function):
    """A call: one at a time; it answers ZX_OK, or what it was refused with."""

    @functools.wraps(function)
    def locked(self, *arguments):
        with self.lock:
            try:
                function(self, *arguments)
                return OK
            except Refused as refused:
                return refused.args[0]

    return locked


class Object:
    def __init__(self, kind, arch):
        self.kind = kind
        # The thread's object: its number may be another's after it has ended.
        self.creator = threading.current_thread()
        self.state = bytearray(STATE_SIZE[arch])


class Toy:
    """The methods are the documented calls; README.md says what they get."""

    name = "toy"
    resource = 0x3  # what zx_guest_create wants to see
    other_resource = 0x7  # a resource of another kind, which it refuses

    def __init__(self, arch="x86-64", defect="none"):
        self.arch, self.defect = arch, defect
        self.lock = threading.Lock()
        self.handles = {self.resource: self._new("resource")}  # value -> (object, rights)
        self.next_value = 0x10003

    @call
    def zx_guest_create(self, memory, resource, options, guest, vmar):
        expect(resource != self.other_resource, ACCESS_DENIED)
        self._find(resource, "resource")
        expect(options == 0)
        self._give(memory, (guest, self._new("guest")), (vmar, self._new("vmar")))

    @call
    def zx_vcpu_create(self, memory, guest, options, entry, out):
        self._find(guest, "guest", RIGHT_MANAGE_THREAD)
        expect(options == 0 and entry < MEMORY)
        here = (what.creator is threading.current_thread() for what, _ in self.handles.values()
                if what.kind == "vcpu")
        expect(not any(here), BAD_STATE)
        self._give(memory, (out, self._new("vcpu")))

    @call
    def zx_vcpu_write_state(self, memory, handle, kind, buffer, size):
        vcpu = self._find(handle, "vcpu", RIGHT_WRITE)
        kind = kind & 0xFF if self.defect == "kind_8_bits" else kind
        expect(kind in (STATE, IO))
        expect(size == (STATE_SIZE[self.arch] if kind == STATE else IO_SIZE))
        contents = self._fetch(memory, buffer, size)
        if self.defect != "thread_not_checked":
            expect(vcpu.creator is threading.current_thread(), BAD_STATE)
        expect(kind == STATE or contents[0] in (1, 2, 4))
        if kind == STATE:
            self._write_registers(vcpu.state, contents)
        else:
            count = min(contents[0], 4)
            vcpu.state[:count] = contents[4:4 + count]
        self._written(memory, buffer)

    @call
    def zx_vcpu_read_state(self, memory, handle, kind, buffer, size):
        vcpu = self._find(handle, "vcpu", RIGHT_READ)
        expect(kind == STATE and size == STATE_SIZE[self.arch])
        expect(vcpu.creator is threading.current_thread(), BAD_STATE)
        expect(memory.write(buffer, vcpu.state))

    @call
    def zx_handle_close(self, memory, handle):
        if handle != 0:
            self._find(handle)
            del self.handles[handle]

    @call
    def zx_handle_duplicate(self, memory, handle, rights, out):
        self._find(handle, right=RIGHT_DUPLICATE)
        self._give(memory, (out, self._derive(handle, rights)))

    @call
    def zx_handle_replace(self, memory, handle, rights, out):
        self._find(handle)
        try:
            self._give(memory, (out, self._derive(handle, rights)))
        finally:
            del self.handles[handle]

    @call
    def zx_event_create(self, memory, options, out):
        expect(options == 0)
        self._give(memory, (out, self._new("event")))

    @call
    def zx_port_create(self, memory, options, out):
        expect(options == 0)
        self._give(memory, (out, self._new("port")))

    @call
    def zx_vmo_create(self, memory, size, options, out):
        expect(options == 0)
        self._give(memory, (out, self._new("vmo")))

    # Handles. Values rise, so that a closed one names nothing later; both low bits are set.

    def _new(self, kind):
        return Object(kind, self.arch), RIGHTS[kind]

    def _derive(self, handle, rights):
        what, had = self.handles[handle]
        rights = had if rights == SAME_RIGHTS else rights
        expect(rights & ~had == 0)
        return what, rights

    def _find(self, handle, kind=None, right=0):
        what, rights = self.handles.get(handle, (None, 0))
        expect(what is not None, BAD_HANDLE)
        expect(kind in (None, what.kind), WRONG_TYPE)
        expect(rights & right == right, ACCESS_DENIED)
        return what

    def _give(self, memory, *given):
        """New handles, each to the address that the caller named; none where one cannot be."""
        expect(all(memory.may_write(at, 4) for at, _ in given))
        for at, entry in given:
            expect(self.next_value <= 0xFFFFFFFF, NO_RESOURCES)
            self.handles[self.next_value] = entry
            memory.write(at, self.next_value.to_bytes(4, "little"))
            self.next_value += 4

    # What is written

    @staticmethod
    def _fetch(memory, buffer, size):
        contents = memory.read(buffer, size)
        expect(contents is not None)
        return contents

    def _write_registers(self, state, contents):
        flags = FLAGS[self.arch]
        kept = int.from_bytes(contents[flags], "little") & USER_FLAGS[self.arch]
        state[:flags.start] = contents[:flags.start]
        state[flags] = kept.to_bytes(flags.stop - flags.start, "little")

    def _written(self, memory, buffer):
        if self.defect == "buffer_written_back":
            memory.write(buffer, b"\0")
        if self.defect == "crash_on_success":
            raise RuntimeError("the planted defect")
        if self.defect == "hang_on_success":
            time.sleep(3600)


def main():
    parser = argparse.ArgumentParser(description="A toy implementation, to be judged by vcpuspec.")
    parser.add_argument("--arch", choices=("x86-64", "arm64"), default="x86-64")
    parser.add_argument("--defect", choices=DEFECTS, default="none")
    given = parser.parse_args()
    serve(lambda: Toy(given.arch, given.defect))


if __name__ == "__main__":
    main()
