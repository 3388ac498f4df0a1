"""A ``yosys`` command made of the pyosys wheel: the few options the build scripts use.

Run as ``python -m drai_hw.boards.yosys_shim [-q] [-l LOG] [-p COMMANDS] [SCRIPT.ys]``.
"""

from __future__ import annotations

import sys


def translate(arguments: list[str]) -> str:
    """Turn yosys' command line into one pass for `libyosys.run_pass`.

    Parameters
    ----------
    arguments : list of str
        ``-q`` (nothing on standard output), ``-l FILE`` (log), ``-p COMMANDS``, script files.

    Raises
    ------
    SystemExit
        On any other option: quietly ignoring one would build something else.
    """
    quiet = False
    log = None
    commands: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "-q":
            quiet = True
        elif argument in ("-l", "-p"):
            value = next(rest, None)
            if value is None:
                sys.exit(f"yosys_shim: {argument} needs a value")
            if argument == "-l":
                log = value
            else:
                commands.append(value)
        elif argument.startswith("-"):
            sys.exit(f"yosys_shim: option {argument!r} is not known here; use yosys itself")
        else:
            commands.append(f"script {argument}")
    if len(commands) != 1:
        sys.exit("yosys_shim: exactly one script or -p is needed")
    if log is not None:
        return f"tee {'-q ' if quiet else ''}-o {log} {commands[0]}"
    return f"tee -q {commands[0]}" if quiet else commands[0]


def main() -> None:
    """Run the translated pass; yosys ends the process with status 1 on an error."""
    command = translate(sys.argv[1:])
    from pyosys import libyosys

    libyosys.run_pass(command, libyosys.Design())


if __name__ == "__main__":
    main()
