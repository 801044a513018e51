import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { application, type Harness, IN_DEFAULT, startHarness, until } from './harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness({ limits: { bookmarkMs: 30, stallMs: 300 } });
});
afterAll(() => h.stop());

interface Event {
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: objects and Status alike.
  object: any;
}

/** A watch over one connection, as it comes. */
async function openWatch(query: string, kind = 'templates') {
  const events: Event[] = [];
  let sent: ClientRequest | undefined;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent = request({
      host: '127.0.0.1',
      port: h.server.port,
      ca: h.certificates.ca,
      agent: false,
      path: `${IN_DEFAULT}/${kind}?watch=1&${query}`,
      headers: { authorization: `Bearer ${h.tokenOf('admin')}` },
    });
    sent.once('response', resolve).once('error', reject).end();
  });
  let ended = false;
  response.on('error', () => undefined);
  response.once('end', () => {
    ended = true;
  });
  createInterface({ input: response })
    .on('error', () => undefined)
    .on('line', (line) => events.push(JSON.parse(line) as Event));
  const brief = () =>
    events
      .filter((e) => e.type !== 'BOOKMARK')
      .map((e) => `${e.type} ${e.object.metadata?.name ?? e.object.reason}`);
  return { response, events, brief, isEnded: () => ended, close: () => sent?.destroy() };
}

const template = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'slipway.dev/v1alpha1',
  kind: 'Template',
  metadata: { name, labels },
  spec: { workloads: {} },
});

describe('watch', () => {
  it('begins with what is there, then tells every change in order', async () => {
    const api = h.client('admin');
    await api.create(template('first'));
    const watch = await openWatch('');
    await api.patch('Template', 'first', { metadata: { labels: { a: 'b' } } });
    await api.create(template('second'));
    await api.delete('Template', 'first');
    const wanted = ['ADDED first', 'MODIFIED first', 'ADDED second', 'DELETED first'];
    await until('four events', () => watch.brief().length === 4);
    expect(watch.brief()).toEqual(wanted);
    watch.close();
    await api.delete('Template', 'second');
  });

  it('resumes after a version, without loss and without repetition', async () => {
    const api = h.client('admin');
    const { resourceVersion } = await api.list('Template');
    for (let i = 0; i < 5; i++) await api.create(template(`resume-${i}`));
    const first = await openWatch(`resourceVersion=${resourceVersion}`);
    await until('five events', () => first.brief().length === 5);
    const middle = first.events.filter((e) => e.type === 'ADDED')[2]?.object.metadata.resourceVersion;
    const second = await openWatch(`resourceVersion=${middle}`);
    await until('two events', () => second.brief().length === 2);
    expect(second.brief()).toEqual(['ADDED resume-3', 'ADDED resume-4']);
    first.close();
    second.close();
  });

  it('filters by label and by name', async () => {
    const api = h.client('admin');
    const { resourceVersion } = await api.list('Template');
    const labelled = await openWatch(`labelSelector=team%3Da&resourceVersion=${resourceVersion}`);
    const named = await openWatch(
      `fieldSelector=metadata.name%3Dfilter-2&resourceVersion=${resourceVersion}`,
    );
    await api.create(template('filter-1', { team: 'a' }));
    await api.create(template('filter-2', { team: 'b' }));
    await api.patch('Template', 'filter-1', { metadata: { labels: { team: 'b' } } });
    await until('events', () => labelled.brief().length === 2 && named.brief().length === 1);
    expect(labelled.brief()).toEqual(['ADDED filter-1', 'DELETED filter-1']);
    expect(named.brief()).toEqual(['ADDED filter-2']);
    labelled.close();
    named.close();
  });

  it('bookmarks a quiet watch, and one can resume from there', async () => {
    const api = h.client('admin');
    const { resourceVersion } = await api.list('Template');
    const watch = await openWatch(`allowWatchBookmarks=true&resourceVersion=${resourceVersion}`);
    await api.create(application('moves-the-version'));
    const now = (await api.list('Template')).resourceVersion;
    await until('a bookmark of now', () =>
      watch.events.some((e) => e.type === 'BOOKMARK' && e.object.metadata.resourceVersion === now),
    );
    expect(watch.events.at(-1)?.object).toEqual({
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'Template',
      metadata: { resourceVersion: now },
    });
    watch.close();
    const none = await openWatch(`resourceVersion=${resourceVersion}`);
    await api.create(template('after-none'));
    await until('an event', () => none.events.length > 0);
    expect(none.events.map((e) => e.type)).toEqual(['ADDED']);
    none.close();
  });

  it('answers 410 for a version that is no longer kept, or not given out yet', async () => {
    const api = h.client('admin');
    await api.create(template('before-compaction'));
    await h.store.compact((await api.list('Template')).resourceVersion);
    for (const version of ['1', '999999999']) {
      const answer = await h.raw({ path: `${IN_DEFAULT}/templates?watch=1&resourceVersion=${version}` });
      expect([version, answer.status, answer.json.reason]).toEqual([version, 410, 'Expired']);
    }
  });

  it.each(['abc', '-1', '1.5', '99999999999999999999'])('refuses the version %s', async (version) => {
    const answer = await h.raw({ path: `${IN_DEFAULT}/templates?watch=1&resourceVersion=${version}` });
    expect(answer.status).toBe(400);
  });

  it('ends after timeoutSeconds', async () => {
    const watch = await openWatch('timeoutSeconds=1');
    await until('the end', watch.isEnded);
    expect(watch.events.every((e) => e.type !== 'ERROR')).toBe(true);
  });

  it('cuts a reader that takes nothing, and keeps nothing for it', async () => {
    const api = h.client('admin');
    const { resourceVersion } = await api.list('Template');
    const big = 'x'.repeat(500_000);
    const slow = await new Promise<IncomingMessage>((resolve, reject) => {
      request({
        host: '127.0.0.1',
        port: h.server.port,
        ca: h.certificates.ca,
        agent: false,
        path: `${IN_DEFAULT}/templates?watch=1&resourceVersion=${resourceVersion}`,
        headers: { authorization: `Bearer ${h.tokenOf('admin')}` },
      })
        .once('response', resolve)
        .once('error', reject)
        .end();
    });
    slow.pause();
    let cut = false;
    slow.once('close', () => {
      cut = true;
    });
    slow.on('error', () => {
      cut = true;
    });
    await api.create(template('heavy'));
    for (let i = 0; i < 40; i++)
      await api.patch('Template', 'heavy', { metadata: { annotations: { big: `${i}${big}` } } });
    await until('the log says that it was cut', () =>
      h.logLines.some((line) => line.includes('a watch was cut')),
    );
    slow.resume();
    await until('the connection is closed', () => cut);
    await api.delete('Template', 'heavy');
  });
});

