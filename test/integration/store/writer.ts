/**
 * A process that writes until it is killed, and says each write that was acknowledged:
 * `ack WRITER N VERSION`. Arguments: FILE PREFIX WRITERS [LIMIT] [--no-sync]. Refused writes are said as
 * `refused N CODE MESSAGE`, and each is tried again under the next number after 50 ms.
 */
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { systemClock } from '../../../src/lib/clock.ts';
import { isSlipwayError } from '../../../src/lib/errors.ts';
import { systemRandom } from '../../../src/lib/random.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { objectOf, perform } from './model.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'no-sync': { type: 'boolean', default: false }, fresh: { type: 'boolean', default: false } },
});
const [file = '', prefix = 'w', writers = '1', limit = 'Infinity'] = positionals;
const clock = systemClock();
const store = await openSqliteStore({
  file,
  clock,
  random: systemRandom(),
  programVersion: '0.1.0',
  unsafeNoSync: values['no-sync'],
});

/** Synchronous, so that it is out before anything else is written. */
const say = (line: string) => writeSync(1, `${line}\n`);

async function write(writer: string): Promise<void> {
  for (let n = 1; n <= Number(limit); n++) say(`ack ${writer} ${n} ${await perform(store, writer, n)}`);
}

/** A new object for each write, so that an unknown outcome of one says nothing about the next. */
async function writeFresh(writer: string): Promise<void> {
  for (let n = 1; n <= Number(limit); n++) {
    try {
      const object = objectOf({ name: `${writer}-${n}`, spec: { n, pad: 'x'.repeat(2_000) } });
      say(`ack ${writer} ${n} ${(await store.create(object)).metadata.resourceVersion}`);
    } catch (error) {
      const code = isSlipwayError(error) ? error.code : 'unknown';
      say(`refused ${n} ${code} ${error instanceof Error ? error.message : String(error)}`);
      const read = await store.list('Application', { namespace: 'crash', limit: 1 }).catch(() => undefined);
      say(`read ${read === undefined ? 'refused' : read.items.length}`);
      await clock.sleep(50);
    }
  }
}

say('open');
const each = values.fresh ? writeFresh : write;
await Promise.all(Array.from({ length: Number(writers) }, (_, i) => each(`${prefix}${i}`)));
say('end');
process.kill(process.pid, 'SIGKILL');
