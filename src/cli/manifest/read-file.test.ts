import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readText } from './read-file.ts';

const MOST = 200_000;
let directory: string;
const at = (name: string) => join(directory, name);
const server = createServer();
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-read-'));
  writeFileSync(at('file'), 'kind: Application\n');
  writeFileSync(at('large'), 'x'.repeat(MOST + 1));
  execFileSync('mkfifo', ['pipe', 'flood'].map(at));
  await new Promise<void>((done) => server.listen(at('socket'), done));
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('readText', () => {
  it('reads a file', async () => expect(await readText(at('file'), MOST)).toBe('kind: Application\n'));

  it('waits for whoever writes into a pipe, holding up nobody, and reads to its end', async () => {
    const reading = readText(at('pipe'), MOST);
    const writer = spawn('sh', ['-c', `{ echo a; echo b; } > ${at('pipe')}`]);
    // It may be gone before everything has been read.
    const closed = new Promise((done) => writer.once('close', done));
    expect(await reading).toBe('a\nb\n');
    await closed;
  });

  const refused: [what: string, path: () => string, says: RegExp][] = [
    ['too large a file', () => at('large'), /has 200001 bytes; application files have at most 200000/],
    ['a device that never ends', () => '/dev/zero', /\/dev\/zero is a device and no file/],
    ['a socket', () => at('socket'), /is a socket and no file/],
  ];
  it.each(refused)('refuses %s', (_, path, says) => expect(readText(path(), MOST)).rejects.toThrow(says));

  it('refuses a pipe that gives too much, and does not read on', async () => {
    const writer = spawn('sh', ['-c', `exec yes > ${at('flood')}`]);
    const ended = new Promise((done) => writer.once('exit', (_, signal) => done(signal)));
    await expect(readText(at('flood'), MOST)).rejects.toThrow(/gives more than 200000 bytes/);
    expect(await ended).toBe('SIGPIPE');
  });
});
