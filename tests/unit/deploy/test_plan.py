import os
from pathlib import Path

from deploy.local.plan import Plan, free_ports

ROOT = Path(__file__).resolve().parents[3]


def test_every_service_with_a_main_runs_beside_the_gateway(tmp_path: Path) -> None:
    for name in ("auth", "demand", "notes"):
        (tmp_path / "services" / name).mkdir(parents=True)
    for name in ("auth", "demand"):
        (tmp_path / "services" / name / "__main__.py").touch()
    plan = Plan.for_checkout(tmp_path, tmp_path / "var", 8000)
    assert [process.name for process in plan.processes] == ["auth", "demand", "pipeline", "gateway"]


def test_no_two_listeners_share_an_address(tmp_path: Path) -> None:
    plan = Plan.for_checkout(ROOT, tmp_path, 8000)
    keys = ("GRPC_ADDRESS", "HTTP_ADDRESS")
    addresses = [process.environment[key] for process in plan.processes for key in keys if key in process.environment]
    assert len(addresses) == len(set(addresses)) == 2 * len(plan.processes) - 1


def test_processes_learn_where_the_services_are_and_who_supervises_them(tmp_path: Path) -> None:
    plan = Plan.for_checkout(ROOT, tmp_path, 8123)
    environment = plan.full_environment(plan.processes[0])
    demand = next(process for process in plan.processes if process.name == "demand")
    assert f"demand={demand.environment['GRPC_ADDRESS']}" in environment["SERVICES"].split(",")
    assert environment["SUPERVISOR_PID"] == str(os.getpid())
    assert environment["ISSUER"] == "http://127.0.0.1:8123"
    assert environment["VAR_DIR"] == str(tmp_path)


def test_free_ports_are_all_different() -> None:
    assert len(set(free_ports(20))) == 20
