# make_venv HERE EXTRAS: a .venv in HERE with Postel and the named extras, made or brought up to date when
# pyproject.toml has changed since. Sourced by ./run, ./test and .ci/run.

find_python() {
    for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "Postel needs Python 3.11 or later; none was found. Name one with PYTHON=/path/to/python3." >&2
    return 2
}

make_venv() {
    here=$1 extras=$2
    venv="$here/.venv"
    mark="$venv/.installed-${extras:-plain}"
    if [ -f "$mark" ] && ! [ "$here/pyproject.toml" -nt "$mark" ] && [ -x "$venv/bin/postel" ] &&
        "$venv/bin/python" -c 'import postel' 2>/dev/null; then
        return
    fi
    if ! [ -x "$venv/bin/python" ]; then
        python=$(find_python) || exit 2
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
            echo "This Python cannot make virtual environments: install the package python$version-venv first" \
                "(on Debian and Ubuntu: apt install python$version-venv)." >&2
            exit 2
        fi
        echo "Making .venv with $("$python" --version) …" >&2
        "$python" -m venv "$venv"
    fi
    echo "Installing Postel into .venv …" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$here${extras:+[$extras]}" >&2
    : >"$mark"
}
