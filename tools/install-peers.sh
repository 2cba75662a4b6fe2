#!/usr/bin/env bash
# Installs, on Debian and as root, the real mail programs that tests/peers speaks with.
# Postfix is installed as a package; Exim, which Debian will not install beside it, is unpacked into .peers/exim, and
# Roundcube, of which only the engine is needed, into .peers/roundcube.
# No service is started or configured: the tests run instances of their own.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/tools/packages.sh"

packages=(
    curl swaks libnet-ssleay-perl msmtp s-nail mutt            # sending
    fetchmail getmail6 mpop                                    # POP3
    isync offlineimap3 neomutt alpine aerc emacs-nox interimap # IMAP
    libmail-imapclient-perl libnet-imap-client-perl libnet-imap-simple-perl libmail-box-imap4-perl
    libio-socket-ssl-perl ruby php-cli php-imap imapfilter     # IMAP and POP3, in the languages of others
    tcl tcllib tcl-tls
    php-horde-imap-client php-intl php-mbstring php-sqlite3 php-xml libjakarta-mail-java
    mailutils cyrus-clients libsasl2-modules                   # both, from the command line
    postfix unbound                                            # a mail server, a resolver
    dovecot-core dovecot-lmtpd dovecot-pop3d dovecot-imapd     # a store that takes LMTP, and SASL for Postfix
    gsasl                                                      # SASL
    opendkim-tools                                             # signatures
    haproxy                                                    # the PROXY protocol
    procps openssl
)
command -v npm >/dev/null || packages+=(nodejs npm)            # IMAP, too; whoever has Node from elsewhere keeps it
command -v javac >/dev/null || packages+=(openjdk-17-jdk-headless)
exim=exim4-daemon-light

need_root "${packages[*]}, and what $exim needs"
forbid_services
apt-get -q -q update
install "${packages[@]}"
unpack "$exim" "$here/.peers/exim"
unpack roundcube-core "$here/.peers/roundcube"
mkdir -p "$here/.peers/node"
cp "$here/tests/peers/node/package.json" "$here/.peers/node"
npm install --prefix "$here/.peers/node" --no-audit --no-fund --ignore-scripts --silent
