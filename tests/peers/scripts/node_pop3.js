// node-pop3 does the job of test_pop3_with_scripts.py. Arguments: port, authority, user, password.
const fs = require("fs");
const Pop3Command = require("node-pop3").default ?? require("node-pop3");
const [port, authority, user, password] = process.argv.slice(2);

async function main() {
  const pop = new Pop3Command({
    user, password, host: "localhost", port: Number(port), tls: true, timeout: 60000,
    tlsOptions: { ca: fs.readFileSync(authority) },
  });
  const [count, size] = (await pop.STAT()).split(" ");
  console.log(`count: ${count}\nsize: ${size}`);
  const uids = await pop.UIDL();
  console.log(`uids: ${new Set(uids.map(([, uid]) => uid)).size}`);
  for (let number = 1; number <= Number(count); number += 1) {
    fs.writeFileSync(String(number), (await pop.RETR(number)).replace(/^\.\./gm, ".")); // it leaves dots doubled
  }
  console.log(`top: ${(await pop.TOP(2, 1)).split("Subject: letter 2").length - 1}`);
  await pop.command("DELE", 1);
  await pop.QUIT();
}

main().catch((fault) => { console.error(fault); process.exit(1); });
