"""How a run that was started from outside is found again."""

from datetime import UTC, datetime
from pathlib import Path

from pipeline.records import RunRecord, covers, write
from pipeline.request import Request
from pipeline.service.runs import _record_of
from pipeline.settings import PipelineSettings
from pipeline.sources import Source


def test_a_run_is_not_taken_for_an_earlier_one_whose_process_had_the_same_id(tmp_path: Path) -> None:
    settings = PipelineSettings(var_dir=tmp_path)
    made_from = covers(settings, Source("shop", tmp_path, (), (), {}), Request())
    for day, mark in ((1, "100"), (2, "200")):
        record = RunRecord(f"2017010{day}T000000000000Z", datetime(2017, 1, day, tzinfo=UTC), made_from)
        record.pid, record.process = 12, mark
        write(settings, record)
    found = _record_of(settings, 12, "100")
    assert found is not None and found["id"] == "20170101T000000000000Z"
    assert _record_of(settings, 12, "300") is None
