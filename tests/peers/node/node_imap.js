// node-imap does a mailbox's work. Arguments: port, authority, user, password; what it found is printed as JSON.
const fs = require("fs");
const Imap = require("imap");
const [port, authority, user, password] = process.argv.slice(2);

const client = new Imap({
  host: "localhost", port: Number(port), tls: true, user, password,
  tlsOptions: { ca: fs.readFileSync(authority), servername: "localhost" },
});
const ask = (name, ...given) =>
  new Promise((resolve, reject) =>
    client[name](...given, (fault, ...answers) => (fault ? reject(fault) : resolve(answers[0]))));
const letter = (subject) => `From: ${user}\r\nTo: ${user}\r\nSubject: ${subject}\r\n\r\nabout ${subject}\r\n`;

const read = (what) =>
  new Promise((resolve, reject) => {
    const found = [];
    const fetching = client.fetch(what, { bodies: ["HEADER.FIELDS (SUBJECT)", "TEXT"], struct: true });
    fetching.on("message", (message) => {
      const one = { text: {} };
      found.push(one);
      message.on("body", (stream, info) => {
        one.text[info.which] = "";
        stream.on("data", (piece) => (one.text[info.which] += piece.toString()));
      });
      message.once("attributes", (attributes) => Object.assign(one, { uid: attributes.uid, flags: attributes.flags }));
    });
    fetching.once("error", reject);
    fetching.once("end", () => resolve(found));
  });

async function main() {
  await ask("addBox", "Kept");
  for (const subject of ["one", "two", "three"]) await ask("append", letter(subject), { mailbox: "INBOX", flags: ["Seen"] });
  const box = await ask("openBox", "INBOX", false);
  const found = { total: box.messages.total, names: Object.keys(await ask("getBoxes")).sort() };
  found.letters = await read("1:*");
  const [two] = await ask("search", [["SUBJECT", "two"]]);
  await ask("addFlags", two, "\\Flagged");
  await ask("addKeywords", two, "Work");
  found.copied = await ask("copy", two, "Kept");
  await ask("move", two, "Archive");
  found.left = await ask("search", ["ALL"]);
  found.sorted = await ask("sort", ["-SUBJECT"], ["ALL"]);
  await ask("addFlags", found.left[0], "\\Deleted");
  await ask("expunge", found.left[0]);
  await ask("closeBox", false);
  found.archive = (await ask("status", "Archive")).messages.total;
  found.inbox = (await ask("status", "INBOX")).messages.total;
  console.log(JSON.stringify(found));
  client.end();
}

client.once("ready", () => main().catch((fault) => { console.error(fault); process.exit(1); }));
client.once("error", (fault) => { console.error(fault); process.exit(1); });
client.connect();
