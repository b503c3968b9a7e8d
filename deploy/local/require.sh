#!/bin/sh
# Say plainly what is missing on this machine and how to get it: require.sh python COMMAND | require.sh node
missing() {
  printf '\n%s\n' "$1" >&2
  exit 1
}

case "$1" in
  python)
    [ -n "$2" ] || missing "Python 3.11 or 3.12 is needed and none was found. Get it from https://www.python.org/downloads/ and run this again."
    "$2" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' ||
      missing "Python 3.11 or 3.12 is needed; $2 is $("$2" -V 2>&1). Get one from https://www.python.org/downloads/, then: make PYTHON=python3.11 run"
    "$2" -c 'import ensurepip, venv' 2>/dev/null ||
      missing "This Python cannot make virtual environments. On Debian or Ubuntu: sudo apt-get install python3-venv"
    ;;
  node)
    command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 ||
      missing "Node.js 20.19 or newer (with npm) is needed to build the web app and was not found. Get it from https://nodejs.org/ and run this again."
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' ||
      missing "Node.js 20.19 or newer (22.12 or newer in the 22 line) is needed to build the web app; this is $(node --version). Get it from https://nodejs.org/ and run this again."
    ;;
esac
