# SPDX-License-Identifier: BSD-3-Clause
"""spoiled.py FAULT SHIM...: what stands between vcpuspec and a shim, and does one thing wrong. FAULT is
a row of lint_faults.def or wrong.def, or one of LESS. `at_random`: one answer in RATE, by one of the
kinds FIRST to LAST of faults.def, as VS_FAULTS="SEED RATE FIRST LAST" says; seed 0 is another one each
time. Each is told on standard error and in the file VS_FAULT_LOG before it happens, as "injected KIND",
and if a greeting is hurt, for which no case is to blame, as "idle KIND"."""
import os
import re
import select
import signal
import sys
import time

LINE = 16384
FAULT = sys.argv[1]
NOTHING = None  # is said, or heard
ENDLESS = "x" * (3 * LINE)

# What is replaced, once, in a greeting; from the second one on; in an answer; in a line that is heard.
LESS = {"no_kick": (" zx_vcpu_kick", ""), "cannot_hold": (" hold", ""), "cannot_change": (r"( hold)? flip", "")}
GREETING = LESS | {
    "silent": (".*", NOTHING),
    "prologue": ("^", "booting\n"),
    "version": ("hello 2", "hello 3"),
    "old": ("hello 2", "vcpuspec shim 1"),
    "other_arch": ("x86-64", "sparc"),
    "unknown_call": ("vcpu_read_state", "vcpu_raed_state"),
    "least": (" zx_handle_close", ""),
    "blanks": (" x86", "  x86"),
    "small_arena": ("$", " arena=0x1000:0x1000"),
    "endless_greeting": (".*\n", ENDLESS),
    "sumless": ("$", " sums"),
    "unknown_resource": (r" other_resource=0x\w+", " other_resource=0xfff3"),
    "decimal_resource": (r" other_resource=0x\w+", " other_resource=11"),
    "one_resource": (r" resource=(0x\w+) other_resource=0x\w+", r" resource=\1 other_resource=\1"),
    "chatty_at_once": (r"(.*)\n", r"\1\n\1\n"),
}
LATER_GREETING = {
    "changes_greeting": (" zx_event_create", ""),
    "greets_once": (".*", NOTHING),
    "chatty": ("$", "\nhello"),
}
ANSWER = {
    "statusless": (r" .*", ""),
    "big_status": (r" .*", " 2147483648"),
    "named_status": (r" .*", " ZX_OK"),
    "hex_status": (" 0", " 0x0"),
    "unsigned_status": (" -11", " 4294967285"),
    "bad_handle": (" -11", " 0"),
    "tagless": (".*", "ok"),
    "other_tag": (r"^\d+", lambda tag: str(int(tag[0]) + 1)),
    "wrong_tag": ("^1 ", "2 "),
    "tag_of_32_bits": ("^4294967296 ", "0 "),
    "twice": (r"(.*)\n", r"\1\n\1\n"),
    "wordy": ("$", " really"),
    "upper_case": ("$", " 0x1000=5A"),
    "half_byte": ("$", " 0x1000=5a5"),
    "unmapped": ("$", " 0x1000=5a"),
    "wraps": ("$", " 0xffffffffffffffff=5a5a"),
    # A byte at the end of the first page that changed, or where no page is.
    "beside": (".*", lambda line: line[0] + re.sub(r".*? 0x(\w*)\w{3}=.*|.*", r" 0x\1ffe=5a", line[0], count=1)),
    "no_changes": (" 0x.*", ""),
    "comma": (" 0x", ", 0x"),
    "unheld": (" .*", " 0 held"),
    "unprintable": ("$", "\t"),
    "endless": (".*\n", ENDLESS),
    "rest": ("\n", "\nmore"),
    "hangs": (".*", NOTHING),
    "confused": (" .*", " error what?"),
    "lost": (".*", "0 error what was that?"),
    "no_error": ("error.*", "0"),
    "silent_error": (".* error.*", NOTHING),
    "tagless_error": (r"^\d+ error", "0 error"),
    "long_error": ("^7 error", "7 error " + "x" * LINE),
}
HEARD = {
    "writes_readonly": (" ro$", ""),
    "writes_unmapped": ("^unmap.*", NOTHING),
    "maps_first_page": (r"^(map T0 0x\w+fc0 \w{128})\w+$", r"\1"),
    "maps_old_page": (r"^unmap T0 0x\w+a000$", NOTHING),
    "holds_nothing": ("^hold.*", NOTHING),
    "holds_less": (r"^(hold .* \w\w)\w+$", r"\1"),
    "flips_nothing": ("^flip.*", NOTHING),
    "flips_for_good": ("^flip (.*)", r"map \1\n\g<0>"),
    "remembers_memory": ("^hello 2$", r"hello 2\nmap T0 0x7e9000002000 00"),
    "one_thread": (r"\bT\d+", "T0"),
    "same_thread": ("^end.*", NOTHING),
    "thread_each_call": (r"^\d+ (T\d+)", r"end \1\n\g<0>"),
    "takes_fewer": ("^7004.*", r"\g<0> 0x0"),
    "keeps_return": ("\r$", "x"),
    "any_sum": (" sum=.*", lambda found: sum_of(found.string[:found.start()])),
    "deaf": (r"\w(?= sum=)", lambda digit: "1" if digit[0] == "0" else "0"),
}
# What it comes to after so many answers.
ENDS = {"dies": (3, os.abort), "exits": (1, lambda: os._exit(9)), "hangs_up": (1, lambda: hang_up())}
KINDS = re.findall(r'^FAULT\(\w+, "(\w+)"', open(os.path.join(os.path.dirname(__file__), "faults.def")).read(), re.M)


