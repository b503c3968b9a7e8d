import json
import os
import signal
import socket
from pathlib import Path

import pytest

from deploy.local import preflight
from deploy.local.preflight import CannotStart, only_one, port_from, require_free


def test_a_port_is_a_number_between_1_and_65535() -> None:
    assert port_from("8123") == 8123
    for wrong in ("0", "65536", "-1", "http", ""):
        with pytest.raises(CannotStart, match="is not a port number"):
            port_from(wrong)


def test_a_taken_port_is_said_with_another_to_try() -> None:
    with socket.socket() as taken:
        taken.bind((preflight.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port} is taken.*PORT={port + 1} make run"):
            require_free(port)
    require_free(port)


def test_a_second_start_names_the_first_and_leaves_it_alone(tmp_path: Path) -> None:
    with only_one(tmp_path, 8000):
        before = (tmp_path / "run" / "lock").read_text()
        with pytest.raises(CannotStart, match=rf"http://127.0.0.1:8000 \(process {os.getpid()}\)"):
            with only_one(tmp_path, 8000):
                raise AssertionError("entered twice")
        assert (tmp_path / "run" / "lock").read_text() == before
    with only_one(tmp_path, 8001):
        assert json.loads((tmp_path / "run" / "lock").read_text()) == {"pid": os.getpid(), "port": 8001}


def test_two_state_folders_do_not_meet(tmp_path: Path) -> None:
    with only_one(tmp_path / "one", 8000), only_one(tmp_path / "two", 8001):
        assert (tmp_path / "one" / "run" / "lock").exists()


def test_sigterm_while_preparing_ends_the_run_like_ctrl_c(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), only_one(tmp_path, 8000):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
