import { describe, expect, it } from 'vitest';
import { autoClock } from '../../test/support/auto-clock.ts';
import { textFiles } from '../../test/support/text-files.ts';
import { tokenFile } from './token-file.ts';

const PATH = '/run/token';

function world(content?: string, fallback?: string) {
  const files = new Map(content === undefined ? [] : [[PATH, content]]);
  const { readFile, reads } = textFiles(files);
  const clock = autoClock();
  const source = tokenFile(PATH, { clock, readFile }, fallback);
  const token = async () => (await source.current()).token;
  return { files, reads, clock, source, token };
}

describe('a token in a file', () => {
  it('is read once for a minute', async () => {
    const { clock, reads, files, token } = world('one\n');
    expect(await token()).toBe('one');
    files.set(PATH, 'two\n');
    await clock.sleep(59_999);
    expect(await token()).toBe('one');
    expect(reads).toHaveLength(1);
  });

  it('is read again after a minute', async () => {
    const { clock, files, token } = world('one\n');
    await token();
    files.set(PATH, 'two\n');
    await clock.sleep(60_000);
    expect(await token()).toBe('two');
  });

  it('is read again after the server refused it', async () => {
    const { files, source, token, reads } = world('one\n');
    await token();
    files.set(PATH, 'two\n');
    source.refused();
    expect([await token(), await token()]).toEqual(['two', 'two']);
    expect(reads).toHaveLength(2);
  });

  it('may be refused before it was read', async () => {
    const { source, token } = world('one');
    source.refused();
    expect(await token()).toBe('one');
  });

  it.each<[string, string | undefined]>([
    ['away', undefined],
    ['empty', ' \n'],
  ])('stays what it was while the file is %s, and is looked for each time', async (_, content) => {
    const { clock, files, token } = world('one');
    await token();
    files.delete(PATH);
    if (content !== undefined) files.set(PATH, content);
    await clock.sleep(60_000);
    expect(await token()).toBe('one');
    files.set(PATH, 'two');
    expect(await token()).toBe('two');
  });

  it.each<[string, string | undefined, string]>([
    ['is away', undefined, "ENOENT: no such file or directory, open '/run/token'"],
    ['is empty', ' \n', 'it is empty'],
  ])('is refused where its first file %s, and read when it comes', async (_, content, why) => {
    const { files, token } = world(content);
    await expect(token()).rejects.toMatchObject({
      code: 'unauthorized',
      message: `the token in ${PATH} cannot be read: ${why}`,
    });
    files.set(PATH, 'one');
    expect(await token()).toBe('one');
  });

  it('counts before the one that stands in until the file is there', async () => {
    const { files, token } = world(undefined, 'zero');
    expect(await token()).toBe('zero');
    files.set(PATH, 'one');
    expect(await token()).toBe('one');
  });
});
