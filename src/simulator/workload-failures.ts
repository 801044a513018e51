import { type Failure, recordFailure, type SlotHistory } from '../drivers/local/failures.ts';
import { problemOf } from '../drivers/local/problem.ts';
import type { InstanceEnd, SimulatedInstance } from './instance.ts';

/** What became of the instances of each place of one workload, and what is wrong with it in all. */
export class WorkloadFailures {
  readonly #slots = new Map<number, SlotHistory>();

  /** How often the instances of this place failed, one after the other. */
  of(ordinal: number): number {
    return this.#slots.get(ordinal)?.failures ?? 0;
  }

  /** Place → the time before which none is started there, ms since 1970. */
  get notBefore(): Map<number, number> {
    return new Map([...this.#slots].map(([ordinal, { notBefore }]) => [ordinal, notBefore]));
  }

  clear(): void {
    this.#slots.clear();
  }

  count(instance: SimulatedInstance, how: InstanceEnd, now: number): void {
    const seen = { now, readyForMs: instance.readyForMs };
    const history = recordFailure(this.#slots.get(instance.ordinal), failureOf(instance, how), seen);
    this.#slots.set(instance.ordinal, history);
  }

  problem(of: {
    readonly isJob: boolean;
    readonly replicas: number;
    readonly instances: readonly SimulatedInstance[];
    readonly startTimeoutMs: number;
    readonly leastBad: Parameters<typeof problemOf>[0]['leastBad'];
    readonly epochMs: number;
    readonly now: number;
  }): ReturnType<typeof problemOf> {
    const { isJob, replicas, instances, startTimeoutMs, leastBad, epochMs, now } = of;
    const taken = new Set(instances.map(({ ordinal }) => ordinal));
    const wanted = [...this.#slots].filter(([ordinal]) => ordinal < replicas || taken.has(ordinal));
    const failed = isJob
      ? instances.find(({ state, exitCode }) => state === 'exited' && exitCode !== 0)
      : undefined;
    return problemOf({
      job:
        failed === undefined
          ? null
          : {
              failure: failureOf(failed, { why: 'died', exitCode: failed.exitCode }),
              record: { startedAt: epochMs + failed.startedAtMs },
            },
      slots: new Map(wanted),
      instances: instances.map((instance) => instance.symptoms),
      startTimeoutMs,
      leastBad,
      now,
    });
  }
}

const failureOf = ({ id }: SimulatedInstance, { why, exitCode }: InstanceEnd): Failure => ({
  ...(why === 'startTimeout'
    ? { reason: 'startTimeout' as const, message: `${id} was not ready in time` }
    : { reason: 'crashLoop' as const, message: `${id} ended with code ${exitCode}` }),
  permanent: false,
  lines: null,
});
