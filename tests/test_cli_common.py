import os
import subprocess
import sys

import pytest

from drai_hw.cli.common import clean_stdout, json_text, load_job
from drai_hw.errors import SpecError


def test_what_libraries_print_goes_to_standard_error(capfd):
    with clean_stdout() as say:
        say("the result")
        print("chatter of Python")
        os.write(1, b"chatter of a library\n")
        subprocess.run([sys.executable, "-c", "print('chatter of a child')"], check=True)
    captured = capfd.readouterr()
    assert captured.out == "the result\n"
    for who in ("Python", "a library", "a child"):
        assert f"chatter of {who}\n" in captured.err


def fail_after_speaking():
    with clean_stdout() as say:
        say("too early")
        raise SpecError("no")


def test_a_result_is_not_printed_when_the_work_failed(capfd):
    with pytest.raises(SpecError, match="no"):
        fail_after_speaking()
    print("after")
    assert capfd.readouterr().out == "after\n"


def test_json_refuses_what_json_cannot_say():
    with pytest.raises(ValueError, match="Out of range float"):
        json_text({"rate": float("nan")})


def test_options_that_are_left_out_leave_the_files_value():
    job = load_job("letters", None, board={"name": None}, circuit={"kind": "ring"})
    assert job.spec.board.name == "ulx3s-85f"
    assert job.spec.circuit.kind == "ring"
    assert str(job.outdir) == "build/letters"


def test_an_option_is_checked_like_the_file():
    with pytest.raises(SpecError, match="seed = -1: needs a whole number from 0"):
        load_job("letters", None, seed=-1)
