#!/usr/bin/env bash
# Installs, on Debian and as root, the mail servers that `python -m bench` measures beside Postel.
# Postfix is installed as a package; the others are put into .peers and .venv of this clone. No service is started
# or configured: each measurement runs instances of its own. The tests do not need this.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/tools/packages.sh"

need_root "Postfix, and what Exim and OpenSMTPD need"
forbid_services
apt-get -q -q update
install postfix
unpack exim4-daemon-light "$here/.peers/exim"
unpack opensmtpd "$here/.peers/opensmtpd"

if command -v npm >/dev/null; then
    mkdir -p "$here/.peers/haraka"
    npm --prefix "$here/.peers/haraka" install --silent --no-audit --no-fund --omit=optional --omit=dev Haraka
else
    echo "There is no npm, so Haraka is left out (on Debian: apt install npm)" >&2
fi

# The venv of ./test, with one program more.
"$here/.venv/bin/python" -m pip install --quiet --disable-pip-version-check 'aiosmtpd>=1.4'
