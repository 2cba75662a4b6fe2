#!/usr/bin/env bash
# Installs, on Debian and as root, the real mail programs that the interoperability tests speak with.
# Postfix is installed as a package (its services stay off); Exim, which Debian will not install beside it,
# is unpacked into .peers/exim.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
export DEBIAN_FRONTEND=noninteractive

packages=(
    curl swaks libnet-ssleay-perl msmtp s-nail mutt            # sending
    fetchmail getmail6 mpop                                    # POP3
    postfix unbound dnsutils                                   # a middle server, a resolver
    procps openssl
)
exim_packages=(exim4-daemon-light)
exim_libraries=(libgnutls30 libgnutls-dane0 libidn12 libpcre2-8-0 libdb5.3 libunbound8)

if [ "$(id -u)" -ne 0 ]; then
    echo "Run as root: it installs ${packages[*]}" >&2
    exit 2
fi

# No service of these packages is to start by being installed.
guard=/usr/sbin/policy-rc.d
made_guard=
if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod +x "$guard"
    made_guard=yes
fi
trap '[ -z "$made_guard" ] || rm -f "$guard"' EXIT

apt-get -q -q update
apt-get -q -q install --yes --no-install-recommends "${packages[@]}" "${exim_libraries[@]}" >/dev/null

if [ ! -x "$here/.peers/exim/usr/sbin/exim4" ]; then
    mkdir -p "$here/.peers/download" "$here/.peers/exim"
    (cd "$here/.peers/download" && apt-get -q -q download "${exim_packages[@]}")
    for package in "$here"/.peers/download/*.deb; do
        dpkg --extract "$package" "$here/.peers/exim"
    done
    rm -r "$here/.peers/download"
fi
# Its user is compiled in.
getent passwd Debian-exim >/dev/null || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin Debian-exim
