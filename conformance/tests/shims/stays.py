# SPDX-License-Identifier: BSD-3-Clause
"""stays.py SHIM...: stands between vcpuspec and a shim. Its writes are counted by the size of
$VS_STAY.calls; once there are more than $VS_STAY_AFTER, or the file $VS_STAY is there, it makes
$VS_STAY.now, ignores signals and the end of its input, and never answers again.
$VS_STAY_HOW=greeting: it ends in place of that, and it is the next that does not answer its greeting."""
import os
import signal
import subprocess
import sys
import time

STAY = os.environ["VS_STAY"]


def is_time(line):
    if b" zx_vcpu_write_state " in line:
        with open(STAY + ".calls", "ab") as calls:
            calls.write(b".")
    made = os.path.getsize(STAY + ".calls") if os.path.exists(STAY + ".calls") else 0
    return os.path.exists(STAY) or made > float(os.environ.get("VS_STAY_AFTER") or "inf")


def stay():
    for number in range(1, signal.SIGRTMIN):
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
    open(STAY + ".now", "w", encoding="utf-8").close()
    while True:
        time.sleep(60)


shim = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
for line in sys.stdin.buffer:
    if is_time(line):
        shim.kill()
        shim.wait()
        if os.environ.get("VS_STAY_HOW") == "greeting" and not line.startswith(b"hello"):
            sys.exit(1)
        stay()
    shim.stdin.write(line)
    shim.stdin.flush()
