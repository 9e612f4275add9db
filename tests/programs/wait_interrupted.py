"""Waiting for one child goes on for that child after a signal was handled."""
import os
import signal
import time

signal.signal(signal.SIGUSR1, lambda number, frame: print("signal"))
parent = os.getpid()


def wait_by(wait):
    sender = os.fork()
    if sender == 0:
        time.sleep(0.2)
        os.kill(parent, signal.SIGUSR1)
        os._exit(0)
    child = os.fork()
    if child == 0:
        time.sleep(0.6)
        os._exit(5)
    found, status = wait(child)
    print(found == child, status)
    print(os.waitpid(sender, 0)[1])


wait_by(lambda child: os.waitpid(child, 0))
wait_by(lambda child: os.wait4(child, 0)[:2])
wait_by(lambda child: (os.waitid(os.P_PID, child, os.WEXITED).si_pid, 0))
