# make_venv HERE EXTRAS: a .venv in HERE with Postel and the named extras, made or brought up to date when something
# has changed since. Sourced by ./run and ./test; all that takes time is done by tools/make_venv.py.

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# The Python to use: that of PYTHON, or the first in PATH that is new enough.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        if command -v "$PYTHON" >/dev/null 2>&1 && is_new_enough "$PYTHON"; then
            command -v "$PYTHON"
            return
        fi
        echo "PYTHON=$PYTHON is no Python 3.11 or later; name another one, or leave PYTHON unset." >&2
        return 2
    fi
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null 2>&1 && is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    echo "Postel needs Python 3.11 or later, and there is none in PATH; install it (on Debian and Ubuntu:" \
        "apt install python3 python3-venv), or name one: PYTHON=/path/to/python3 $0" >&2
    return 2
}

# Whether the environment is as make_venv.py would leave it, as far as can be told without starting anything.
is_current() {
    [ -x "$1/.venv/bin/python" ] && [ -x "$1/.venv/bin/postel" ] && [ -f "$2" ] && ! [ "$1/pyproject.toml" -nt "$2" ] &&
        [ "$(cat "$2")" = "$1" ] && [ -z "${PYTHON:-}" ]
}

make_venv() {
    is_current "$1" "$1/.venv/installed-${2:-plain}" && return
    python=$(find_python) || exit 2
    "$python" "$1/tools/make_venv.py" "$1" "$2" || exit $?
}
