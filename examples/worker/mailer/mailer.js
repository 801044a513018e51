// Works the spool off, one order at a time. On SIGTERM it finishes the order in its hands, takes no other and
// ends: nothing is done half, and nothing is lost, because an order leaves the spool when its mail is sent.

const { mkdirSync } = require('node:fs');
const { readdir, readFile, rename, rm, stat, utimes } = require('node:fs/promises');
const { join } = require('node:path');

const spool = process.env.SPOOL ?? '/tmp/slipway-example-orders';
const mailMs = Number(process.env.MAIL_MS ?? 200);
const IDLE_MS = 100;
// A claim this old belongs to a mailer that was killed.
const CLAIM_LOST_MS = Number(process.env.CLAIM_LOST_MS ?? 60_000);
let stopping = false;
let wake = () => undefined;

async function main() {
  mkdirSync(spool, { recursive: true });
  console.log('mailer works');
  while (!stopping) {
    const order = await claim();
    if (order === undefined) await pause(IDLE_MS);
    else await send(order);
  }
  console.log('mailer stopped');
}

/** The next order, renamed so that no other mailer has it; undefined when there is none. */
async function claim() {
  for (const name of (await readdir(spool)).sort()) {
    const path = join(spool, name);
    if (name.endsWith('.claimed')) await giveBackIfLost(path);
    if (!name.endsWith('.order')) continue;
    const id = name.slice(0, -'.order'.length);
    const claimed = join(spool, `${id}.claimed`);
    const now = new Date();
    if (!(await succeeds(utimes(path, now, now)))) continue;
    if (await succeeds(rename(path, claimed))) return { id, claimed };
  }
  return undefined;
}

async function send({ id, claimed }) {
  const text = await readFile(claimed, 'utf8');
  await new Promise((resolve) => setTimeout(resolve, mailMs));
  await rm(claimed);
  console.log(`mailed ${id}: ${text.slice(0, 60)}`);
}

async function giveBackIfLost(claimed) {
  const found = await stat(claimed).catch(ignoreMissing);
  if (found === undefined || Date.now() - found.mtimeMs < CLAIM_LOST_MS) return;
  await succeeds(rename(claimed, claimed.replace(/\.claimed$/, '.order')));
}

/** False when the file was gone, because another mailer was faster. */
async function succeeds(change) {
  return (await change.then(() => true).catch(ignoreMissing)) === true;
}

function ignoreMissing(error) {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}

function pause(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

process.on('SIGTERM', () => {
  stopping = true;
  wake();
});

main().catch((error) => {
  console.error(`mailer failed: ${error.message}`);
  process.exitCode = 1;
});
