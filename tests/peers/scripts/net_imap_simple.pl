# Net::IMAP::Simple does the job of test_imap_with_scripts.py. Arguments: port, authority, user, password.
use strict; use warnings;
use IO::Socket::SSL; use Net::IMAP::Simple;
my ($port, $authority, $user, $password) = @ARGV;
my $imap = Net::IMAP::Simple->new(
    "localhost", port => $port, use_ssl => 1, find_ssl_defaults => [],
    ssl_options => [SSL_ca_file => $authority, SSL_verify_mode => SSL_VERIFY_PEER],
) or die "connect: $Net::IMAP::Simple::errstr";
sub ok { my ($answer, $what) = @_; $answer or die "$what: " . $imap->errstr; return $answer }

ok($imap->login($user, $password), "login");
ok($imap->create_mailbox("Kept"), "create");
ok($imap->put("Kept", "Subject: written\r\n\r\nabout written\r\n", "\\Seen"), "append");
my $count = ok($imap->select("INBOX"), "select");
for my $number (1 .. $count) {
    my ($subject) = grep { /^Subject:/ } @{$imap->top($number)};
    $subject =~ s/^Subject: //; $subject =~ s/\r?\n//g;
    print "subject: $subject\n";
}
my ($three) = $imap->search_subject("three");
my $letter = join "", @{$imap->get($three)};
print "text: ", (split /\r?\n\r?\n/, $letter, 2)[1];
my ($two) = $imap->search_subject("two");
ok($imap->add_flags($two, "\\Flagged"), "flag");
ok($imap->copy($two, "Kept"), "copy");
my ($one) = $imap->search_subject("one");
ok($imap->delete($one), "delete");
ok($imap->expunge_mailbox("INBOX"), "expunge");
print "left: ", scalar($imap->select("INBOX")), "\n";
$imap->quit;
