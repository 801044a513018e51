import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import { systemRandom } from '../lib/random.ts';
import { FetchedArtifacts, type FetchedArtifactsOptions } from './fetched-artifacts.ts';
import { packDirectory } from './pack-directory.ts';

const directories: string[] = [];
const newDirectory = () => {
  const made = mkdtempSync(join(tmpdir(), 'slipway-fetched-'));
  directories.push(made);
  return made;
};
afterEach(() => {
  for (const made of directories.splice(0)) rmSync(made, { recursive: true, force: true });
});
/** SHA-256 of "abc" (FIPS 180-4 example). */
const ABC = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const artifacts = (root: string, fetch: FetchedArtifactsOptions['fetch'], clock: Clock = systemClock()) =>
  new FetchedArtifacts({ root, fetch, clock, random: systemRandom() });

async function packed(content = 'a') {
  const source = newDirectory();
  mkdirSync(join(source, 'lib'));
  writeFileSync(join(source, 'lib/a.js'), content);
  const file = join(newDirectory(), 'a.tgz');
  const { digest } = await packDirectory(source, file);
  return { digest, bytes: readFileSync(file) };
}

describe('fetched artifacts', () => {
  test('are fetched and unpacked once, however many ask', async () => {
    const { digest, bytes } = await packed();
    const root = newDirectory();
    let asked = 0;
    const fetch = async () => {
      asked += 1;
      return Readable.from([bytes]);
    };
    const fetched = artifacts(root, fetch);
    const places = await Promise.all([fetched.get(digest), fetched.get(digest), fetched.get(digest)]);
    expect(new Set(places).size).toBe(1);
    expect(readFileSync(join(places[0] ?? '', 'lib/a.js'), 'utf8')).toBe('a');
    await artifacts(root, fetch).get(digest);
    expect(asked).toBe(1);
    expect(readdirSync(root)).toEqual([digest.slice(7)]);
  });

  test('whose bytes were flipped on the way are refused, leave nothing, and are fetched anew', async () => {
    const { digest, bytes } = await packed();
    const root = newDirectory();
    const flipped = Buffer.from(bytes);
    flipped[600] = (flipped[600] ?? 0) ^ 1;
    const answers = [flipped, bytes];
    const fetch = async () => Readable.from([answers.shift() ?? Buffer.alloc(0)]);
    const fetched = artifacts(root, fetch);
    await expect(fetched.get(digest)).rejects.toThrow(/has digest/);
    expect(readdirSync(root)).toEqual([]);
    expect(readFileSync(join(await fetched.get(digest), 'lib/a.js'), 'utf8')).toBe('a');
  });

  test('by a name that is no digest, or that nobody has, are refused', async () => {
    const fetch = async () => {
      throw new SlipwayError('notFound', 'nobody has it');
    };
    const fetched = artifacts(newDirectory(), fetch);
    await expect(fetched.get('sha256:../../x')).rejects.toMatchObject({ code: 'invalid' });
    await expect(fetched.get(ABC)).rejects.toMatchObject({ code: 'notFound' });
  });
});

describe('what nobody names any more', () => {
  const DELAY = 1_000;
  const at = (start: number) => {
    let time = start;
    const clock: Clock = { ...systemClock(), now: () => time, monotonic: () => time };
    return { clock, pass: (ms: number) => (time += ms) };
  };
  const nothing = () => new Set<string>();

  test('goes after the delay, and is fetched anew when it is asked for again', async () => {
    const { digest, bytes } = await packed();
    const { clock, pass } = at(1_000_000);
    const root = newDirectory();
    const fetched = artifacts(root, async () => Readable.from([bytes]), clock);
    const place = await fetched.get(digest);
    await fetched.collect(nothing, DELAY);
    expect(existsSync(place)).toBe(true);
    pass(DELAY);
    await fetched.collect(() => new Set([digest]), DELAY);
    pass(DELAY - 1);
    await fetched.collect(nothing, DELAY);
    expect(existsSync(place)).toBe(true);
    pass(1);
    await Promise.all([fetched.collect(nothing, DELAY), fetched.collect(nothing, DELAY)]);
    expect(readdirSync(root)).toEqual([]);
    expect(readFileSync(join(await fetched.get(digest), 'lib/a.js'), 'utf8')).toBe('a');
  });

  test('stays where it is named or asked for between the look and the removal', async () => {
    const { digest, bytes } = await packed();
    const { clock, pass } = at(1_000_000);
    const fetched = artifacts(newDirectory(), async () => Readable.from([bytes]), clock);
    const place = await fetched.get(digest);
    pass(DELAY);
    let looks = 0;
    const namedLater = () => {
      looks += 1;
      return new Set(looks > 1 ? [digest] : []);
    };
    await fetched.collect(namedLater, DELAY);
    expect(existsSync(place)).toBe(true);
    const collecting = fetched.collect(nothing, DELAY);
    const asked = fetched.get(digest);
    await collecting;
    expect(existsSync(join(await asked, 'lib/a.js'))).toBe(true);
  });

  test('leaves no halves of what was cut short by a crash', async () => {
    const { clock, pass } = at(Date.now());
    const root = newDirectory();
    for (const half of ['.gone-abc', '.incoming-abc', '.young']) mkdirSync(join(root, half));
    for (const half of ['.gone-abc', '.incoming-abc']) utimesSync(join(root, half), 1, 1);
    const fetched = artifacts(root, async () => Readable.from([]), clock);
    await fetched.collect(nothing, DELAY);
    expect(readdirSync(root)).toHaveLength(3);
    pass(DELAY - 1);
    const later = artifacts(root, async () => Readable.from([]), { ...clock, monotonic: () => 0 });
    await later.collect(nothing, 0);
    expect(readdirSync(root).filter((name) => name !== '.young')).toEqual([]);
  });

  test('is never one in use, whatever is asked, named, collected and restarted in which order', async () => {
    const made = await Promise.all(['a', 'b', 'c'].map((content) => packed(content)));
    const contents = new Map(made.map(({ digest, bytes }) => [digest, bytes]));
    const digests = made.map(({ digest }) => digest);
    const which = fc.nat({ max: digests.length - 1 });
    const step = fc.oneof(
      fc.record({ act: fc.constantFrom('get', 'name', 'unname'), which, ms: fc.constant(0) }),
      fc.record({ act: fc.constant('pass'), which, ms: fc.nat({ max: 2 * DELAY }) }),
      fc.record({ act: fc.constantFrom('collect', 'restart'), which, ms: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { clock, pass } = at(1_000_000);
        const root = newDirectory();
        const fetch = async (digest: string) => Readable.from([contents.get(digest) ?? Buffer.alloc(0)]);
        let fetched = artifacts(root, fetch, clock);
        const named = new Set<string>();
        let collecting: Promise<void> = Promise.resolve();
        for (const one of steps) {
          if (one.act === 'pass') pass(one.ms);
          else if (one.act === 'collect') collecting = fetched.collect(() => named, DELAY);
          else if (one.act === 'restart') {
            await collecting;
            fetched = artifacts(root, fetch, clock);
          } else {
            const digest = digests[one.which] ?? '';
            if (one.act === 'unname') named.delete(digest);
            if (one.act === 'name') named.add(digest);
            if (one.act !== 'unname') await fetched.get(digest);
          }
          for (const digest of named) {
            const file = join(root, digest.slice(7), 'lib/a.js');
            if (!existsSync(file)) throw new Error(`${digest} is named and gone`);
          }
        }
        await collecting;
      }),
      { numRuns: 60 },
    );
  });
});