def sum_of(line):
    total = 2166136261
    for byte in line.encode("latin-1"):
        total = (total ^ byte) * 16777619 & 0xFFFFFFFF
    return f" sum={total:08x}"


def put(text, file=1):
    data = text.encode("latin-1")
    while data:
        data = data[os.write(file, data):]


def hang():
    while True:
        signal.pause()


def hang_up():
    os.close(1)
    hang()


class Random:
    """Faults that come at random."""

    def __init__(self):
        seed, self.rate, self.first, self.last = map(int, os.environ.get("VS_FAULTS", "0 0 0 0").split())
        import random  # what is slow to import is not for all
        self.random = random.Random(seed or None)
        self.away = self.greeted = False

    def hear(self, line):
        return line

    def tell(self, kind, idle):
        self.told = f"{'idle' if idle else 'injected'} {kind} in process {os.getpid()}\n"
        os.write(2, self.told.encode())
        if "VS_FAULT_LOG" in os.environ:
            with open(os.environ["VS_FAULT_LOG"], "a") as log:
                log.write(self.told)

    def say(self, line):
        greets = line.startswith("hello")
        if self.away or not self.greeted or self.rate == 0 or self.random.randrange(self.rate):
            self.greeted = True
            return put(line)
        kind = KINDS[self.random.randint(self.first, self.last)]
        self.tell(kind, greets)
        put(getattr(self, kind)(line))

    def die(self, line=None):
        end = self.random.choice((signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGBUS, signal.SIGFPE,
                                  signal.SIGILL, signal.SIGTERM, None, None))
        if end is not None:
            os.kill(os.getpid(), end)
        os._exit(self.random.choice((0, 3)))

    def part(self, line):
        put(line[:self.random.randrange(len(line))])
        self.die()

    def part_closed(self, line):
        put(line[:self.random.randrange(len(line))])
        hang_up()

    def closed(self, line):
        hang_up()

    def hang(self, line):
        hang()

    def fork_away(self, line):
        parent = os.getpid()
        if os.fork() != 0:
            os._exit(0)
        while os.getppid() == parent:
            time.sleep(0.0001)
        self.away = True
        time.sleep(0.005)  # it is no orphan's parent any more a little before it has ended
        return line

    def garbage(self, line):
        return self.random.randbytes(self.random.randrange(255)).decode("latin-1") + "\n"

    def words(self, line):
        return self.random.choice(("", "ok", "0", "Segmentation fault", "hello 2", "0 0", "999999999 0", "-1 0",
                                   "99999999999999999999 0")) + "\n"

    def with_more(self, line):
        return line[:-1] + self.random.choice((" garbage", " held", " 0x1=", " 0x1=00", " =", " \x7f", " ", " 0",
                                               " ZX_OK")) + "\n"

    def twice(self, line):
        return line + line

    def number(self, line):
        tag = re.match(r"\d*", line)[0]
        return str(int(tag or "0") + self.random.choice((1, -1))) + line[len(tag):]

    def without_end(self, line):
        return ENDLESS

    def flood(self, line):
        os.write(2, ("e" * 1023 + "\n").encode() * 200 + self.told.encode())
        self.die()

    def flipped_bit(self, line):
        at = self.random.randrange(len(line) - 1)
        return line[:at] + chr(ord(line[at]) ^ 1 << self.random.randrange(7)) + line[at + 1:]

    def shortened(self, line):
        return line[:self.random.randrange(len(line) - 1)] + "\n"


