<?php
// Horde_Imap_Client, which is what Nextcloud Mail and Horde's webmail speak with, does the job of
// test_imap_with_scripts.py. Arguments: port, authority, user, password.
[, $port, $authority, $user, $password] = $argv;
error_reporting(E_ALL & ~E_DEPRECATED);  // it is older than PHP 8
set_include_path("/usr/share/php");
spl_autoload_register(function ($name) {
    $path = stream_resolve_include_path(strtr($name, "_\\", "//") . ".php");
    if ($path) require $path;
});
function client(): Horde_Imap_Client_Socket {
    global $port, $authority, $user, $password;
    $client = new Horde_Imap_Client_Socket(["username" => $user, "password" => $password, "hostspec" => "localhost",
        "port" => (int) $port, "secure" => "ssl", "timeout" => 60, "id" => ["name" => "Horde"],
        "cache" => ["backend" => new Horde_Imap_Client_Cache_Backend_Null],  // with a cache it asks for QRESYNC
        "context" => ["ssl" => ["cafile" => $authority, "verify_peer" => true, "verify_peer_name" => true]]]);
    $client->login();
    return $client;
}
function uids($client, string $subject, string $box = "INBOX"): Horde_Imap_Client_Ids {
    $query = new Horde_Imap_Client_Search_Query;
    $query->headerText("Subject", $subject);
    return $client->search($box, $query)["match"];
}
function sorted($client, int ...$criteria): string {
    $found = $client->search("INBOX", null, ["sort" => $criteria])["match"];
    $query = new Horde_Imap_Client_Fetch_Query;
    $query->envelope();
    $letters = $client->fetch("INBOX", $query, ["ids" => $found]);
    return implode(" ", array_map(fn($uid) => $letters[$uid]->getEnvelope()->subject, $found->ids));
}
// By UTF8=ACCEPT; but what has less than 100 octets it would send as a quoted string with line ends in it.
function letter(string $subject): string {
    return "Subject: $subject\r\nComments: " . str_repeat("long enough ", 10) . "\r\n\r\nabout $subject\r\n";
}

$imap = client();
$imap->createMailbox("Kept");
$imap->subscribeMailbox("Kept", true);
$imap->append("Kept", [["data" => letter("written"), "flags" => ["\\Seen"]]]);
print "subject: " . sorted($imap, Horde_Imap_Client::SORT_SEQUENCE) . "\n";

$query = new Horde_Imap_Client_Fetch_Query;
$query->structure();
$query->bodyPart("1", ["decode" => true, "peek" => true]);
$query->headers("some", ["from", "subject"], ["peek" => true, "cache" => true]);
$query->size();
$query->modseq();
$three = $imap->fetch("INBOX", $query, ["ids" => uids($imap, "three")])->first();
print "text: " . $three->getBodyPart("1");
print "type: {$three->getStructure()->getType()}\n";
print "from: " . ($three->getHeaders("some", Horde_Imap_Client_Data_Fetch::HEADER_PARSE)["from"] ? "found" : "") . "\n";

$imap->store("INBOX", ["add" => ["\\Flagged"], "ids" => uids($imap, "two")]);
$copied = $imap->copy("INBOX", "Kept", ["ids" => uids($imap, "two"), "force_map" => true]);
print "copied: " . count($copied) . "\n";
$known = $imap->getSyncToken("INBOX");
$imap->store("INBOX", ["add" => ["\\Deleted"], "ids" => uids($imap, "one")]);
$imap->expunge("INBOX", ["ids" => uids($imap, "one")]);
$news = $imap->append("INBOX", [["data" => letter("news")]]);
foreach ($imap->listMailboxes("*", Horde_Imap_Client::MBOX_ALL_SUBSCRIBED, ["special_use" => true, "attributes" => true])
    as $name => $one) {
    if (in_array("\\trash", $one["attributes"])) print "special: $name\n";
    if ($name === "Kept" && in_array("\\subscribed", $one["attributes"])) print "subscribed: $name\n";
}
$imap->copy("INBOX", "Trash", ["ids" => $news, "move" => true]);
print "moved: {$imap->status("Trash", Horde_Imap_Client::STATUS_MESSAGES)["messages"]}\n";
$imap->store("INBOX", ["add" => ["\\Answered"], "ids" => uids($imap, "three")]);
$later = client();
$meanwhile = $later->sync("INBOX", $known);
print "meanwhile: {$meanwhile->vanisheduids} vanished {$meanwhile->flagsuids} changed\n";
$later->logout();
print "left: {$imap->status("INBOX", Horde_Imap_Client::STATUS_MESSAGES)["messages"]}\n";
print "sorted: " . sorted($imap, Horde_Imap_Client::SORT_REVERSE, Horde_Imap_Client::SORT_SUBJECT) . "\n";
$threads = $imap->thread("INBOX", ["criteria" => Horde_Imap_Client::THREAD_REFERENCES]);
print "threads: " . count($threads->messageList()) . "\n";
print "rights: " . ($imap->getMyACLRights("INBOX")["i"] ? "mine" : "") . "\n";
$imap->setMetadata("Kept", ["/private/comment" => "for later"]);
print "comment: {$imap->getMetadata("Kept", ["/private/comment"])["Kept"]["/private/comment"]}\n";
print "delimiter: {$imap->getNamespaces()[""]["delimiter"]}\n";
$imap->logout();
