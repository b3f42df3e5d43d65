#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""An implementation of zx_vcpu_write_state in memory, behind the shim of vcpuspec_shim.py.

vCPUs without guests: registers that can be written and read, by the reference page. --defect breaks
one of its sentences, to see that this is found.
"""
import argparse
import threading
import time
from typing import Any, Callable, Dict, Tuple, Type, TypeVar, Union

from vcpuspec_shim import STATE_SIZE, Unreadable, UserPointer, options, serve

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

STATE, IO = 0, 1
IO_SIZE = 8  # bytes: access_size, three of padding, four of data
# The caller's flags: CF PF AF ZF SF TF DF OF NT AC ID; N Z C V.
USER_FLAGS = {"x86-64": 0x244DD5, "arm64": 0xF0000000}
FLAGS_AT = {"x86-64": 128, "arm64": 256}  # byte offset in the state
FLAGS_BYTES = {"x86-64": 8, "arm64": 4}

DEFECTS = ("none", "kind_8_bits", "thread_not_checked", "io_fetched_twice", "buffer_written_back",
           "crash_on_success", "hang_on_success")

Status = int
WithHandle = Union[Status, Tuple[Status, int]]


class Refused(Exception):
    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.status = status


class Object:
    rights = 0  # of a new handle


class Guest(Object):
    rights = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 15 | 1 << 18


class Region(Object):
    rights = BASIC & ~(1 << 14) | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 21


class Event(Object):
    rights = BASIC | 1 << 12


class Port(Object):
    rights = BASIC & ~(1 << 14) | 1 << 2 | 1 << 3


class Vmo(Object):
    rights = BASIC | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 12


class Vcpu(Object):
    rights = BASIC | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 12

    def __init__(self, arch: str) -> None:
        # The thread's object: its number may be another's after it has ended.
        self.creator = threading.current_thread()
        self.state = bytearray(STATE_SIZE[arch])


AnyObject = TypeVar("AnyObject", bound=Object)


def call(function: Callable[..., Any]) -> Callable[..., Any]:
    """A call: one at a time, and Refused is its status."""

    def locked(self: "Toy", *arguments: Any) -> Any:
        with self.lock:
            try:
                return function(self, *arguments)
            except Refused as refused:
                return refused.status

    return locked


class Toy:
    """The methods are the documented calls; vcpuspec_shim.py says how they answer."""

    name = "toy"
    version = "0.3"

    def __init__(self, arch: str = "x86-64", defect: str = "none") -> None:
        self.arch = arch
        self.defect = defect
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.handles: Dict[int, Tuple[Object, int]] = {}
        self.next_value = 0x10003

    @call
    def zx_guest_create(self, resource: int, options: int) -> Tuple[Status, int, int]:
        self._expect(options == 0)
        return OK, self._new(Guest()), self._new(Region())

    @call
    def zx_vcpu_create(self, guest: int, options: int, entry: int) -> WithHandle:
        self._find(guest, Guest, RIGHT_MANAGE_THREAD)
        self._expect(options == 0)
        return OK, self._new(Vcpu(self.arch))

    @call
    def zx_vcpu_write_state(self, handle: int, kind: int, buffer: UserPointer,
                            buffer_size: int) -> Status:
        vcpu = self._find(handle, Vcpu, RIGHT_WRITE)
        kind = kind & 0xFF if self.defect == "kind_8_bits" else kind
        self._expect(kind in (STATE, IO))
        self._expect(buffer_size == (STATE_SIZE[self.arch] if kind == STATE else IO_SIZE))
        try:
            contents = buffer.read(buffer_size)
        except Unreadable:
            return INVALID_ARGS
        if vcpu.creator is not threading.current_thread() and self.defect != "thread_not_checked":
            return BAD_STATE
        if kind == IO:
            self._expect(contents[0] in (1, 2, 4))
        if self.defect == "io_fetched_twice":
            contents = buffer.read(buffer_size)
        if kind == STATE:
            self._write_registers(vcpu, contents)
        else:
            count = min(contents[0], 4)
            vcpu.state[:count] = contents[4:4 + count]
        return self._written(buffer)

    @call
    def zx_vcpu_read_state(self, handle: int, kind: int,
                           buffer_size: int) -> Union[Status, Tuple[Status, bytes]]:
        vcpu = self._find(handle, Vcpu, RIGHT_READ)
        self._expect(kind == STATE and buffer_size == STATE_SIZE[self.arch])
        if vcpu.creator is not threading.current_thread():
            return BAD_STATE
        return OK, bytes(vcpu.state)

    @call
    def zx_handle_close(self, handle: int) -> Status:
        self._find(handle, Object)
        del self.handles[handle]
        return OK

    @call
    def zx_handle_duplicate(self, handle: int, rights: int) -> WithHandle:
        self._find(handle, Object, RIGHT_DUPLICATE)
        return OK, self._derive(handle, rights)

    @call
    def zx_handle_replace(self, handle: int, rights: int) -> WithHandle:
        self._find(handle, Object)
        derived = self._derive(handle, rights)
        del self.handles[handle]
        return OK, derived

    @call
    def zx_event_create(self, options: int) -> WithHandle:
        self._expect(options == 0)
        return OK, self._new(Event())

    @call
    def zx_port_create(self, options: int) -> WithHandle:
        self._expect(options == 0)
        return OK, self._new(Port())

    @call
    def zx_vmo_create(self, size: int, options: int) -> WithHandle:
        self._expect(options == 0)
        return OK, self._new(Vmo())

    # Handles. Values rise, so that a closed one names nothing until reset; both low bits are set.

    def _new(self, what: Object) -> int:
        return self._insert(what, what.rights)

    def _insert(self, what: Object, rights: int) -> int:
        value = self.next_value
        if value > 0xFFFFFFFF:
            raise Refused(NO_RESOURCES)
        self.next_value += 4
        self.handles[value] = what, rights
        return value

    def _find(self, handle: int, kind: Type[AnyObject], right: int = 0) -> AnyObject:
        what, rights = self.handles.get(handle, (None, 0))
        if what is None:
            raise Refused(BAD_HANDLE)
        if not isinstance(what, kind):
            raise Refused(WRONG_TYPE)
        if rights & right != right:
            raise Refused(ACCESS_DENIED)
        return what

    def _derive(self, handle: int, rights: int) -> int:
        what, had = self.handles[handle]
        rights = had if rights == SAME_RIGHTS else rights
        self._expect(rights & ~had == 0)
        return self._insert(what, rights)

    # What is written

    def _write_registers(self, vcpu: Vcpu, contents: bytes) -> None:
        at, size = FLAGS_AT[self.arch], FLAGS_BYTES[self.arch]
        flags = int.from_bytes(contents[at:at + size], "little") & USER_FLAGS[self.arch]
        vcpu.state[:at] = contents[:at]
        vcpu.state[at:at + size] = flags.to_bytes(size, "little")

    def _written(self, buffer: UserPointer) -> Status:
        if self.defect == "buffer_written_back":
            try:
                buffer.write(b"\0")
            except Unreadable:
                pass
        if self.defect == "crash_on_success":
            raise RuntimeError("the planted defect")
        if self.defect == "hang_on_success":
            time.sleep(3600)
        return OK

    @staticmethod
    def _expect(true: bool) -> None:
        if not true:
            raise Refused(INVALID_ARGS)


def main() -> None:
    parser = argparse.ArgumentParser(description="A toy implementation, to be judged by vcpuspec.")
    parser.add_argument("--arch", choices=("x86-64", "arm64"), default="x86-64")
    parser.add_argument("--defect", choices=DEFECTS, default="none")
    options(parser)
    given = parser.parse_args()
    serve(Toy(given.arch, given.defect), sums=given.sums, unix=given.unix)


if __name__ == "__main__":
    main()
