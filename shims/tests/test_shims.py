#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Conversations from docs/shim.md, played with the shims in Python and, where rustc is, in Rust.

test_shims.py [unittest's arguments]. The standard library only.
"""
import io
import os
import pathlib
import random
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Callable, Dict, List, Optional, Sequence, Tuple

TESTS = pathlib.Path(__file__).resolve().parent
SHIMS = TESTS.parent
DOCUMENT = SHIMS.parent / "docs" / "shim.md"
sys.path.insert(0, str(SHIMS / "python"))
import toy  # noqa: E402
import vcpuspec_shim  # noqa: E402

PATIENCE = 20.0  # seconds
GREETING = "vcpuspec shim 1"
STATE = 136  # bytes
REPLY = re.compile(rb"[0-9]{1,19} = [ -~]+")

temporary = tempfile.TemporaryDirectory()
SOCKET = os.path.join(temporary.name, "socket")
# By language: what starts the toy, and the puppet.
commands: Dict[str, Tuple[List[str], List[str]]] = {
    "python": ([sys.executable, str(SHIMS / "python" / "toy.py")],
               [sys.executable, str(TESTS / "puppet.py")]),
}


def setUpModule() -> None:
    rustc = shutil.which("rustc")
    if rustc is None:
        print("no rustc here: the shim in Rust is not tested", file=sys.stderr)
        return
    built = []
    for source in (SHIMS / "rust" / "toy.rs", TESTS / "puppet.rs"):
        program = os.path.join(temporary.name, source.stem)
        lax = ["-A", "dead_code"] if source.stem == "puppet" else []
        flags = ["-O", "-D", "warnings", *lax]
        subprocess.run([rustc, *flags, "-o", program, str(source)], check=True)
        built.append([program])
    commands["rust"] = built[0], built[1]


def tearDownModule() -> None:
    temporary.cleanup()


class Shim:
    """A child process, to be asked line by line."""

    def __init__(self, command: List[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, bufsize=0)
        self.rest = b""
        self.number = 0

    def __enter__(self) -> "Shim":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode("latin-1") + b"\n")

    def line(self) -> Optional[str]:
        """None: it has closed its output."""
        assert self.process.stdout is not None
        until = time.monotonic() + PATIENCE
        while b"\n" not in self.rest:
            if not select.select([self.process.stdout], [], [], until - time.monotonic())[0]:
                raise AssertionError(f"no line in {PATIENCE} s, but {self.rest!r}")
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                return None
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode("ascii")

    def greet(self, line: str = GREETING) -> List[str]:
        self.send(line)
        lines = []
        while not lines or lines[-1] != "ready":
            answer = self.line()
            assert answer is not None, lines
            lines.append(answer)
        return lines

    def ask(self, request: str) -> str:
        """The reply without its number."""
        self.number += 1
        self.send(f"{self.number} {request}")
        reply = self.line() or ""
        number, _, answer = reply.partition(" ")
        assert number == str(self.number), reply
        return answer

    def finish(self) -> Tuple[int, str]:
        """Exit status and messages, after the end of its input."""
        out, messages = self.process.communicate(timeout=PATIENCE)
        assert out == b"", out
        return self.process.returncode, messages.decode()


def document_conversation() -> List[Tuple[str, str]]:
    """(sign, line) of the first block of docs/shim.md."""
    text = DOCUMENT.read_text().split("## A whole conversation", 1)[1].split("```")[1]
    return [(line[0], line[2:]) for line in text.strip().splitlines()]


Test = Callable[["EachShim", Shim], None]


def each(*options: str, puppet: bool = False) -> Callable[[Test], Callable[["EachShim"], None]]:
    """The test is done with the toy, or the puppet, of every language."""

    def decorate(test: Test) -> Callable[["EachShim"], None]:
        def of_each(self: "EachShim") -> None:
            for language, starts in commands.items():
                with self.subTest(language=language), Shim(starts[puppet] + list(options)) as shim:
                    test(self, shim)

        return of_each

    return decorate


class EachShim(unittest.TestCase):

    def scene(self, shim: Shim) -> None:
        """h0 guest, h1 region, h2 vCPU of T0."""
        shim.greet()
        self.assertTrue(shim.ask("T0: h0 h1 = guest_create").startswith("= ZX_OK handle=0x"))
        self.assertTrue(shim.ask("T0: h2 = vcpu_create h0 dump").startswith("= ZX_OK handle=0x"))

    def asked(self, shim: Shim, *pairs: Tuple[str, str]) -> None:
        for request, reply in pairs:
            self.assertEqual(shim.ask(request), reply, request)

    def misunderstood(self, shim: Shim, *requests: str) -> None:
        for request in requests:
            self.assertRegex(shim.ask(request), "^= error [ -~]+$", request)


IO = "T0: write_state h2 kind=1 size=8 length=8 at="
ZEROS = "= ZX_OK state bytes=" + "00" * STATE


def io_bytes(access: int, data: int) -> str:
    return f"bytes={access:02x}000000{data.to_bytes(4, 'little').hex()}"


def accumulator(value: int) -> str:
    return "= ZX_OK state bytes=" + value.to_bytes(8, "little").hex() + "00" * (STATE - 8)


class Document(EachShim):
    @each()
    def test_conversation(self, shim: Shim) -> None:
        conversation = document_conversation()
        self.assertEqual(conversation[0], (">", GREETING))
        answered: List[str] = []
        for sign, line in conversation:
            if sign == ">":
                self.assertEqual(answered, [], "more lines than the document has")
                if line == GREETING:
                    answered = [line for line in shim.greet() if not line.startswith("rewrites")]
                else:
                    shim.send(line)
                    answered = [shim.line() or ""]
            elif " = error " in line:
                answer = answered.pop(0).encode()
                self.assertEqual(without_texts(answer), without_texts(line.encode()))
            elif line.startswith("calls "):
                self.assertLessEqual(set(line.split()), set(answered.pop(0).split()))
            else:
                self.assertEqual(answered.pop(0), line)
        self.assertEqual(answered, [])
        self.assertEqual(shim.finish(), (0, ""))

    @each()
    def test_every_place_is_known(self, shim: Shim) -> None:
        rows = re.findall(r"^\| ((?:`[a-z_]+(?::N)?`(?:, )?)+) \|", DOCUMENT.read_text(), re.M)
        places = re.findall(r"`([a-z_]+(?::N)?)`", " ".join(rows[0:]))
        places = [place for place in places if place.partition(":")[0] in vcpuspec_shim.PLACES]
        self.assertEqual(len(places), len(vcpuspec_shim.PLACES))
        self.scene(shim)
        for n, place in enumerate(places):
            access = io_bytes(4, n + 1)
            expected = "= ZX_OK" if n < 6 else "= ZX_ERR_INVALID_ARGS"
            argument = "50" if place.startswith("noncan") else "3"
            self.asked(shim, (IO + f"{place.replace(':N', ':' + argument)} {access}", expected))
        self.asked(shim, ("T0: read_state h2", accumulator(6)))


class Greetings(EachShim):
    @each()
    def test_again_forgets(self, shim: Shim) -> None:
        self.scene(shim)
        shim.ask("T1: start h3 = event_create")
        first = shim.greet()
        self.misunderstood(shim, "T0: close h2", "T1: join")
        self.assertEqual(first, shim.greet(GREETING + "\r"))
        self.assertEqual(shim.ask("T0: h0 h1 = guest_create"),
                         "= ZX_OK handle=0x10003 handle2=0x10007")

    @each()
    def test_of_another_version_is_told_ours(self, shim: Shim) -> None:
        self.assertEqual(shim.greet("vcpuspec shim 2")[0], "vcpuspec shim 1")

    @each()
    def test_missing(self, shim: Shim) -> None:
        self.misunderstood(shim, "reset", "T0: h0 h1 = guest_create")
        for line in ("vcpuspec shim", "vcpuspec shim one", "vcpuspec script 1", " " + GREETING):
            shim.send(line)
            self.assertRegex(shim.line() or "", "^0 = error [ -~]+$")
        self.scene(shim)


class Operations(EachShim):
    @each()
    def test_threads(self, shim: Shim) -> None:
        write = "write_state h3 kind=1 size=8 length=8 at=plain " + io_bytes(1, 7)
        self.scene(shim)
        shim.ask("T1: h3 = vcpu_create h0 dump")
        self.asked(shim, ("T1: " + write, "= ZX_OK"), ("T0: " + write, "= ZX_ERR_BAD_STATE"),
                   ("T2: read_state h3", "= ZX_ERR_BAD_STATE"), ("T1: thread_exit", "= ZX_OK"),
                   ("T1: " + write, "= ZX_ERR_BAD_STATE"), ("T3: thread_exit", "= ZX_OK"))

    @each()
    def test_started(self, shim: Shim) -> None:
        self.scene(shim)
        self.asked(shim, ("T1: start close h2", "= started"))
        self.misunderstood(shim, "T1: close h1", "T1: thread_exit", "T2: join", "T0: join")
        self.asked(shim, ("T1: join", "= ZX_OK"), ("T0: close h2", "= ZX_ERR_BAD_HANDLE"))
        self.misunderstood(shim, "T1: join")
        self.asked(shim, ("T2: start h4 = duplicate h0 0x80000000", "= started"))
        self.assertRegex(shim.ask("T2: join"), "^= ZX_OK handle=0x[0-9a-f]+$")
        self.asked(shim, ("T3: start close h4", "= started"), ("reset", "= ZX_OK"))
        self.misunderstood(shim, "T3: join", "T0: start close h0", "T1: start join")

    @each()
    def test_slot_of_a_started_call(self, shim: Shim) -> None:
        self.scene(shim)
        self.asked(shim, ("T1: start h2 = replace h2 0x80000000", "= started"),
                   ("T0: read_state h2", ZEROS), ("T0: close h2&~0x1", "= ZX_ERR_BAD_HANDLE"),
                   ("T1: join", "= ZX_OK handle=0x1000f"), ("T0: close h2", "= ZX_OK"),
                   ("T1: start h2 = replace h2 0", "= started"),
                   ("T0: close h2", "= ZX_ERR_BAD_HANDLE"), ("T1: join", "= ZX_ERR_BAD_HANDLE"),
                   ("T1: start h2 = duplicate h0 0x80000000", "= started"),
                   ("T0: close h2", "= ZX_OK"), ("reset", "= ZX_OK"))

    @each()
    def test_handles(self, shim: Shim) -> None:
        self.scene(shim)
        self.asked(shim, ("T0: close h2&~0x3", "= ZX_ERR_BAD_HANDLE"),
                   ("T0: close h2^0x40000000", "= ZX_ERR_BAD_HANDLE"),
                   ("T0: close raw=0x1000b", "= ZX_OK"), ("T0: close h2", "= ZX_ERR_BAD_HANDLE"),
                   ("T0: h5 = replace h0 0x2", "= ZX_OK handle=0x1000f"),
                   ("T0: h6 = duplicate h5 2", "= ZX_ERR_ACCESS_DENIED"),
                   ("T0: h6 = vmo_create", "= ZX_OK handle=0x10013"),
                   ("T0: h2 = vcpu_create h6 dump", "= ZX_ERR_WRONG_TYPE"))

    @each()
    def test_lacking_calls(self, shim: Shim) -> None:
        self.scene(shim)
        self.asked(shim, ("T0: kick h2", "= unsupported of=zx_vcpu_kick"),
                   ("T0: enter h2", "= unsupported of=zx_vcpu_enter"),
                   ("T0: interrupt h2 32", "= unsupported of=zx_vcpu_interrupt"),
                   ("T0: h3 = guest_load h0 h1", "= unsupported of=zx_vmo_write"),
                   ("T0: await_guest h2", "= unsupported"),
                   ("T1: start enter h2", "= started"), ("reset", "= ZX_OK"))

    @each()
    def test_buffers(self, shim: Shim) -> None:
        state = "T0: write_state h2 kind=0 size=136 length="
        ones = "= ZX_OK state bytes=" + "ff" * 128 + "d54d24" + "00" * 5
        filled = "= ZX_OK state bytes=" + "5a" * 128 + "504800" + "00" * 5
        self.scene(shim)
        self.asked(shim, (state + "136 at=edge bytes=" + "ff" * 136, "= ZX_OK"),
                   (state + "135 at=edge", "= ZX_ERR_INVALID_ARGS"),
                   (state + "0 at=edge", "= ZX_ERR_INVALID_ARGS"),
                   (state + "136 at=straddle:136", "= ZX_ERR_INVALID_ARGS"),
                   (state + "136 at=straddle_head:136", "= ZX_ERR_INVALID_ARGS"),
                   ("T0: read_state h2", ones), (state + "136 at=crossing:4096", "= ZX_OK"),
                   ("T0: read_state h2", filled), (state + "136 at=plain:7", "= ZX_OK"),
                   (state + "136 at=misaligned:65535", "= ZX_OK"),
                   (state + "136 at=crossing:65535", "= ZX_OK"),
                   (state + "136 at=straddle:65535", "= ZX_ERR_INVALID_ARGS"),
                   (state + "136 at=straddle", "= ZX_OK"),
                   (state + "136 at=noncanonical", "= ZX_ERR_INVALID_ARGS"),
                   (state + "136 at=noncanonical:65535", "= ZX_ERR_INVALID_ARGS"),
                   (state + "2048 at=straddle_head:0", "= ZX_OK"))

    @each()
    def test_rewritten(self, shim: Shim) -> None:
        self.scene(shim)
        self.asked(shim, (IO + "plain " + io_bytes(1, 5) + " held=0:04", "= ZX_OK held"),
                   (IO + "plain " + io_bytes(1, 6) + " flip=0:04", "= ZX_OK"),
                   (IO + "edge " + io_bytes(1, 7) + " held=4:04050607", "= ZX_OK"),
                   (IO + "null " + io_bytes(1, 9) + " held=0:04", "= ZX_ERR_INVALID_ARGS held"),
                   ("T0: read_state h2", accumulator(7)))

    @each("--defect", "io_fetched_twice")
    def test_rewritten_between_fetches(self, shim: Shim) -> None:
        self.scene(shim)
        self.asked(shim, (IO + "plain " + io_bytes(1, 0x11223344) + " held=0:04", "= ZX_OK held"),
                   ("T0: read_state h2", accumulator(0x11223344)),
                   (IO + "plain " + io_bytes(1, 0x55667788) + " flip=0:02", "= ZX_OK"),
                   ("T0: read_state h2", accumulator(0x11227788)))

    @each("--defect", "buffer_written_back")
    def test_changed_buffer_is_told(self, shim: Shim) -> None:
        self.scene(shim)
        self.asked(shim, (IO + "plain " + io_bytes(1, 5), "= ZX_OK buffer_changed"),
                   (IO + "readonly " + io_bytes(1, 5), "= ZX_OK"))

    @each()
    def test_not_understood(self, shim: Shim) -> None:
        wrong = ["T4: close h2", "T0 close h2", "T0:", "T0: ", "T0: close", "T0: close h16",
                 "T0: close h02", "T0: close h2 h2", "T0: close h7", "T0: close raw=0x100000000",
                 "T0: close raw=-1", "T0: close raw=+1", "T0: close raw=1_0", "T0: close raw=",
                 "T0: close h2&0x3", "T0: close h2^", "T0:  close h2", " T0: close h2",
                 "T0: close h2 ", "T0: close\th2", "T0: cl\0se h2", "T0: close \xe9",
                 "T0: h2 = unheard_of", "T0: h0 = guest_create", "T0: h3 = event_create h0",
                 "T0: h3 = vcpu_create h0 jump", "T0: h3 = vcpu_create h0 code=9",
                 "T0: h3 = duplicate h0", "T0: try close h2", "t0: close h2", "resets",
                 "reset now", "join", "start",
                 "T0: thread_exit", "T1: start", "T1: start await_guest h2", "T0: interrupt h2",
                 "T0: h3 = guest_load h0 raw=0x3", "error", "= ZX_OK",
                 IO + "plain bytes=1", IO + "plain bytes=xx", IO + "plain bytes=" + "00" * 265,
                 IO + "plain held=0", IO + "plain held=0:" + "00" * 9,
                 IO + "plain held=0:00 flip=0:00",
                 IO + "plain held=0:00 bytes=00", IO + "plain:", IO + "plain:x",
                 IO + "misaligned:65536", IO + "nowhere", IO,
                 "T0: write_state h2 state",
                 "T0: write_state h2 kind=4294967296 size=8 length=8 at=plain",
                 "T0: write_state h2 kind=1 size=8 length=2049 at=plain",
                 "T0: write_state h2 size=8 kind=1 length=8 at=plain"]
        self.scene(shim)
        self.misunderstood(shim, *(line.encode().decode("unicode_escape") for line in wrong))
        self.asked(shim, ("T0: read_state h2", ZEROS), ("T0: close h2", "= ZX_OK"))


def without_texts(replies: bytes) -> bytes:
    """What is told of an error is for people."""
    return re.sub(rb" = error .*", b" = error", replies)


class Lines(EachShim):
    @each()
    def test_ends(self, shim: Shim) -> None:
        shim.greet()
        self.asked(shim, ("reset\r", "= ZX_OK"))
        for line in ("", "nothing\0 of ours \xff", "-1 reset", "1reset", " ", "x" * 20000):
            shim.send(line)
            self.assertRegex(shim.line() or "", "^0 = error [ -~]+$")
        shim.send("9223372036854775807 reset")
        self.assertEqual(shim.line(), "9223372036854775807 = ZX_OK")
        assert shim.process.stdin is not None
        shim.process.stdin.write(b"2 reset")
        status, messages = shim.finish()
        self.assertEqual(status, 0)
        self.assertNotRegex(messages, "Traceback|panicked")

    @each()
    def test_too_long(self, shim: Shim) -> None:
        start = "T0: h3 = vcpu_create h0 "
        self.scene(shim)
        for length in (8190, 8191, 8192, 16382, 16383, 100000):
            self.misunderstood(shim, start + "x" * (length - len(start) - 2))
        self.asked(shim, ("T0: close h2", "= ZX_OK"))

    @each("--sums")
    def test_sums(self, shim: Shim) -> None:
        self.assertIn("sums", shim.greet())
        shim.send("1 reset sum=c8a72f13")
        self.assertEqual(shim.line(), "1 = ZX_OK sum=26a56686")
        for damaged in ("2 reset sum=c8a72f13", "2 reset", "2 reset sum=", "2 reset sum=C8A72F13"):
            shim.send(damaged)
            self.assertRegex(shim.line() or "", "^2 = error [ -~]+ sum=[0-9a-f]{8}$")
        self.assertIn("sums", shim.greet())

    @each()
    def test_nobody_listens(self, shim: Shim) -> None:
        shim.greet()
        assert shim.process.stdout is not None
        shim.process.stdout.close()
        shim.send("1 reset")
        shim.process.wait(PATIENCE)
        assert shim.process.stderr is not None
        self.assertEqual(shim.process.stderr.read(), b"")

    def test_input_ends_anywhere(self) -> None:
        asked = [line for sign, line in document_conversation() if sign == ">"]
        stream = "".join(line + "\n" for line in asked).encode()
        whole = io.BytesIO()
        self.converse(stream, whole)
        for end in range(len(stream)):
            replies = io.BytesIO()
            self.converse(stream[:end], replies)
            self.assertTrue(whole.getvalue().startswith(replies.getvalue()))
            self.assertTrue(replies.getvalue()[-1:] in (b"", b"\n"))
        for language, (start, _) in commands.items():
            for end in range(0, len(stream), 1 if language == "rust" else 40):
                done = subprocess.run(start, input=stream[:end], capture_output=True,
                                      timeout=PATIENCE)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertTrue(
                    without_texts(whole.getvalue()).startswith(without_texts(done.stdout)))

    def converse(self, stream: bytes, replies: io.BytesIO) -> None:
        session = vcpuspec_shim.Session(toy.Toy())
        vcpuspec_shim.converse(session, io.BytesIO(stream), replies)
        session.end()

    def test_garbage(self) -> None:
        """Both say the same, but for the text of an error."""
        said = self.answers_to(garbage(random.Random(5), 4000))
        for language, text in said.items():
            for ours, other in zip(said["python"].splitlines(), text.splitlines()):
                self.assertEqual(ours, other, language)

    def test_garbage_with_races(self) -> None:
        """Which of two calls came first is anybody's."""
        races = ["start close h3", "start read_state h2", "start h5 = event_create"]
        self.answers_to(garbage(random.Random(6), 4000, races))

    def answers_to(self, stream: bytes) -> Dict[str, bytes]:
        """By language, without the texts of errors."""
        expected = stream.count(b"\n") - 1  # but for the greeting
        said = {}
        for language, (start, _) in commands.items():
            done = subprocess.run(start, input=stream, capture_output=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr[-2000:])
            self.assertNotRegex(done.stderr.decode(), "Traceback|panicked")
            lines = [line for line in done.stdout.splitlines() if line[:1].isdigit()]
            self.assertEqual(len(lines), expected)
            for line in lines:
                self.assertIsNotNone(REPLY.fullmatch(line), line)
            said[language] = without_texts(done.stdout)
        return said


def garbage(dice: random.Random, count: int, more: Sequence[str] = ()) -> bytes:
    """A greeting, and requests of which most are damaged."""
    calls = ["h0 h1 = guest_create", "h2 = vcpu_create h0 dump", "read_state h2", "close h2",
             "h3 = duplicate h2 0x80000000", "h3 = replace h3 0xd00f", "close h3^0x40000000",
             IO[4:] + "plain " + io_bytes(2, 0x1234), IO[4:] + "straddle:3 held=0:01",
             "write_state h2 kind=0 size=136 length=136 at=crossing:7 bytes=0102 flip=3:77",
             "join", "thread_exit", "h4 = vmo_create", "kick h2", "start kick h2", *more]
    lines = [GREETING.encode()]
    for n in range(1, count):
        threads = "T0: ", "T0: ", "T1: ", "T2: "
        line = bytearray(f"{n} {dice.choice(threads)}{dice.choice(calls)}".encode())
        line = bytearray(f"{n} reset".encode()) if dice.random() < 0.02 else line
        for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 5))):
            at = dice.randrange(len(line) + 1)
            some = bytes(dice.randrange(256) for _ in range(dice.randrange(4)))
            line[at:at + dice.randrange(4)] = some
        line += dice.choice((b"", b"", b"\r", b"\0"))
        lines.append(bytes(line))
    return b"\n".join(lines) + b"\n"


