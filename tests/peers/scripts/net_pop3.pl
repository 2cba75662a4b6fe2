# Net::POP3 does the job of test_pop3_with_scripts.py. Arguments: port, authority, user, password.
use strict; use warnings;
use Net::POP3;
my ($port, $authority, $user, $password) = @ARGV;
my $pop = Net::POP3->new("localhost", Port => $port, SSL => 1, SSL_ca_file => $authority, Timeout => 60)
    or die "connect: $@";
my $count = $pop->login($user, $password) or die "login: ", $pop->message;
my ($listed, $octets) = $pop->popstat;
print "count: $listed\nsize: $octets\n";
my $uids = $pop->uidl;
print "uids: ", scalar(keys %{{map { $_ => 1 } values %$uids}}), "\n";
for my $number (1 .. $count) {
    open my $file, ">", $number or die $!;
    print $file @{$pop->get($number)};
    close $file;
}
print "top: ", scalar(grep { /^Subject: letter 2/ } @{$pop->top(2, 1)}), "\n";
$pop->delete(1) or die "delete";
$pop->quit or die "quit";