class Spoiled:
    """Faults of one kind."""

    greetings = answers = 0
    kept = greeting = ""

    def say(self, line):
        for text in self.spoil(line):
            put(text)

    def hurt(self, line, *tables):
        for table in tables:
            pattern, other = table.get(FAULT, ("(?!)", ""))
            if other is NOTHING:
                line = "" if re.match(pattern, line) else line
            else:
                line = re.sub(pattern, other, line, count=1)
        return line

    def spoil(self, line):
        if line.startswith("hello"):
            self.greetings, self.answers = self.greetings + 1, 0
            self.greeting = line
            if FAULT == "dies_at_start":
                os._exit(7)
            later = (LATER_GREETING,) if self.greetings > 1 else ()
            return [self.hurt(line, GREETING, *later)]
        self.answers += 1
        if FAULT in ENDS and self.answers == ENDS[FAULT][0]:
            ENDS[FAULT][1]()
        if FAULT == "dies_of_error" and " error" in line:
            os._exit(1)
        if FAULT == "late_twice" and self.answers == 4:
            tag = re.match(r"\d+", line)[0]
            return [str(int(tag) - 1) + line[len(tag):], line]
        if FAULT == "unflushed":
            self.kept, line = line, self.kept
        return [self.hurt(line, ANSWER)]

    def hear(self, line):
        """What the shim hears."""
        if FAULT == "dies_of_length" and len(line) > 4096:
            os._exit(1)
        if FAULT == "dies_idle" and line.startswith("hello") and self.answers > 0:
            os._exit(0)
        if FAULT == "remembers" and line.startswith("hello") and self.greeting:
            put(self.greeting)
            return ""
        if FAULT == "answers_map" and line.startswith("map"):
            put("0 0\n")
        return self.hurt(line, HEARD)


def start(command):
    """Its process, and the ends of its input and output."""
    (theirs, to_it), (from_it, ours) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(theirs, 0)
        os.dup2(ours, 1)
        os.execvp(command[0], command)
    os.close(theirs)
    os.close(ours)
    return pid, to_it, from_it


def serve(spoiled, shim, to_it, from_it):
    rest = {0: "", from_it: ""}
    while from_it in rest:
        for file in select.select(list(rest), [], [])[0]:
            came = os.read(file, 65536).decode("latin-1")
            *lines, rest[file] = re.split(r"(?<=\n)", rest[file] + came)
            if not came:
                del rest[file]
            elif file == from_it:
                for line in lines:
                    spoiled.say(line)
            else:
                if FAULT == "one_at_a_time" and len(lines) == 2 and lines[0] == lines[1] != "hello 2\n":
                    lines.pop()
                put("".join(map(spoiled.hear, lines)), to_it)
            if not came and file == 0:
                if FAULT == "goodbye":
                    put("bye\n")
                if FAULT == "immortal":
                    hang()
                os.close(to_it)
    status = os.waitpid(shim, 0)[1]
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


signal.signal(signal.SIGPIPE, signal.SIG_DFL)
serve(Random() if FAULT == "at_random" else Spoiled(), *start(sys.argv[2:]))
