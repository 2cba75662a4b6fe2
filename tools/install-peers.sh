#!/usr/bin/env bash
# Installs, on Debian and as root, the real mail programs that tests/peers speaks with.
# Postfix is installed as a package; Exim, which Debian will not install beside it, is unpacked into .peers/exim.
# No service is started or configured: the tests run instances of their own.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
export DEBIAN_FRONTEND=noninteractive

packages=(
    curl swaks libnet-ssleay-perl msmtp s-nail mutt            # sending
    fetchmail getmail6 mpop                                    # POP3
    postfix unbound                                            # a mail server, a resolver
    dovecot-core dovecot-lmtpd dovecot-pop3d dovecot-imapd     # a store that takes LMTP, and SASL for Postfix
    gsasl                                                      # SASL
    opendkim-tools                                             # signatures
    haproxy                                                    # the PROXY protocol
    procps openssl
)
exim=exim4-daemon-light

if [ "$(id -u)" -ne 0 ]; then
    echo "Run as root: it installs ${packages[*]}, and what $exim needs" >&2
    exit 2
fi

# No service of these packages is to start by being installed.
guard=/usr/sbin/policy-rc.d
made_guard=
download=$(mktemp -d)
clean_up() {
    rm -rf "$download"
    [ -z "$made_guard" ] || rm -f "$guard"
}
trap clean_up EXIT
if [ ! -e "$guard" ]; then
    made_guard=yes
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod +x "$guard"
fi

install() {
    apt-get -q -q install --yes --no-install-recommends "$@" >/dev/null
}

apt-get -q -q update
install "${packages[@]}"

chmod 755 "$download"
(cd "$download" && apt-get -q -q -o APT::Sandbox::User=root download "$exim")
# The libraries it is linked with; the rest of what it depends on is about running it as the machine's mail server.
mapfile -t libraries < <(
    dpkg-deb --field "$download/$exim"_*.deb Depends | tr ',' '\n' | sed 's/[(|].*//; s/ //g' | grep '^lib'
)
install "${libraries[@]}"
rm -rf "$here/.peers/exim"
mkdir -p "$here/.peers/exim"
dpkg-deb --extract "$download/$exim"_*.deb "$here/.peers/exim"
