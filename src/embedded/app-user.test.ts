import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeFor } from './app-node.ts';
import { appUserFor, firstBlocked, UNPRIVILEGED } from './app-user.ts';
import { dataDirectory, makeDirectories } from './data-directory.ts';

const isRoot = process.geteuid?.() === 0;
const OTHER = { uid: 61_841, gid: 61_841 };

let work = '';
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'slipway-user-'));
  chmodSync(work, 0o755);
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

describe('firstBlocked', () => {
  it('names the first directory that somebody else may not pass through', () => {
    mkdirSync(join(work, 'a/b/c'), { recursive: true });
    expect(firstBlocked(join(work, 'a/b/c'), OTHER)).toBeUndefined();
    chmodSync(join(work, 'a/b'), 0o700);
    expect(firstBlocked(join(work, 'a/b/c'), OTHER)).toBe(join(work, 'a/b'));
    chmodSync(join(work, 'a/b'), 0o711);
    expect(firstBlocked(join(work, 'a/b/c'), OTHER)).toBeUndefined();
  });

  it('takes what is not there yet for open', () => {
    expect(firstBlocked(join(work, 'later/deeper'), OTHER)).toBeUndefined();
  });
});

describe('appUserFor', () => {
  it('warns where applications could read the token', () => {
    const { user, warnings } = appUserFor({ wanted: 'self', root: work });
    expect(user).toBeNull();
    expect(warnings.join()).toContain('can read its token');
  });

  it.skipIf(!isRoot)('gives applications a user of their own where Slipway is root', () => {
    expect(appUserFor({ wanted: undefined, root: work })).toEqual({ user: UNPRIVILEGED, warnings: [] });
    expect(appUserFor({ wanted: '1234:99', root: work }).user).toEqual({ uid: 1234, gid: 99 });
    expect(appUserFor({ wanted: 'nobody', root: work }).user?.uid).toBeGreaterThan(0);
    expect(() => appUserFor({ wanted: 'no-such-user', root: work })).toThrow(
      'There is no user "no-such-user"',
    );
  });

  it.skipIf(!isRoot)('refuses a data directory that this user cannot get to', () => {
    mkdirSync(join(work, 'closed/data'), { recursive: true });
    chmodSync(join(work, 'closed'), 0o700);
    expect(() => appUserFor({ wanted: undefined, root: join(work, 'closed/data') })).toThrow(
      `may not pass through ${join(work, 'closed')}`,
    );
  });

  it.skipIf(isRoot)('refuses another user where Slipway is not root', () => {
    expect(() => appUserFor({ wanted: 'nobody', root: work })).toThrow('Only root');
  });
});

describe('nodeFor', () => {
  const place = (name: string, mode: number): string => {
    const directory = join(work, name);
    mkdirSync(directory);
    writeFileSync(join(directory, 'node'), '', { mode: 0o755 });
    chmodSync(directory, mode);
    return directory;
  };

  it('keeps the PATH and puts the Node that runs Slipway at its end', () => {
    const own = place('own', 0o755);
    const data = dataDirectory(join(work, 'data'));
    const path = ['/usr/bin', 'relative', '', '/bin'].join(delimiter);
    expect(nodeFor({ user: OTHER, path, data, execPath: join(own, 'node') })).toEqual({
      path: ['/usr/bin', '/bin', own].join(delimiter),
      warnings: [],
    });
  });

  it('leaves out a node behind a closed directory, and links one into the data directory', () => {
    const closed = place('closed', 0o700);
    const data = dataDirectory(join(work, 'data'));
    makeDirectories(data);
    const { path, warnings } = nodeFor({ user: OTHER, path: closed, data, execPath: join(closed, 'node') });
    expect(path).toBe(join(data.agent, 'bin'));
    expect(existsSync(join(data.agent, 'bin/node'))).toBe(true);
    expect(firstBlocked(join(data.agent, 'bin/node'), OTHER)).toBeUndefined();
    expect(warnings.join()).toContain(`may not reach the node in ${closed}`);
  });
});
