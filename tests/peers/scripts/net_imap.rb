# Ruby's net-imap does the job of test_imap_with_scripts.py. Arguments: port, authority, user, password.
require "net/imap"
port, authority, user, password = ARGV
imap = Net::IMAP.new("localhost", port: port.to_i, ssl: { ca_file: authority })
imap.authenticate("PLAIN", user, password)
imap.create("Kept")
imap.subscribe("Kept")
imap.append("Kept", "Subject: written\r\n\r\nabout written\r\n", [:Seen], Time.utc(2026, 11, 23, 12))
imap.select("INBOX")
imap.fetch(1..-1, %w[ENVELOPE UID FLAGS INTERNALDATE BODYSTRUCTURE]).each do |one|
  puts "subject: #{one.attr["ENVELOPE"].subject}"
end
uid = ->(subject) { imap.uid_search(["SUBJECT", subject]).first }
three = imap.uid_fetch(uid["three"], ["BODY.PEEK[TEXT]", "BODYSTRUCTURE", "RFC822.SIZE"]).first
puts "text: #{three.attr["BODY[TEXT]"]}"
puts "type: #{three.attr["BODYSTRUCTURE"].media_type.downcase}/#{three.attr["BODYSTRUCTURE"].subtype.downcase}"
imap.uid_store(uid["two"], "+FLAGS", [:Flagged])
imap.uid_copy(uid["two"], "Kept")
imap.uid_store(uid["one"], "+FLAGS.SILENT", [:Deleted])
imap.expunge
puts "left: #{imap.status("INBOX", %w[MESSAGES UIDNEXT])["MESSAGES"]}"
puts "threads: #{imap.thread("REFERENCES", "ALL", "UTF-8").length}"
puts "sorted: #{imap.sort(["REVERSE", "SUBJECT"], ["ALL"], "UTF-8").join(" ")}"
puts "delimiter: #{imap.namespace.personal.first.delim}" if imap.respond_to?(:namespace)
puts "special: #{imap.list("", "*").select { |one| one.attr.include?(:Trash) }.map(&:name).first}"
puts "rights: #{imap.getacl("INBOX").first.user == user}"
heard = Queue.new
other = Thread.new do
  heard.pop
  second = Net::IMAP.new("localhost", port: port.to_i, ssl: { ca_file: authority })
  second.login(user, password)
  second.append("INBOX", "Subject: news\r\n\r\nabout news\r\n")
  second.select("INBOX")
  second.uid_store(second.uid_search(%w[SUBJECT news]), "+FLAGS", [:Deleted])
  second.expunge
  second.logout
end
exists = nil
imap.idle(60) do |answer|
  heard.push(true) if answer.is_a?(Net::IMAP::ContinuationRequest)
  next unless answer.is_a?(Net::IMAP::UntaggedResponse)
  exists = answer.data if answer.name == "EXISTS"
  imap.idle_done if answer.name == "EXPUNGE"
end
other.join
puts "heard: #{exists}"
imap.logout
