// ImapFlow does a mailbox's work. Arguments: port, authority, user, password; what it found is printed as JSON.
const fs = require("fs");
const { ImapFlow } = require("imapflow");
const [port, authority, user, pass] = process.argv.slice(2);

const letter = (subject) =>
  Buffer.from(`From: ${user}\r\nTo: ${user}\r\nSubject: ${subject}\r\nMIME-Version: 1.0\r\n\r\nabout ${subject}\r\n`);

async function main() {
  const client = new ImapFlow({
    host: "localhost", port: Number(port), secure: true, logger: false, auth: { user, pass },
    tls: { ca: fs.readFileSync(authority) },
  });
  await client.connect();
  const found = { trash: "", subjects: [], heard: [] };
  await client.mailboxCreate(["Work", "Bäume"]);
  found.names = (await client.list()).map((one) => one.path).sort();
  found.trash = (await client.list()).find((one) => one.specialUse === "\\Trash").path;
  for (const subject of ["one", "two", "three"]) await client.append("INBOX", letter(subject), ["\\Seen"]);
  const lock = await client.getMailboxLock("INBOX");
  try {
    found.exists = client.mailbox.exists;
    for await (const one of client.fetch("1:*", { envelope: true, flags: true, bodyStructure: true, size: true }))
      found.subjects.push(one.envelope.subject);
    await client.messageFlagsAdd({ subject: "two" }, ["\\Flagged"]);
    found.flagged = await client.search({ flagged: true }, { uid: true });
    await client.messageMove({ subject: "three" }, "Work/Bäume");
    await client.messageDelete({ subject: "one" });
    found.left = client.mailbox.exists;
    const { content } = await client.download(String(found.flagged[0]), "1", { uid: true });
    const pieces = [];
    for await (const piece of content) pieces.push(piece);
    found.text = Buffer.concat(pieces).toString();
    const news = new Promise((resolve) => client.once("exists", resolve));
    const idle = client.idle();
    const other = new ImapFlow({
      host: "localhost", port: Number(port), secure: true, logger: false, auth: { user, pass },
      tls: { ca: fs.readFileSync(authority) },
    });
    await other.connect();
    await other.append("INBOX", letter("news"));
    await other.logout();
    found.heard = (await news).count;
    await client.noop();
    await idle;
  } finally {
    lock.release();
  }
  found.moved = (await client.status("Work/Bäume", { messages: true })).messages;
  await client.logout();
  console.log(JSON.stringify(found));
}

main().catch((fault) => { console.error(fault); process.exit(1); });
