"""Child processes that begin where their parent is: nothing has to be imported again."""

import ctypes
import mmap
import os
import signal
import sys
import time
import traceback

PR_SET_PDEATHSIG = 1


class Child:
    """A forked process."""

    def __init__(self, pid):
        self.pid = pid
        self.status = None

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """Kill it, if it has not ended, and wait until it is gone."""
        if self.status is None:
            self.signal(signal.SIGKILL)
            self.wait()

    @property
    def ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait(self, seconds=None):
        """Return how it ended: 0, or 1 after an error, or minus the signal that killed it."""
        if seconds is None and self.status is None:
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        until = time.monotonic() + (seconds or 0)
        while not self.ended:
            if time.monotonic() > until:
                raise TimeoutError(f"a child runs longer than {seconds} s")
            time.sleep(0.002)
        return self.status


def fork(run, *arguments):
    """Run a function in a child process; only a program with a single thread may ask for it."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return Child(pid)
    status = 1
    try:
        if sys.platform == "linux":  # so that none outlives a parent that fails
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        run(*arguments)
        status = 0
    except BaseException:  # noqa: BLE001 - the parent hears of it by the status
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def done(run, *arguments, seconds=120):
    """Run a function in a child process to its end."""
    status = fork(run, *arguments).wait(seconds)
    if status:
        raise RuntimeError(f"a child ended with {status}")


def board(size):
    """Return whole numbers that all children share with their parent."""
    return memoryview(mmap.mmap(-1, 8 * size)).cast("q")
