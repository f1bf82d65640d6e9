import os
import subprocess
import sys

import pytest

from helpers.run import locks
from helpers.store.fingerprints import PROJECT

HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from helpers.run import locks
with locks.held(Path(sys.argv[2])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_process_is_refused_until_the_first_has_ended_in_whatever_way(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(PROJECT), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(locks.LockHeld, match="another run holds"), locks.held(tmp_path):
            pass
        holder.kill()
    with locks.held(tmp_path):
        pass


def test_where_one_of_two_folders_is_taken_the_other_is_let_go(tmp_path):
    free, taken = tmp_path / "a", tmp_path / "b"
    with locks.held(taken):
        with pytest.raises(locks.LockHeld), locks.held(free, taken):
            pass
        with locks.held(free):
            pass


@pytest.mark.skipif(os.name != "posix", reason="the system has no modes of files")
def test_the_lock_is_for_its_owner_alone_and_not_inherited(tmp_path):
    with locks.held(tmp_path):
        assert (tmp_path / locks.NAME).stat().st_mode & 0o077 == 0
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        with locks.held(tmp_path):
            pass
    finally:
        child.kill()
        child.wait()
