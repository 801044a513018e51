import type { SimulatedCluster } from './cluster.ts';
import type { Platform } from './platform.ts';
import type { FaultEvent } from './scenario.ts';

/** Carries out one fault; says what it met, or null where there was nothing to break. */
export function strike(fault: FaultEvent, platform: Platform, cluster: SimulatedCluster): string | null {
  switch (fault.type) {
    case 'kill':
      if (platform.lifeOf(fault.role)?.alive !== true) return null;
      platform.kill(fault.role);
      return `kill -9 of the ${fault.role}`;
    case 'pause':
      if (platform.lifeOf(fault.role)?.alive !== true) return null;
      platform.pause(fault.role, fault.ms);
      return `the ${fault.role} stands still for ${fault.ms} ms`;
    case 'secondManager':
      platform.duplicateManager();
      return 'a second manager starts beside the first';
    case 'partition':
      platform.links.partition(fault.ms);
      return `manager and agent are cut off from each other for ${fault.ms} ms`;
    case 'clockJump':
      platform.clocks[fault.role].offsetMs += fault.ms;
      return `the clock of the ${fault.role} jumps by ${fault.ms} ms`;
    case 'clockRate':
      platform.clocks[fault.role].setRate(fault.rate);
      return `the clock of the ${fault.role} runs at ${fault.rate}`;
    case 'killInstance': {
      const instances = [...cluster.workloads.values()].flatMap((workload) =>
        workload.isJob ? [] : workload.staying,
      );
      const victim = instances[Math.floor(fault.pick * instances.length)];
      victim?.die(137);
      return victim === undefined ? null : `kill -9 of ${victim.id}`;
    }
    case 'killProven':
      cluster.killer.arm(fault.pick);
      return 'an instance will die when it has been read as proven';
    case 'killRouter':
      cluster.plane.kill(fault.ms);
      return `kill -9 of the router, back after ${fault.ms} ms`;
    case 'otherAgent':
      platform.addOtherAgent(fault.ms);
      return `an agent of another version dials for ${fault.ms} ms`;
    case 'foreignOrder':
      platform.sendForeignOrder(fault.what, fault.pick);
      return `an order that is ${fault.what} will follow one of ours`;
    case 'foreignEdit':
      return cluster.hand.edit(fault.what, fault.pick);
  }
}
