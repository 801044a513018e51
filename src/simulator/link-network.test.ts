import { describe, expect, it } from 'vitest';
import type { Link, LinkEvents } from '../execution/link.ts';
import { type LinkEnd, type LinksUnderTest, linkConformance } from '../execution/link-conformance.ts';
import { FaultTally } from './fault-tally.ts';
import { type LinkFaults, LinkNetwork } from './link-network.ts';
import { VirtualTime } from './virtual-time-conformance.ts';

const NO_FAULTS: LinkFaults = { reset: 0, halfOpen: 0, duplicate: 0, slow: 0, dialRefused: 0 };

/** Links of an agent to a manager that hears everything it is told. */
function simulatedLinks(time: VirtualTime, faults: LinkFaults): LinksUnderTest & { network: LinkNetwork } {
  const network = new LinkNetwork(time.timeline, time.random, faults, new FaultTally());
  const [agent, manager] = [time.life('agent'), time.life('manager')];
  return {
    network,
    open: async () => {
      let accepted: LinkEnd | undefined;
      const mine: string[] = [];
      const accept = (open: (events: LinkEvents) => Link) => {
        const heard: string[] = [];
        accepted = { link: open(listener(heard)), heard };
      };
      const caller = { life: agent, events: listener(mine) };
      const link = await network.dial(caller, { life: manager, accept }, new AbortController().signal);
      if (accepted === undefined) throw new Error('nobody took the link');
      return { agent: { link, heard: mine }, manager: accepted };
    },
    dialNobody: (signal) => network.dial({ life: agent, events: listener([]) }, undefined, signal),
    killManager: async () => manager.kill(),
    until: async (what, look) => {
      await time.until(what, () => look() || undefined);
    },
  };
}

const listener = (heard: string[]): LinkEvents => ({
  frame: (text) => heard.push(text),
  closed: (reason) => heard.push(`closed: ${reason}`),
});

describe('LinkNetwork', () => {
  it.each(linkConformance)('$name', async ({ name, run }) => {
    const time = new VirtualTime(name);
    await time.run(() => run(simulatedLinks(time, NO_FAULTS)));
  });

  it('keeps the order of frames, and of the end behind them, however slow some are', async () => {
    const time = new VirtualTime('slow');
    await time.run(async () => {
      const links = simulatedLinks(time, { ...NO_FAULTS, slow: 0.3 });
      const { agent, manager } = await links.open();
      const frames = Array.from({ length: 50 }, (_, n) => `${n}`);
      for (const frame of frames) void agent.link.send(frame);
      agent.link.close(4001, 'bye');
      await links.until('the end has come', () => manager.heard.includes('closed: bye'));
      expect(manager.heard).toEqual([...frames, 'closed: bye']);
    });
  });

  it('loses what is under way with a connection that breaks, and tells both ends once', async () => {
    const time = new VirtualTime('reset');
    await time.run(async () => {
      const links = simulatedLinks(time, NO_FAULTS);
      const { agent, manager } = await links.open();
      await agent.link.send('one');
      links.network.faults = { ...NO_FAULTS, reset: 1 };
      await agent.link.send('two');
      await links.until('both know', () => !agent.link.open && !manager.link.open);
      expect(agent.heard).toEqual(['closed: connection reset']);
      expect(manager.heard.filter((each) => each !== 'one')).toEqual(['closed: connection reset']);
    });
  });
});
