import { describe, expect, it } from 'vitest';
import { filesConformance } from '../lib/files-conformance.ts';
import { SimulatedDisk } from './disk.ts';
import { FaultTally } from './fault-tally.ts';
import { VirtualTime } from './virtual-time-conformance.ts';

const HEALTHY = { full: 0, sync: 0 };

describe('SimulatedDisk', () => {
  it.each(filesConformance)('$name', async ({ name, run }) => {
    const time = new VirtualTime(name);
    const disk = new SimulatedDisk(time.random, HEALTHY, new FaultTally());
    let lives = 0;
    const again = () => disk.files(time.life(`process-${lives++}`));
    await time.run(async () => {
      const files = again();
      await files.makeDirectory('/data');
      await run({ files, root: '/data', again });
    });
  });

  it('leaves of an append that its process died in any beginning, and never more', async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 40; seed += 1) {
      const time = new VirtualTime(`torn ${seed}`);
      const disk = new SimulatedDisk(time.random, HEALTHY, new FaultTally());
      await time.run(async () => {
        const life = time.life('agent');
        const files = disk.files(life);
        await files.makeDirectory('/data');
        await files.append('/data/journal', 'one\n');
        // Two at a time: the second has not begun, so nothing of it may be there.
        void files.append('/data/journal', 'two\n');
        void files.append('/data/journal', 'three\n');
        await time.timeline.wait(0.1);
        life.kill();
      });
      left.add(disk.content.get('/data/journal')?.toString() ?? '');
    }
    expect([...left].toSorted()).toEqual(['one\n', 'one\nt', 'one\ntw', 'one\ntwo', 'one\ntwo\n']);
  });
});
