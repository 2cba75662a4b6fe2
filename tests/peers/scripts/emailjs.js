// emailjs-imap-client does the job of test_imap_with_scripts.py. Arguments: port, authority, user, password.
// It believes the authorities of NODE_EXTRA_CA_CERTS.
const { default: ImapClient } = require("emailjs-imap-client");
const [port, , user, pass] = process.argv.slice(2);

async function main() {
  const client = new ImapClient("localhost", Number(port), {
    auth: { user, pass }, useSecureTransport: true, logLevel: "error",
  });
  await client.connect();
  await client.createMailbox("Kept");
  await client.upload("Kept", "Subject: written\r\n\r\nabout written\r\n", { flags: ["\\Seen"] });
  await client.selectMailbox("INBOX");
  const letters = await client.listMessages("INBOX", "1:*", ["uid", "flags", "envelope", "bodystructure", "body.peek[1]"]);
  const uids = {};
  for (const { envelope, uid } of letters) {
    console.log(`subject: ${envelope.subject}`);
    uids[envelope.subject] = uid;
  }
  const [three] = await client.search("INBOX", { header: ["subject", "three"] }, { byUid: true });
  const found = letters.find((letter) => letter.uid === three);
  console.log(`text: ${found["body[1]"].trim()}`);
  console.log(`type: ${found.bodystructure.type}`);
  await client.setFlags("INBOX", String(uids.two), { add: ["\\Flagged"] }, { byUid: true });
  await client.copyMessages("INBOX", String(uids.two), "Kept", { byUid: true });
  await client.deleteMessages("INBOX", String(uids.one), { byUid: true });
  console.log(`left: ${(await client.search("INBOX", { all: true })).length}`);
  const boxes = await client.listMailboxes();
  console.log(`special: ${boxes.children.find((one) => one.specialUse === "\\Trash").path}`);
  await client.close();
}

main().catch((fault) => { console.error(fault); process.exit(1); });
