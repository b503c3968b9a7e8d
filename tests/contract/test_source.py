"""What no source of the platform does: run a shell, evaluate text, unpack objects, or draw what it did not escape."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.backend import Backend

ROOT = Path(__file__).resolve().parents[2]
OURS = ("gateway", "services", "shared", "pipeline")
FORBIDDEN = {
    *("eval", "exec", "compile", "__import__"),
    *("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell"),
    *("pickle.load", "pickle.loads", "marshal.loads", "shelve.open", "yaml.load", "yaml.unsafe_load"),
}
OWN_BYTES = ("shared/engine/spark_parts.py",)
"""Unpacks what the driver of the same run has packed, on the way to its workers; nothing a caller sends."""
DRAWN = ("dangerouslySetInnerHTML", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "new Function")


def calls(source: str) -> Iterator[tuple[int, str, ast.Call]]:
    """Yield line, dotted name and node of each call."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func), node


def wrong(source: str) -> list[str]:
    """Return the calls that no source of ours makes."""
    found = []
    for line, name, node in calls(source):
        shell = any(one.arg == "shell" and ast.unparse(one.value) != "False" for one in node.keywords)
        if name in FORBIDDEN or shell:
            found.append(f"{line}: {name}")
    return found


@pytest.mark.parametrize("folder", OURS)
def test_no_source_runs_a_shell_evaluates_text_or_unpacks_objects(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts]
    assert files
    named = {str(path.relative_to(ROOT)): path for path in files}
    found = {name: wrong(path.read_text()) for name, path in named.items() if name not in OWN_BYTES}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_such_a_call_is_found() -> None:
    for line in ("eval(x)", "os.system(x)", "subprocess.run(x, shell=True)", "pickle.loads(x)"):
        assert wrong(line), line


def test_the_web_application_writes_text_and_no_markup() -> None:
    files = [path for kind in ("*.ts", "*.tsx") for path in (ROOT / "web" / "src").rglob(kind)]
    assert files
    assert [(path.name, one) for path in files for one in DRAWN if one in path.read_text()] == []


def test_nobody_is_asked_for_a_hint_or_a_secret_question(backend: Backend) -> None:
    fields = {field for method in backend.contracts.methods for field in method.request_fields()}
    assert fields
    assert not [name for name in fields if name.endswith(("password_hint", "secret_question", "security_answer"))]


PRIMITIVES = {"sha256", "blake2b", "file_digest", "AESGCM"}
"""What source of ours hashes and seals with: SHA-256 and BLAKE2, and AES in Galois/Counter mode."""
BY_OTHERS = {("services/auth/breached.py", "sha1")}
"""The list of breached passwords is asked for by the beginning of a SHA-1; it guards nothing."""
CIPHERS = "cryptography.hazmat.primitives.ciphers"


def primitives(source: str) -> set[str]:
    """Return the hashes and ciphers that a source takes from where they are kept."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "hashlib":
            found.add(node.attr)
        if isinstance(node, ast.ImportFrom) and (node.module == "hashlib" or (node.module or "").startswith(CIPHERS)):
            found |= {one.name for one in node.names}
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("hashes"):
            found.add(node.attr.lower())
    return found


def test_sources_hash_by_sha_256_or_blake2_and_seal_by_aes_gcm() -> None:
    files = [path for folder in OURS for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts]
    found = {(str(path.relative_to(ROOT)), one) for path in files for one in primitives(path.read_text())}
    assert {one for _, one in found} >= PRIMITIVES
    assert {(path, one) for path, one in found if one not in PRIMITIVES} == BY_OTHERS


@pytest.mark.parametrize(
    "line",
    ["hashlib.md5(x)", "from hashlib import sha1", f"from {CIPHERS} import Cipher", f"from {CIPHERS}.modes import ECB"],
)
def test_such_a_primitive_is_found(line: str) -> None:
    assert primitives(line) - PRIMITIVES


def test_passwords_are_asked_for_in_masked_fields_that_password_managers_fill() -> None:
    sources = {
        path.name: path.read_text() for path in (ROOT / "web" / "src").rglob("*.tsx") if ".test." not in path.name
    }
    assert not [name for name, source in sources.items() if "onPaste" in source], "pasting is nobody's to forbid"
    fields = [
        (name, one) for name, source in sources.items() for one in re.findall(r"<\w*Field\b(.*?)/>", source, re.S)
    ]
    asked = [(name, one) for name, one in fields if re.search(r'name="\w*password"', one)]
    assert len(asked) >= 8
    assert not [name for name, one in asked if not re.search('autoComplete="(current|new)-password"', one)]
    masked = sum(len(re.findall(r'<PasswordField\b.*?name="\w*password"', source, re.S)) for source in sources.values())
    assert masked == len(asked)
    assert "type={visible ? 'text' : 'password'}" in sources["password-field.tsx"]
