# Ruby's net-pop does the job of test_pop3_with_scripts.py. Arguments: port, authority, user, password.
require "net/pop"
port, authority, user, password = ARGV
Net::POP3.enable_ssl(verify_mode: OpenSSL::SSL::VERIFY_PEER, ca_file: authority)
Net::POP3.start("localhost", port.to_i, user, password) do |pop|
  puts "count: #{pop.n_mails}", "size: #{pop.n_bytes}"
  puts "uids: #{pop.mails.map(&:unique_id).uniq.length}"
  pop.mails.each { |letter| File.binwrite(letter.number.to_s, letter.pop) }
  puts "top: #{pop.mails[1].top(1).scan(/^Subject: letter 2/).length}"
  pop.mails[0].delete
end
