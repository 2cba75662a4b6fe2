// yapople does the job of test_pop3_with_scripts.py. Arguments: port, authority, user, password.
const fs = require("fs");
const { Client } = require("yapople");
const [port, authority, username, password] = process.argv.slice(2);

async function main() {
  const pop = new Client({
    username, password, host: "localhost", port: Number(port), tls: true,
    tlsOptions: { ca: fs.readFileSync(authority) }, options: { ca: fs.readFileSync(authority) },
  });
  await pop.connect();
  const { count, length } = await pop.stat();
  console.log(`count: ${count}\nsize: ${length}`);
  console.log(`list: ${Object.keys(await pop.list()).length}`);
  const letters = await pop.retrieve([1, 2, 3]);
  for (const number of [1, 2, 3]) {
    const text = Buffer.from(letters[number]).toString("latin1").replace(/^\.\./gm, "."); // it leaves dots doubled
    fs.writeFileSync(String(number), text, "latin1");
  }
  console.log(`top: ${String(await pop.top(2, 1)).split("Subject: letter 2").length - 1}`);
  await pop.delete(1);
  await pop.quit();
}

main().catch((fault) => { console.error(fault); process.exit(1); });
