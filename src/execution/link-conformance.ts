import assert from 'node:assert/strict';
import { CLOSE, type Link, MAX_FRAME_BYTES } from './link.ts';

/** One end of an open link, and what it was told. */
export interface LinkEnd {
  readonly link: Link;
  /** Frames as they are, and the end of the link as `closed: REASON`. */
  readonly heard: string[];
}

export interface LinksUnderTest {
  /** A link from an agent to a manager that takes it. */
  open(): Promise<{ readonly agent: LinkEnd; readonly manager: LinkEnd }>;
  /** Dials where nobody listens. */
  dialNobody(signal: AbortSignal): Promise<unknown>;
  /** kill -9 of the process that accepts links: its kernel closes what it had. */
  killManager(): Promise<void>;
  until(what: string, look: () => boolean): Promise<void>;
}

/** One promise of Link. It fails by throwing; the runner makes what it stands on. */
export interface LinkCase {
  readonly name: string;
  run(links: LinksUnderTest): Promise<void>;
}

const closed = ({ heard }: LinkEnd) => heard.filter((each) => each.startsWith('closed'));
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);

/** Every promise of a link between agent and manager. */
export const linkConformance: readonly LinkCase[] = [
  {
    name: 'frames arrive unchanged, in order, in both directions',
    async run(links) {
      const { agent, manager } = await links.open();
      assert.ok(agent.link.open && manager.link.open);
      const frames = ['{"type":"x"}', 'žluťoučký 🐎', ' \n', ...numbered(200)];
      const sent = frames.flatMap((frame) => [agent.link.send(frame), manager.link.send(`re ${frame}`)]);
      assert.ok((await Promise.all(sent)).every((handed) => handed));
      await links.until(
        'all have arrived',
        () => agent.heard.length + manager.heard.length === 2 * frames.length,
      );
      assert.deepEqual(manager.heard, frames);
      assert.deepEqual(
        agent.heard,
        frames.map((frame) => `re ${frame}`),
      );
    },
  },
  {
    name: 'what was sent before a close arrives before it; both ends are told once, with the reason',
    async run(links) {
      const { agent, manager } = await links.open();
      const frames = numbered(50);
      for (const frame of frames) void agent.link.send(frame);
      agent.link.close(CLOSE.stopping, 'the agent stops');
      assert.deepEqual(agent.heard, ['closed: the agent stops']);
      await links.until('the other end is told', () => closed(manager).length > 0);
      assert.deepEqual(manager.heard, [...frames, 'closed: the agent stops']);
      assert.ok(!agent.link.open && !manager.link.open);
    },
  },
  {
    name: 'a link that was closed takes nothing more, from either end',
    async run(links) {
      const { agent, manager } = await links.open();
      manager.link.close(CLOSE.replaced, 'another took its place');
      assert.equal(manager.link.open, false);
      assert.equal(await manager.link.send('late'), false);
      await links.until('the other end is told', () => closed(agent).length > 0);
      assert.equal(await agent.link.send('late'), false);
      assert.deepEqual(
        [agent.heard, manager.heard],
        [['closed: another took its place'], ['closed: another took its place']],
      );
    },
  },
  {
    name: 'a link that is closed twice, or from both ends, has ended once',
    async run(links) {
      const { agent, manager } = await links.open();
      agent.link.close(CLOSE.stopping, 'one');
      agent.link.close(CLOSE.silent, 'two');
      manager.link.close(CLOSE.stopping, 'three');
      const other = await links.open();
      await other.agent.link.send('later');
      await links.until('the next link works', () => other.manager.heard.length > 0);
      assert.deepEqual([agent.heard, manager.heard], [['closed: one'], ['closed: three']]);
    },
  },
  {
    name: 'a closed link delivers nothing more, whatever was under way',
    async run(links) {
      const { agent, manager } = await links.open();
      manager.link.pause();
      for (const frame of numbered(20)) await agent.link.send(frame);
      const other = await links.open();
      await other.agent.link.send('a frame behind those');
      await links.until('it has arrived', () => other.manager.heard.length > 0);
      manager.link.close(CLOSE.replaced, 'another took its place');
      manager.link.resume();
      await other.agent.link.send('another');
      await links.until('time has passed', () => other.manager.heard.length > 1);
      assert.deepEqual(manager.heard, ['closed: another took its place']);
    },
  },
  {
    name: 'a paused link delivers nothing until it is resumed, then everything in order',
    async run(links) {
      const { agent, manager } = await links.open();
      const frames = numbered(100);
      for (const frame of frames.slice(0, 50)) await agent.link.send(frame);
      await links.until('some have arrived', () => manager.heard.length > 0);
      manager.link.pause();
      const before = [...manager.heard];
      for (const frame of frames.slice(50)) await agent.link.send(frame);
      const other = await links.open();
      await other.agent.link.send('a frame behind those');
      await links.until('it has arrived', () => other.manager.heard.length > 0);
      assert.deepEqual(manager.heard, before);
      manager.link.resume();
      await links.until('all have arrived', () => manager.heard.length >= frames.length);
      assert.deepEqual(manager.heard, frames);
    },
  },
  {
    name: 'pausing within a frame holds the next one',
    async run(links) {
      const { agent, manager } = await links.open();
      const { heard } = manager;
      const push = heard.push.bind(heard);
      let paused = false;
      const tooEarly: string[] = [];
      heard.push = (...frames: string[]) => {
        if (paused) tooEarly.push(...frames);
        paused = true;
        manager.link.pause();
        return push(...frames);
      };
      const frames = numbered(30);
      for (const frame of frames) void agent.link.send(frame);
      await links.until('one after the other', () => {
        if (paused) {
          paused = false;
          manager.link.resume();
        }
        return heard.length >= frames.length;
      });
      assert.deepEqual([...heard], frames);
      assert.deepEqual(tooEarly, [], 'delivered to a paused reader');
    },
  },
  {
    name: 'a close waits behind the frames that a paused end has not read',
    async run(links) {
      const { agent, manager } = await links.open();
      manager.link.pause();
      await agent.link.send('first');
      agent.link.close(CLOSE.stopping, 'bye');
      const other = await links.open();
      await other.agent.link.send('a frame behind those');
      await links.until('it has arrived', () => other.manager.heard.length > 0);
      assert.deepEqual(manager.heard, []);
      manager.link.resume();
      await links.until('all is read', () => closed(manager).length > 0);
      assert.deepEqual(manager.heard, ['first', 'closed: bye']);
    },
  },
  {
    name: 'a peer that is killed is noticed, once',
    async run(links) {
      const { agent } = await links.open();
      await links.killManager();
      await links.until('it is noticed', () => agent.heard.length > 0);
      assert.equal(closed(agent).length, 1);
      assert.equal(agent.link.open, false);
      assert.equal(await agent.link.send('late'), false);
      assert.equal(agent.heard.length, 1);
      await assert.rejects(links.open(), 'nobody takes a link there any more');
    },
  },
  {
    name: 'the largest frame arrives, a larger one ends the link',
    async run(links) {
      const { agent, manager } = await links.open();
      await agent.link.send('x'.repeat(MAX_FRAME_BYTES));
      await links.until('it has arrived', () => manager.heard.length > 0);
      assert.equal(manager.heard[0]?.length, MAX_FRAME_BYTES);
      await agent.link.send('x'.repeat(MAX_FRAME_BYTES + 1));
      await links.until('both ends are told', () => closed(agent).length + closed(manager).length === 2);
      assert.equal(manager.heard.length, 2);
    },
  },
  {
    name: 'a dial that nobody takes fails, and one that was called off too',
    async run(links) {
      await assert.rejects(links.dialNobody(new AbortController().signal));
      await assert.rejects(links.dialNobody(AbortSignal.abort(new Error('called off'))));
    },
  },
];
