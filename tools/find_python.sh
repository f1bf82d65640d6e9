#!/bin/sh
# Prints the first Python that is 3.11 or newer and can make virtual environments.
# Candidates: the arguments, else those below. If none will do, says what was found and exits 1.
[ $# -gt 0 ] || set -- python3.13 python3.12 python3.11 python3 python

found=''
for candidate in "$@"; do
    version=$("$candidate" -c 'import platform; print(platform.python_version())' 2>/dev/null) || {
        found="$found
  $candidate: not found"
        continue
    }
    if ! "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        found="$found
  $candidate: $version, too old"
    elif ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
        found="$found
  $candidate: $version, without venv (on Debian and Ubuntu: apt install python3-venv)"
    else
        echo "$candidate"
        exit 0
    fi
done

echo "Python 3.11 or newer with venv is required; found:$found
Install one, or name one: make PYTHON=/path/to/python" >&2
exit 1
