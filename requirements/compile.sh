#!/usr/bin/env bash
# Write the lock of every image (one extra each in pyproject.toml) under one constraints file.
# uv rather than pip-compile: its locks are universal, so one file serves Linux, macOS and both architectures.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_CUSTOM_COMPILE_COMMAND="make locks"
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-package shop-insight \
    --extra "$1" pyproject.toml "${@:2}"
}
export PATH="$PWD/.venv/bin:$PATH"
compile dev --output-file requirements/dev.txt "$@"
sed -e '/--hash=/d' -e 's/ \\$//' requirements/dev.txt > requirements/constraints.txt
for image in auth demand gateway market_intel pipeline pipeline-spark local; do
  compile "$image" --constraint requirements/constraints.txt --output-file "requirements/$image.txt"
done
# What these need cannot be had in the versions of the rest.
for image in pipeline-athena orchestrator; do
  compile "$image" --output-file "requirements/$image.txt"
done
