"""What the process loads before anybody asks for anything."""

from __future__ import annotations

import subprocess
import sys

LATER = "duckdb ibis mlflow pandas prophet scipy sklearn sqlalchemy statsmodels torch xgboost"
"""Libraries that the image has not, or that only those pay for who ask for what they do."""
STARTING = """
import sys
import services.market_intel.__main__
print(*[name for name in sys.argv[1].split() if name in sys.modules])
"""


def test_the_service_starts_without_the_libraries_of_batch_work_and_models():
    found = subprocess.run([sys.executable, "-c", STARTING, LATER], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