class Implementations(EachShim):
    @each("--defect", "crash_on_success")
    def test_crash(self, shim: Shim) -> None:
        self.crashes(shim, "T0")

    @each("--defect", "crash_on_success")
    def test_crash_on_another_thread(self, shim: Shim) -> None:
        self.crashes(shim, "T1")

    def crashes(self, shim: Shim, thread: str) -> None:
        self.scene(shim)
        shim.ask(f"{thread}: h2 = vcpu_create h0 dump")
        shim.send(f"9 {thread}: " + IO[4:] + "plain " + io_bytes(1, 1))
        self.assertIsNone(shim.line())
        status, messages = shim.finish()
        self.assertNotEqual(status, 0)
        self.assertIn("the planted defect", messages)

    @each("--arch", "arm64")
    def test_arm64(self, shim: Shim) -> None:
        write = "T0: write_state h2 kind=0 size=264 length=264 at=plain bytes=" + "ff" * 264
        state = "= ZX_OK state bytes=" + "ff" * 256 + "000000f0" + "00" * 4
        self.assertIn("arch arm64", shim.greet())
        self.scene(shim)
        self.asked(shim, (write, "= ZX_OK"), ("T0: read_state h2", state))

    @each("--unix", SOCKET)
    def test_unix_socket(self, shim: Shim) -> None:
        path = SOCKET
        for _ in range(2):
            with connect(path) as channel, channel.makefile("rwb") as stream:
                stream.write(f"{GREETING}\n1 T0: h0 h1 = guest_create\n".encode())
                stream.flush()
                while stream.readline() != b"ready\n":
                    pass
                self.assertEqual(stream.readline(), b"1 = ZX_OK handle=0x10003 handle2=0x10007\n")
        self.assertIsNone(shim.process.poll())
        os.unlink(path)


