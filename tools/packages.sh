# Debian packages of other people's mail programs, installed or unpacked; sourced by the install scripts, as root.
# No service of theirs is started.
#
# install PACKAGE...            on this machine
# unpack PACKAGE FOLDER         into a folder of its own, where Debian will not install it beside another; the
#                               libraries that it is linked with are installed
# need_root WHAT                or end

export DEBIAN_FRONTEND=noninteractive
guard=/usr/sbin/policy-rc.d
made_guard=
download=$(mktemp -d)
chmod 755 "$download"

clean_up() {
    rm -rf "$download"
    [ -z "$made_guard" ] || rm -f "$guard"
}
trap clean_up EXIT

need_root() {
    [ "$(id -u)" -eq 0 ] || { echo "Run as root: it installs $*" >&2 && exit 2; }
}

# Where there is this program, package scripts ask it before they start a service.
forbid_services() {
    [ ! -e "$guard" ] || return 0
    made_guard=yes
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod +x "$guard"
}

install() {
    apt-get -q -q install --yes --no-install-recommends "$@" >/dev/null
}

unpack() {
    (cd "$download" && apt-get -q -q -o APT::Sandbox::User=root download "$1")
    # The rest of what it depends on is about running it as the machine's mail server.
    local libraries
    mapfile -t libraries < <(
        dpkg-deb --field "$download/$1"_*.deb Depends | tr ',' '\n' | sed 's/[(|].*//; s/ //g' | grep '^lib' |
            grep -v '^libjs'
    )
    install "${libraries[@]}"
    rm -rf "$2"
    mkdir -p "$2"
    dpkg-deb --extract "$download/$1"_*.deb "$2"
}
