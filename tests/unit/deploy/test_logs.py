from pathlib import Path

import pytest

from deploy.local.logs import ServiceLog


def test_lines_are_prefixed_on_the_terminal_and_plain_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = ServiceLog("auth", 7, tmp_path)
    log({"data": b"one\ntw"})
    log({"data": "o €\nlast".encode()})
    log.close()
    assert capsys.readouterr().out == "auth    | one\nauth    | two €\nauth    | last\n"
    assert (tmp_path / "auth.log").read_text() == "one\ntwo €\nlast\n"
