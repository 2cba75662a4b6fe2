# Tcllib's imap4 does the job of test_imap_with_scripts.py. Arguments: port, authority, user, password.
package require tls
package require imap4
lassign $argv port authority user password
tls::init -cafile $authority -require 1 -tls1.2 1
set ::imap4::use_ssl 1
proc ok {answer what} { if {$answer != 0} { error "$what: $answer" } }
set imap [imap4::open localhost $port]
ok [imap4::login $imap $user "\"$password\""] login
ok [imap4::create $imap Kept] create
ok [imap4::select $imap INBOX] select
foreach letter [imap4::fetch $imap : -inline Subject: TEXT] {
    lassign $letter subject text
    puts "subject: [string trim $subject]"
}
puts -nonewline "text: $text"
proc numbers {subject} { global imap; ok [imap4::search $imap SUBJECT $subject] search; imap4::mboxinfo $imap found }
set two [numbers two]
ok [imap4::store $imap $two +FLAGS Flagged] flag
ok [imap4::copy $imap $two Kept] copy
ok [imap4::store $imap [numbers one] +FLAGS Deleted] delete
ok [imap4::expunge $imap] expunge
imap4::cleanup $imap