def connect(path: str) -> socket.socket:
    until = time.monotonic() + PATIENCE
    while True:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            channel.connect(path)
            return channel
        except OSError:
            channel.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


GUESTS = """guest memory 0x1000
guest image 0x20 01
guest image 0x21 020304
guest program dump 0x20
guest program spin 0x21
guest program store 0x22
guest program in32 0x23
guest code 0x800 0x10
guest trap io 0xd0 1
guest trap mem 0x100000 0x1000
guest dump 0x40 port 0xd0
guest life 0x90
guest end"""


class WithGuests(EachShim):
    def load(self, shim: Shim) -> None:
        for line in GUESTS.splitlines():
            shim.send(line)
        self.asked(shim, ("T0: h0 h1 = guest_create", "= ZX_OK handle=0x7 handle2=0xb"),
                   ("T0: h8 = guest_load h0 h1", "= ZX_OK handle=0xf"),
                   ("T0: h2 = vcpu_create h0 dump", "= ZX_OK handle=0x13"))

    @each(puppet=True)
    def test_exits(self, shim: Shim) -> None:
        dumped = "= ZX_OK packet=5 io=d0000100" + "00" * 28 + " state bytes=" + "01" * STATE
        read = "= ZX_OK packet=5 io=d4000401" + "00" * 28
        shim.greet()
        self.load(shim)
        self.asked(shim, ("T0: enter h2", dumped),
                   ("T0: h3 = duplicate h2 8", "= ZX_OK handle=0x17"), ("T0: enter h3", dumped),
                   ("T0: h4 = vcpu_create h0 code=04", "= ZX_OK handle=0x1b"),
                   ("T0: enter h4", read), ("T0: h4 = vcpu_create h0 in32", "= ZX_OK handle=0x1f"),
                   ("T0: enter h4", read), ("T0: h4 = vcpu_create h0 store", "= ZX_OK handle=0x23"),
                   ("T0: enter h4", "= ZX_OK packet=4 addr=0x100000"),
                   ("T0: enter h1", "= ZX_ERR_BAD_HANDLE"),
                   ("T0: interrupt h2 0x7fffffff", "= 2147483647"),
                   ("T0: close h8", "= ZX_OK"),
                   ("T0: h4 = vcpu_create h0 code=04", "= ZX_ERR_BAD_HANDLE"))

    @each(puppet=True)
    def test_resource_is_not_named_by_chance(self, shim: Shim) -> None:
        shim.greet()
        self.load(shim)
        # 0xf ^ 0x4000000c is the resource's handle: bit 30 is inverted too.
        self.asked(shim, ("T0: close h8^0x4000000c", "= ZX_ERR_BAD_HANDLE"))

    @each(puppet=True)
    def test_spins(self, shim: Shim) -> None:
        shim.greet()
        self.load(shim)
        self.asked(shim, ("T0: await_guest h2", "= ZX_ERR_TIMED_OUT"))
        self.assertRegex(shim.ask("T1: h3 = vcpu_create h0 spin"), "^= ZX_OK handle=0x[0-9a-f]+$")
        self.asked(shim, ("T1: start enter h3", "= started"), ("T0: await_guest h3", "= ZX_OK"),
                   ("T0: kick h3", "= ZX_OK"), ("T1: join", "= ZX_ERR_CANCELED"),
                   ("T1: start enter h3", "= started"), ("reset", "= ZX_OK"),
                   ("T0: h3 = port_create", "= 100"))

    @each(puppet=True)
    def test_does_not_end(self, shim: Shim) -> None:
        shim.greet()
        self.load(shim)
        shim.ask("T1: h3 = vcpu_create h0 spin")
        # Nothing names it any more, so that no kick can reach it.
        self.asked(shim, ("T1: start enter h3", "= started"), ("T0: await_guest h3", "= ZX_OK"),
                   ("T0: close h3", "= ZX_OK"), ("reset", "= no_return"))

    @each("--no-map", puppet=True)
    def test_load_fails(self, shim: Shim) -> None:
        shim.greet()
        for line in GUESTS.splitlines():
            shim.send(line)
        shim.ask("T0: h0 h1 = guest_create")
        self.asked(shim, ("T0: h8 = guest_load h0 h1", "= ZX_ERR_NO_RESOURCES of=zx_vmar_map"))
        self.misunderstood(shim, "T0: close h8")

    @each(puppet=True)
    def test_incomplete_or_damaged(self, shim: Shim) -> None:
        lines = GUESTS.splitlines()
        damaged = lines[:1] + ["guest image 0x40 0"] + lines[1:]
        for sent in (lines[:-1], damaged, lines + ["guest \0"]):
            shim.greet()
            for line in sent:
                shim.send(line)
            shim.ask("T0: h0 h1 = guest_create")
            self.misunderstood(shim, "T0: h8 = guest_load h0 h1")
            self.asked(shim, ("reset", "= ZX_OK"))


if __name__ == "__main__":
    unittest.main()
