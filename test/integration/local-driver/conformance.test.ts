import { afterAll, beforeAll, describe, it } from 'vitest';
import {
  adapterConformance,
  adoptionConformance,
} from '../../../src/drivers/conformance/adapter-conformance.ts';
import { Bench } from '../../../src/drivers/conformance/base-conformance.ts';
import { LocalMachine } from './local-adapter.ts';

/** The simulator's cluster runs the same cases: src/simulator/cluster.test.ts. */
const numbered = adapterConformance.map((each, index) => ({ ...each, index }));

// Cases wait far more than they work, so that several at a time take less time and no machine more.
describe('the local driver', () => {
  let machine: LocalMachine;
  beforeAll(async () => {
    machine = await LocalMachine.start();
  });
  afterAll(() => machine.stop());

  it.concurrent.each(numbered)('$name', async ({ index, run }) => {
    const bench = new Bench(machine.adapter(`shop${index}`));
    await run(bench);
    // Nothing of it shall take the machine's time from those that come after.
    await bench.router.removeService(bench.service, bench.fence({ epoch: 100 }));
    for (const revision of ['r1', 'r2']) await bench.driver.removeWorkload(bench.key(revision));
  });
});

describe('the local driver that is started again', () => {
  it.concurrent.each(adoptionConformance)('$name', async ({ run }) => {
    const machine = await LocalMachine.start();
    try {
      await run(new Bench(machine.adapter('shop')));
    } finally {
      await machine.stop();
    }
  });
});
