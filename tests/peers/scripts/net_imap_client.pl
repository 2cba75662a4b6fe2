# Net::IMAP::Client does the job of test_imap_with_scripts.py. Arguments: port, authority, user, password.
use strict; use warnings;
use Net::IMAP::Client;
my ($port, $authority, $user, $password) = @ARGV;
my $imap = Net::IMAP::Client->new(
    server => "localhost", port => $port, user => $user, pass => $password, uid_mode => 1,
    ssl => 1, ssl_verify_peer => 1, ssl_options => {SSL_ca_file => $authority},
) or die "connect: $@";
sub ok { my ($answer, $what) = @_; $answer or die "$what: " . $imap->last_error; return $answer }

ok($imap->login, "login");
ok($imap->create_folder("Kept"), "create");
my $written = "Subject: written\r\n\r\nabout written\r\n";
ok($imap->append("Kept", \$written, ["\\Seen"]), "append");
ok($imap->select("INBOX"), "select");
my $all = ok($imap->search("ALL", "SUBJECT"), "search");
my $summaries = ok($imap->get_summaries($all), "summaries");
my %uid = map { $_->subject => $_->uid } @$summaries;
print "subject: $_\n" for sort { $uid{$a} <=> $uid{$b} } keys %uid;
my ($three) = @{ok($imap->search({subject => "three"}), "search")};
my $parts = $imap->get_part_body($three, "1") or die $imap->last_error;
print "text: $$parts";
print "type: ", $imap->get_summaries([$three])->[0]->content_type, "\n";
ok($imap->add_flags($uid{two}, "\\Flagged"), "flag");
ok($imap->copy($uid{two}, "Kept"), "copy");
ok($imap->delete_message($uid{one}), "delete");
ok($imap->expunge, "expunge");
print "left: ", ok($imap->status("INBOX"), "status")->{MESSAGES}, "\n";
my $threads = ok($imap->get_threads("REFERENCES"), "threads");
print "threads: ", scalar(@$threads), "\n";
ok($imap->logout, "logout");
