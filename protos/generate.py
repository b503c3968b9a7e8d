"""Generate the Python code of every contract beside its .proto, and the descriptor set with comments.

`python -m protos.generate` deletes what no .proto stands behind any more.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grpc_tools

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
DESCRIPTOR_SET = PROTOS / "contracts.binpb"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py")


def sources() -> list[str]:
    """Return every contract, as a path from the root of the repository."""
    return sorted(str(path.relative_to(ROOT)) for path in PROTOS.rglob("*.proto"))


def includes() -> list[str]:
    """Return the import roots: ours, googleapis-common-protos, and the compiler's own."""
    import google.api.annotations_pb2 as annotations  # noqa: PLC0415  the package only exists once installed

    site_packages = Path(annotations.__file__).parents[2]
    compiler = Path(grpc_tools.__file__).parent / "_proto"
    return ["-I.", f"-I{site_packages}", f"-I{compiler}"]


def clean() -> None:
    """Delete everything generated before, so that nothing stale stays importable."""
    for pattern in GENERATED:
        for path in PROTOS.rglob(pattern):
            path.unlink()
    DESCRIPTOR_SET.unlink(missing_ok=True)


def protoc(*flags: str) -> None:
    """Run the compiler over all contracts. Raises CalledProcessError when a contract is wrong."""
    command = [sys.executable, "-m", "grpc_tools.protoc", *includes(), *flags, *sources()]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603  our own arguments


def main() -> None:
    """Generate messages, stubs, type hints and the descriptor set."""
    clean()
    protoc("--python_out=.", "--grpc_python_out=.", "--pyi_out=.")
    protoc("--include_source_info", "--include_imports", f"--descriptor_set_out={DESCRIPTOR_SET}")


if __name__ == "__main__":
    main()
