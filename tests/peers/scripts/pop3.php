<?php
// PHP's imap extension, which is UW's c-client, does the job of test_pop3_with_scripts.py.
// Arguments: port, authority, user, password. It believes the authorities of SSL_CERT_FILE.
[, $port, , $user, $password] = $argv;
$pop = imap_open("{localhost:$port/pop3/ssl/validate-cert}INBOX", $user, $password, 0, 1);
if ($pop === false) { fwrite(STDERR, imap_last_error() . "\n"); exit(1); }
$count = imap_num_msg($pop);
print "count: $count\nsize: " . imap_mailboxmsginfo($pop)->Size . "\n";
print "uids: " . count(array_unique(array_map(fn($number) => imap_uid($pop, $number), range(1, $count)))) . "\n";
foreach (range(1, $count) as $number) file_put_contents((string) $number, imap_fetchbody($pop, $number, ""));
print "top: " . (imap_headerinfo($pop, 2)->subject === "letter 2" ? 1 : 0) . "\n";
imap_delete($pop, "1");
imap_close($pop, CL_EXPUNGE);
foreach (imap_errors() ?: [] as $error) print "error: $error\n";