describe("the client's watch", () => {
  it('goes on over a 410 and tells what changed meanwhile', async () => {
    const other = await startHarness({ limits: { watchMs: 50 } });
    const api = other.client('admin');
    await api.create(template('stays'));
    await api.create(template('goes'));
    const seen: string[] = [];
    const ending = new AbortController();
    let held: (() => void) | undefined;
    const done = (async () => {
      for await (const event of api.watch('Template', { signal: ending.signal })) {
        seen.push(`${event.type} ${event.object.metadata.name}`);
        // While this reader is busy its place in the log is forgotten.
        if (seen.length === 2)
          await new Promise<void>((resolve) => {
            held = resolve;
          });
      }
    })();
    await until('both', () => held !== undefined);
    await api.delete('Template', 'goes');
    await api.patch('Template', 'stays', { metadata: { labels: { now: 'other' } } });
    await api.create(template('comes'));
    await other.store.compact((await api.list('Template')).resourceVersion);
    held?.();
    await until('the difference', () => seen.length === 5);
    expect(seen.slice(0, 2).sort()).toEqual(['ADDED goes', 'ADDED stays']);
    expect(seen.slice(2).sort()).toEqual(['ADDED comes', 'DELETED goes', 'MODIFIED stays']);
    ending.abort();
    await done;
    await other.stop();
  });

  it('goes on over a manager that stops and comes back', async () => {
    const first = await startHarness();
    const api = first.client('admin');
    const seen: string[] = [];
    const ending = new AbortController();
    const done = (async () => {
      for await (const event of api.watch('Template', { signal: ending.signal }))
        seen.push(event.object.metadata.name);
    })();
    await api.create(template('one'));
    await until('one', () => seen.includes('one'));
    const { port } = first.server;
    await first.server.stop();
    const again = await first.restart(port);
    await again.create(template('two'));
    await until('two', () => seen.includes('two'));
    expect(seen).toEqual(['one', 'two']);
    ending.abort();
    await done;
    await first.stop();
  });

  it('ends with an error that waiting cannot mend', async () => {
    const api = h.client('agent');
    const watch = async () => {
      for await (const _ of api.watch('Template', { signal: AbortSignal.timeout(5_000) }));
    };
    await expect(watch()).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('stop', () => {
  it('ends watches cleanly and finishes what runs', async () => {
    const other = await startHarness();
    const saved = h;
    h = other;
    const watch = await openWatch('');
    h = saved;
    await other.stop();
    await until('the end', watch.isEnded);
    expect(watch.response.complete).toBe(true);
  });
});
