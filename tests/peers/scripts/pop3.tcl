# Tcllib's pop3 does the job of test_pop3_with_scripts.py. Arguments: port, authority, user, password.
package require tls
package require pop3
lassign $argv port authority user password
tls::init -cafile $authority -require 1 -tls1.2 1
set pop [pop3::open -socketcmd tls::socket localhost $user $password $port]
lassign [pop3::status $pop] count size
puts "count: $count\nsize: $size"
puts "uids: [llength [lsort -unique [dict values [concat {*}[pop3::uidl $pop]]]]]"
for {set number 1} {$number <= $count} {incr number} {
    set file [open $number wb]
    puts -nonewline $file [lindex [pop3::retrieve $pop $number] 0]
    close $file
}
puts "top: [regexp -all -line {^Subject: letter 2} [pop3::top $pop 2 1]]"
pop3::delete $pop 1
pop3::close $pop
