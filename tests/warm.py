"""Python processes whose imports are made already: forks of one that has made them.

    command = [*warm.python(), "run.py", "N=200"]  # instead of [sys.executable, "run.py", …]

Starting Python takes seconds where torch is imported, and the tests start hundreds of programs.
One process a session imports what they need and waits at a socket.  `python()` is the command of a
small client, which sends its arguments, folder, environment and open files there, passes signals
on, and ends as the fork has ended.  Plots are not drawn.  A client that is killed takes its fork
along a moment later: tests that kill, set limits or look at imports start Python itself.
"""

import array
import atexit
import functools
import gc
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOST = 1 << 20  # bytes of arguments and environment


@functools.cache
def python() -> tuple[str, ...]:
    """The command that runs a program with its arguments; the first call starts the process."""
    import subprocess
    import tempfile
    from pathlib import Path

    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "socket"
    repository = Path(__file__).parents[1]
    waiting = subprocess.Popen(
        [sys.executable, "-m", "tests.warm", "wait", path],
        cwd=repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    if waiting.stdout.readline() != b"ready\n":
        raise RuntimeError("the process that imports has ended")

    def end():
        waiting.stdin.close()
        waiting.wait()
        folder.cleanup()

    atexit.register(end)
    return sys.executable, "-S", "-E", __file__, "ask", str(path)


def ask(path, *arguments):
    """The client: one program from its start to its end."""
    server = socket.socket(socket.AF_UNIX)
    server.connect(path)
    pid = None
    early = []

    def forward(number, _):
        if pid is None:
            early.append(number)
        else:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    for number in FORWARDED:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, forward)
    told = json.dumps([list(arguments), os.getcwd(), dict(os.environ)]).encode()
    files = array.array("i", [0, 1, 2])
    server.sendmsg([len(told).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
    server.sendall(told)
    for file in files:  # the fork has them: who reads its output must see when it ends
        os.close(file)
    with server.makefile("r") as replies:
        pid = int(replies.readline())
        for number in early:
            os.kill(pid, number)
        status = int(replies.readline())
    if status < 0:
        if -status in FORWARDED:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def wait(path):
    """The server: imports, then forks for each client until its standard input is closed."""
    _import()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.write(1, b"ready\n")
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if 0 in ready:
            return None
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            return _mind(client)
        client.close()


def _import():
    """What the programs need, and what is the same in all."""
    import importlib

    for name in (
        "conf.launch",
        "conf.slices",
        "zeta_exp.experiment",
        "zeta_exp.cli",
        "zeta_exp.optimizer",
        "zeta_exp.report.plots",
        "zeta_exp.report.screen",
        "torch.fx.experimental.symbolic_shapes",  # by the first backward pass
        "matplotlib.backends.backend_agg",
        "google.cloud.aiplatform_v1",
        "google.cloud.storage",
    ):
        importlib.import_module(name)
    from zeta_exp.theory.gue.determinant import gaudin_law
    from zeta_exp.zeros.source import ComputedZeros

    gaudin_law()
    ComputedZeros().residuals(1, 1000)
    gc.collect()
    gc.freeze()  # no collection in a fork touches, and so copies, what all share


def _mind(client):
    """Between server and program: starts the program, and tells the client how it ended."""
    head, control, _, _ = client.recvmsg(4, socket.CMSG_SPACE(3 * 4))
    files = array.array("i")
    files.frombytes(control[0][2])
    size, told = int.from_bytes(head, "big"), b""
    while len(told) < size:
        told += client.recv(MOST)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    program = os.fork()
    if program == 0:
        client.close()
        return _become(files, *json.loads(told))
    for file in files:
        os.close(file)
    client.sendall(f"{program}\n".encode())
    ending = os.pidfd_open(program)
    ready, _, _ = select.select([client, ending], [], [])
    if ending not in ready:  # the client was killed
        os.killpg(program, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    with suppress(BrokenPipeError, ConnectionResetError):
        client.sendall(f"{status}\n".encode())
    os._exit(0)


def _become(files, arguments, folder, environment):
    """In the fork: what `python ARGUMENTS` would be."""
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    for number in FORWARDED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.modules["conf.launch"]._may_give_mode = lambda words: "hydra.mode" in str(words)
    sys.modules["zeta_exp.report.plots"].write_plots = lambda run: None  # half of a short run
    sys.path[:] = [text for text in environment.get("PYTHONPATH", "").split(":") if text] + sys.path
    return arguments


def _run(program):
    """Runs the program as Python does, and leaves without taking all modules apart."""
    import runpy
    import threading
    import traceback

    sys.argv = program[1:] if program[0] == "-m" else program
    code = 0
    try:
        if program[0] == "-m":
            runpy.run_module(program[1], run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, os.path.dirname(os.path.realpath(program[0])))
            runpy.run_path(program[0], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # waits for threads and runs what waits for their end
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ask(*sys.argv[2:])
    program = wait(*sys.argv[2:])
    if program:
        _run(program)
