-- imapfilter does the job of test_imap_with_scripts.py. Environment: PORT, ACCOUNT, PASSWORD; authority by its option -t.
options.timeout = 60
options.starttls = false
options.subscribe = true
options.create = true
account = IMAP { server = "localhost", port = tonumber(os.getenv("PORT")), username = os.getenv("ACCOUNT"),
                 password = os.getenv("PASSWORD"), ssl = "tls1.2" }
account:create_mailbox("Kept")
inbox = account["INBOX"]
for _, one in ipairs(inbox:select_all()) do
  box, uid = table.unpack(one)
  print("subject: " .. box[uid]:fetch_field("Subject"):gsub("^Subject: ", ""):gsub("%s+$", ""))
end
for _, one in ipairs(inbox:contain_subject("three")) do
  box, uid = table.unpack(one)
  print("text: " .. box[uid]:fetch_body())
end
inbox:contain_subject("two"):mark_flagged()
inbox:contain_subject("two"):copy_messages(account["Kept"])
inbox:contain_subject("one"):delete_messages()
exist, recent, unseen, uidnext = inbox:check_status()
print("left: " .. exist)
