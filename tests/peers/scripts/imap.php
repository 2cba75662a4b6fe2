<?php
// PHP's imap extension, which is UW's c-client, does the job of test_imap_with_scripts.py.
// Arguments: port, authority, user, password. It believes the authorities of SSL_CERT_FILE.
[, $port, , $user, $password] = $argv;
$server = "{localhost:$port/imap/ssl/validate-cert}";
function ok($answer, string $what) {
    if ($answer === false) { fwrite(STDERR, "$what: " . imap_last_error() . "\n"); exit(1); }
    return $answer;
}
$imap = ok(imap_open($server . "INBOX", $user, $password, 0, 1), "open");
ok(imap_createmailbox($imap, $server . "Kept"), "create");
ok(imap_subscribe($imap, $server . "Kept"), "subscribe");
ok(imap_append($imap, $server . "Kept", "Subject: written\r\n\r\nabout written\r\n", "\\Seen"), "append");
foreach (ok(imap_fetch_overview($imap, "1:*"), "overview") as $one) print "subject: $one->subject\n";
$uid = fn(string $subject) => ok(imap_search($imap, "SUBJECT \"$subject\"", SE_UID), "search")[0];
$three = $uid("three");
print "text: " . imap_fetchbody($imap, $three, "1", FT_UID | FT_PEEK);
$structure = ok(imap_fetchstructure($imap, $three, FT_UID), "structure");
print "type: " . ($structure->type === TYPETEXT ? "text" : "other") . "/" . strtolower($structure->subtype) . "\n";
print "from: " . imap_headerinfo($imap, imap_msgno($imap, $three))->from[0]->host . "\n";
ok(imap_setflag_full($imap, (string) $uid("two"), "\\Flagged", ST_UID), "flag");
ok(imap_mail_copy($imap, (string) $uid("two"), "Kept", CP_UID), "copy");
ok(imap_delete($imap, (string) $uid("one"), FT_UID), "delete");
ok(imap_expunge($imap), "expunge");
print "left: " . imap_num_msg($imap) . "\n";
print "sorted: " . implode(" ", array_map(
    fn($number) => imap_headerinfo($imap, $number)->subject, ok(imap_sort($imap, SORTSUBJECT, true), "sort"))) . "\n";
print "threads: " . count(array_filter(array_keys(ok(imap_thread($imap), "thread")),
    fn($key) => str_ends_with($key, ".num"))) . "\n";
print "boxes: " . (in_array($server . "Kept", ok(imap_list($imap, $server, "*"), "list")) ? "Kept" : "") . "\n";
print "subscribed: " . (in_array($server . "Kept", ok(imap_lsub($imap, $server, "*"), "lsub")) ? "Kept" : "") . "\n";
print "unseen: " . ok(imap_status($imap, $server . "Kept", SA_ALL), "status")->unseen . "\n";
print "rights: " . (isset(ok(imap_getacl($imap, "INBOX"), "acl")[$user]) ? "mine" : "") . "\n";
ok(imap_reopen($imap, $server . "Kept"), "reopen");
print "kept: " . imap_num_msg($imap) . "\n";
ok(imap_close($imap, CL_EXPUNGE), "close");
foreach (imap_errors() ?: [] as $error) print "error: $error\n";
