// imap-simple does the job of test_imap_with_scripts.py. Arguments: port, authority, user, password.
const fs = require("fs");
const imaps = require("imap-simple");
const [port, authority, user, password] = process.argv.slice(2);

async function main() {
  const client = await imaps.connect({ imap: {
    user, password, host: "localhost", port: Number(port), tls: true, authTimeout: 60000,
    tlsOptions: { ca: fs.readFileSync(authority), servername: "localhost" },
  } });
  await client.addBox("Kept");
  await client.append("Subject: written\r\n\r\nabout written\r\n", { mailbox: "Kept", flags: ["\\Seen"] });
  await client.openBox("INBOX");
  const letters = await client.search(["ALL"], { bodies: ["HEADER.FIELDS (SUBJECT)", "TEXT"], struct: true });
  const uids = {};
  for (const letter of letters) {
    const subject = letter.parts.find((part) => part.which !== "TEXT").body.subject[0];
    console.log(`subject: ${subject}`);
    uids[subject] = letter.attributes.uid;
  }
  const [three] = await client.search([["SUBJECT", "three"]], { bodies: [], struct: true });
  const [part] = imaps.getParts(three.attributes.struct);
  console.log(`text: ${(await client.getPartData(three, part)).trim()}`);
  await client.addFlags(uids.two, "\\Flagged");
  await new Promise((resolve, reject) =>
    client.imap.copy(uids.two, "Kept", (fault) => (fault ? reject(fault) : resolve())));
  await client.deleteMessage(uids.one);
  console.log(`left: ${(await client.search(["ALL"], { bodies: [] })).length}`);
  client.end();
}

main().catch((fault) => { console.error(fault); process.exit(1); });
