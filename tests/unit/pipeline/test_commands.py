"""What the commands say to somebody who has nothing yet, or who has mistyped."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.__main__ import main


@pytest.fixture(autouse=True)
def nothing_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("runs", "no run yet; `python -m pipeline run`"),
        ("runs --follow", "no run yet; `python -m pipeline run`"),
        ("quality", "nothing was measured yet; `python -m pipeline run`"),
        ("statistics", "there is nothing yet; `python -m pipeline run`"),
        ("status", "the lake is empty; run `python -m pipeline run`"),
        ("health", "`python -m pipeline run`"),
        ("reset --yes", "there is nothing to delete"),
    ],
)
def test_before_the_first_run_each_command_says_how_to_begin(
    capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert main(words.split()) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("run --from 2020-02-01 --to 2020-01-01", 2, "the days end on 2020-01-01, before they begin on 2020-02-01"),
        ("backfill --from 2020-02-01 --to 2020-01-01", 2, "swap --from and --to"),
        ("backfill", 2, "needs --from and --to, or --clock"),
        ("run --only curated.nothing", 2, "no table curated.nothing; there are: curated.categories"),
        ("run --source nosuch", 2, "no source 'nosuch'; there are: complete-journey"),
        ("reset --zone nosuch", 2, "no zone nosuch; there are: raw, curated"),
        ("runs nosuch", 1, "no run nosuch; `python -m pipeline runs` lists"),
        ("quality curated.nothing", 1, "no table curated.nothing; measured are: none yet"),
        ("quality curated.orders", 1, "nothing was measured of curated.orders; `python -m pipeline run`"),
        ("lineage curated.orders.colour", 1, "curated.orders has no column colour; it has: order_id"),
        ("lineage curated.nothing", 1, "no table or column curated.nothing; there are: curated.categories"),
        ("lineage nothing", 1, "no table or column nothing; tables begin with one of: complete-journey, curated"),
        ("lineage curated.orders --source nosuch", 1, "the lineage of 'nosuch' is not known"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_the_remedy(
    capsys: pytest.CaptureFixture[str], words: str, code: int, said: str
) -> None:
    assert main(words.split()) == code
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1)
    assert said in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run --from 2020-13-01", "'2020-13-01' is no day of the calendar; write YYYY-MM-DD"),
        ("backfill --clock yesterday", "'yesterday' is no day of the calendar"),
        ("runs --limit -1", "'-1' is no whole number from 0"),
    ],
)
def test_what_cannot_be_read_on_the_command_line_is_refused_with_what_should_stand_there(
    capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
