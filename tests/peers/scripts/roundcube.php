<?php
// Roundcube's own engine, with its cache in a database, does the job of test_imap_with_scripts.py in two visits.
// Arguments: port, authority, user, password. ROUNDCUBE is the folder where it lies; it works where it is run.
[, $port, $authority, $user, $password] = $argv;
define("RCUBE_INSTALL_PATH", getenv("ROUNDCUBE") . "/usr/share/roundcube/");
define("RCUBE_CONFIG_DIR", getenv("ROUNDCUBE") . "/etc/roundcube/");
require RCUBE_INSTALL_PATH . "program/lib/Roundcube/bootstrap.php";
set_error_handler(function ($level, $what, $file, $line) { print "error: $what, $file:$line\n"; }, E_WARNING | E_ERROR);

$app = rcube::get_instance();
foreach ([
    "db_dsnw" => "sqlite:///" . getcwd() . "/roundcube.db", "log_driver" => "stdout", "imap_cache" => "db", "messages_cache" => true,
    "imap_conn_options" => ["ssl" => ["cafile" => $authority, "verify_peer" => true, "verify_peer_name" => true]],
    "imap_timeout" => 60,
] as $name => $value) $app->config->set($name, $value, true);
$app->set_user(rcube_user::create($user, "localhost"));

function visit(): rcube_imap {
    global $app, $port, $user, $password;
    $app->storage = null;
    $imap = $app->get_storage();
    ok($imap->connect("localhost", $user, $password, (int) $port, "ssl"), "connect", $imap);
    return $imap;
}
function ok($answer, string $what, rcube_imap $imap) {
    if ($answer === false) print "error: $what: " . $imap->get_error_str() . "\n";
    return $answer;
}
function uid(rcube_imap $imap, string $subject): string {
    return (string) $imap->search("INBOX", "HEADER SUBJECT $subject", "UTF-8")->get_element("FIRST");
}
function subjects(rcube_imap $imap, string $field = "", string $order = "ASC"): string {
    $imap->set_search_set(null);
    return implode(" ", array_map(fn($one) => $one->subject, $imap->list_messages("INBOX", 1, $field, $order)));
}

$imap = visit();
ok($imap->create_folder("Kept", true), "create", $imap);
$letter = "Subject: written\r\n\r\nabout written\r\n";
ok($imap->save_message("Kept", $letter, "", false, ["SEEN"]), "append", $imap);
$imap->set_folder("INBOX");
print "subject: " . subjects($imap) . "\n";
$three = $imap->get_message(uid($imap, "three"));
print "text: " . $imap->get_message_part($three->uid, "1");
print "type: {$three->structure->mimetype}\n";
ok($imap->set_flag(uid($imap, "two"), "FLAGGED"), "flag", $imap);
ok($imap->copy_message(uid($imap, "two"), "Kept", "INBOX"), "copy", $imap);
print "threads: " . $imap->thread_index("INBOX")->count() . "\n";
print "special: {$imap->get_special_folders(true)["trash"]}\n";
print "subscribed: " . (in_array("Kept", $imap->list_folders_subscribed()) ? "Kept" : "") . "\n";
print "rights: " . (in_array("i", $imap->my_rights("INBOX")) ? "mine" : "") . "\n";
ok($imap->set_metadata("Kept", ["/private/comment" => "for later"]), "set metadata", $imap);
print "comment: {$imap->get_metadata("Kept", "/private/comment")["Kept"]["/private/comment"]}\n";
$imap->close();

// What another program does meanwhile is seen by QRESYNC, from what the cache knows.
$other = new rcube_imap_generic;
$other->connect("localhost", $user, $password, ["port" => (int) $port, "ssl_mode" => "ssl",
    "socket_options" => ["ssl" => ["cafile" => $authority]]]);
$other->select("INBOX");
$other->flag("INBOX", implode(",", $other->search("INBOX", "SUBJECT three", true)->get()), "ANSWERED");
$news = "Subject: news\r\n\r\nabout news\r\n";
$other->append("INBOX", $news);
$other->closeConnection();

$imap = visit();
$imap->folder_sync("INBOX");
print "answered: " . (isset($imap->get_message_headers($three->uid, "INBOX")->flags["ANSWERED"]) ? "three" : "") . "\n";
print "meanwhile: " . subjects($imap) . "\n";
ok($imap->move_message(uid($imap, "news"), "Trash", "INBOX"), "move", $imap);
print "moved: {$imap->count("Trash", "ALL", true)}\n";
ok($imap->delete_message(uid($imap, "one"), "INBOX"), "delete", $imap);
print "sorted: " . subjects($imap, "subject", "DESC") . "\n";
print "left: {$imap->count("INBOX", "ALL", true)}\n";
$imap->close();
