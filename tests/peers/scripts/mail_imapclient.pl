# Mail::IMAPClient does the job of test_imap_with_scripts.py. Arguments: port, authority, user, password.
use strict; use warnings;
use IO::Socket::SSL; use Mail::IMAPClient;
my ($port, $authority, $user, $password) = @ARGV;
my $imap = Mail::IMAPClient->new(
    Server => "localhost", Port => $port, User => $user, Password => $password, Uid => 1, Peek => 1,
    Ssl => [SSL_ca_file => $authority, SSL_verify_mode => SSL_VERIFY_PEER], Timeout => 60,
) or die "login: $@";
sub ok { my ($answer, $what) = @_; defined $answer or die "$what: " . $imap->LastError; return $answer }
sub uid { my ($subject) = @_; my ($uid) = $imap->search("SUBJECT", $imap->Quote($subject)); return ok($uid, "search") }

ok($imap->create("Kept"), "create");
ok($imap->append_string("Kept", "Subject: written\r\n\r\nabout written\r\n", "\\Seen"), "append");
ok($imap->select("INBOX"), "select");
print "subject: ", $imap->subject($_), "\n" for $imap->messages;
my $three = uid("three");
print "text: ", $imap->bodypart_string($three, "1");
print "size: ", $imap->size($three), "\n";
my $structure = $imap->get_bodystructure($three) or die "no structure";
print "type: ", lc $structure->bodytype, "/", lc $structure->bodysubtype, "\n";
my $envelope = $imap->get_envelope($three) or die "no envelope";
print "from: ", $envelope->from->[0]->hostname, "\n";
my $two = uid("two");
ok($imap->set_flag("\\Flagged", $two), "flag");
ok($imap->copy("Kept", $two), "copy");
my $one = uid("one");
ok($imap->delete_message($one), "delete");
ok($imap->expunge, "expunge");
print "left: ", $imap->message_count, "\n";
my $threads = ok($imap->thread("REFERENCES"), "thread");
print "threads: ", scalar(@$threads), "\n";
my @sorted = $imap->sort("REVERSE SUBJECT", "UTF-8", "ALL");
print "sorted: ", join(" ", map { $imap->subject($_) } @sorted), "\n";
ok($imap->idle, "idle"); ok($imap->done, "done");
ok($imap->logout, "logout");
