# Mail::Box does the job of test_imap_with_scripts.py, as with any other folder of mail.
# Arguments: port, authority, user, password.
use strict; use warnings;
use IO::Socket::SSL; use Mail::Box::IMAP4; use Mail::IMAPClient; use Mail::Transport::IMAP4;
my ($port, $authority, $user, $password) = @ARGV;
my $imap = Mail::IMAPClient->new(
    Server => "localhost", Port => $port, User => $user, Password => $password, Uid => 1, Peek => 1,
    Ssl => [SSL_ca_file => $authority, SSL_verify_mode => SSL_VERIFY_PEER], Timeout => 60,
) or die "login: $@";
my $transporter = Mail::Transport::IMAP4->new(imap_client => $imap) or die "no transport";
sub box { my ($name) = @_;
    return Mail::Box::IMAP4->new(folder => $name, transporter => $transporter, access => "rw", cache_head => "DELAY") || die "open $name" }

$imap->create("Kept") or die $imap->LastError;
my $inbox = box("INBOX");
my %letters;
for my $letter ($inbox->messages) {
    print "subject: ", $letter->subject, "\n";
    $letters{$letter->subject} = $letter;
}
print "text: ", $letters{three}->decoded;
print "type: ", lc $letters{three}->contentType, "\n";
$letters{two}->label(flagged => 1);
$letters{two}->copyTo(box("Kept"));
$letters{one}->delete;
$inbox->close(write => "ALWAYS");
