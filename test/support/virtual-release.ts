import type { ExecutionStatus, GateRunStatus, InstructionStatus } from '../../src/api/execution.ts';
import type { Plan } from '../../src/api/plan.ts';
import type { ReleaseSpec, ReleaseStatus, TrafficTotals, Verb } from '../../src/api/release.ts';
import type { Strategy } from '../../src/api/strategy.ts';
import { ReleasePolicy } from '../../src/api/strategy.ts';
import { planWorkloads } from '../../src/engine/application/plan-workloads.ts';
import { resolveApplication } from '../../src/engine/application/resolve.ts';
import { planRelease } from '../../src/engine/plan/plan-release.ts';
import { decide } from '../../src/engine/release/decide.ts';
import type {
  CommandInput,
  CommandReply,
  ReleaseDecision,
  ReleaseEffect,
} from '../../src/engine/release/input.ts';
import { hasEnded, initialStatus } from '../../src/engine/release/state.ts';

type ExecutionEffect = Extract<ReleaseEffect, { type: 'createExecution' }>;

/**
 * A release driven in virtual time by tests: effects make objects in maps, a script says how executions end.
 * No clock, no store, no agent; only `decide` is real.
 */
export class VirtualRelease {
  readonly spec: ReleaseSpec;
  status: ReleaseStatus;
  now = Date.parse('2026-11-20T12:00:00.000Z');
  readonly executions: Record<string, ExecutionStatus> = {};
  readonly orders: ExecutionEffect[] = [];
  readonly gateRuns: Record<string, GateRunStatus> = {};
  readonly replies: CommandReply[] = [];
  readonly phases: string[] = [];
  supersededBy: string | null = null;
  connected: readonly string[] = ['local'];
  /** How an order ends; `undefined` leaves it running. */
  answer: (order: ExecutionEffect) => 'Succeeded' | 'Failed' | undefined = () => 'Succeeded';
  /** Verdict of a gate that the agent asks. */
  verdict: (gate: string) => GateRunStatus['verdict'] = () => 'pass';
  private commands: CommandInput[] = [];
  private uid = 0;

  constructor(
    options: {
      strategy?: Strategy;
      application?: Record<string, unknown>;
      from?: boolean;
      warm?: boolean;
      approval?: boolean;
    } = {},
  ) {
    this.spec = virtualSpec(options);
    this.status = initialStatus(this.spec, new Date(this.now).toISOString());
  }

  decide(): ReleaseDecision {
    const decision = decide({
      name: 'shop-local-r2',
      spec: this.spec,
      status: this.status,
      supersededBy: this.supersededBy,
      executions: this.executions,
      gateRuns: this.gateRuns,
      commands: this.commands,
      connected: this.connected,
      now: this.now,
    });
    this.commands = [];
    this.status = decision.status;
    this.replies.push(...decision.replies);
    if (this.phases.at(-1) !== this.status.phase) this.phases.push(this.status.phase);
    for (const effect of decision.effects) this.carryOut(effect);
    return decision;
  }

  /** Decides until nothing changes any more. */
  settle(): this {
    for (let round = 0; round < 200; round += 1) {
      const before = JSON.stringify([this.status, this.executions, this.gateRuns]);
      this.decide();
      this.finishOrders();
      if (JSON.stringify([this.status, this.executions, this.gateRuns]) === before) return this;
    }
    throw new Error('does not settle');
  }

  command(
    verb: Verb,
    parameters: Record<string, unknown> = {},
    why: string | null = null,
    roles: readonly string[] = ['releaser'],
  ): CommandReply | undefined {
    this.uid += 1;
    const uid = `command-${this.uid}`;
    this.commands.push({
      uid,
      verb,
      by: 'dana',
      roles,
      at: new Date(this.now).toISOString(),
      why,
      parameters,
    });
    this.decide();
    return this.replies.find((reply) => reply.uid === uid);
  }

  later(ms: number): this {
    this.now += ms;
    return this;
  }

  traffic(totals: TrafficTotals): void {
    const newest = this.orders.at(-1);
    const execution = newest === undefined ? undefined : this.executions[newest.name];
    if (execution === undefined) throw new Error('no execution yet');
    execution.traffic = totals;
  }

  get ended(): boolean {
    return hasEnded(this.status.phase);
  }

  private carryOut(effect: ReleaseEffect): void {
    if (effect.type === 'createExecution') {
      if (this.executions[effect.name] !== undefined) return;
      this.orders.push(effect);
      this.executions[effect.name] = running(effect);
    } else if (effect.type === 'createGateRun') {
      this.gateRuns[effect.name] ??= {
        state: 'pending',
        verdict: null,
        message: '',
        startedAt: null,
        endedAt: null,
        samples: [],
        by: null,
        why: null,
      };
    } else {
      const run = this.gateRuns[effect.name];
      if (run !== undefined)
        Object.assign(run, {
          state: 'done',
          verdict: effect.verdict,
          message: effect.message,
          by: effect.by,
          why: effect.why,
        });
    }
  }

  private finishOrders(): void {
    for (const order of this.orders) {
      const execution = this.executions[order.name];
      if (execution === undefined || execution.phase !== 'Running') continue;
      const ends = this.answer(order);
      if (ends === undefined) continue;
      for (const instruction of order.instructions) {
        if (instruction.type !== 'runGate') continue;
        const run = this.gateRuns[instruction.gateRun];
        if (run !== undefined)
          Object.assign(run, {
            state: 'done',
            verdict: this.verdict(instruction.gate.name),
            message: 'asked',
          });
      }
      execution.phase = ends;
      if (ends === 'Failed')
        execution.failure = {
          reason: 'startTimeout',
          message: '2 of 6 ready',
          affects: 'users are not affected',
          next: 'slipway retry',
          instruction: null,
        };
      for (const each of execution.instructions) each.state = ends === 'Succeeded' ? 'done' : 'failed';
    }
  }
}

const running = (order: ExecutionEffect): ExecutionStatus => ({
  phase: 'Running',
  instructions: order.instructions.map(
    (instruction): InstructionStatus => ({
      id: instruction.id,
      state: 'running',
      startedAt: null,
      endedAt: null,
      message: '',
      evidence: instruction.type === 'setTraffic' ? { flipMs: 0.3, at: '2026-11-20T12:00:00.000Z' } : {},
    }),
  ),
  failure: null,
  traffic: null,
  acceptedAt: null,
  endedAt: null,
});

/** Plan and spec of `shop` with six instances, r1 → r2. */
export function virtualSpec(options: {
  strategy?: Strategy;
  application?: Record<string, unknown>;
  from?: boolean;
  warm?: boolean;
  approval?: boolean;
}): ReleaseSpec {
  const written = {
    workload: { command: ['server'], port: {}, replicas: 6, readiness: { http: { path: '/' } } },
    routes: [{ host: 'shop.localhost' }],
    ...(options.strategy === undefined ? {} : { strategy: options.strategy }),
    ...options.application,
  };
  const resolved = resolveApplication(written, { name: 'shop', environment: 'local' });
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.error));
  const application = resolved.value;
  const hasFrom = options.from ?? true;
  const workloads = planWorkloads(
    application,
    hasFrom ? Object.entries(application.workloads).map(([name, { type }]) => ({ name, type })) : null,
  );
  const planned = planRelease({
    strategy: application.strategy,
    liveStrategy: null,
    from: hasFrom ? { name: 'shop-local-r1', digest: 'one' } : null,
    to: { name: 'shop-local-r2', digest: 'two' },
    toIsWarm: options.warm ?? false,
    workloads,
    gates: application.gates,
    routes: application.routes,
    policy: application.policy,
    clusters: ['local'],
    approval: options.approval ? { by: 'releaser', expires: '24h' } : null,
    maxInstances: null,
    keptWarm: [],
  });
  if (!planned.ok) throw new Error(JSON.stringify(planned.error));
  const plan: Plan = planned.value;
  return {
    application: 'shop',
    environment: 'local',
    from: hasFrom ? 'shop-local-r1' : null,
    to: 'shop-local-r2',
    reason: 'release',
    strategy: application.strategy,
    plan,
    policy: ReleasePolicy.parse(application.policy),
    gates: [...application.gates],
    routes: [...application.routes],
    clusters: ['local'],
    replicas: { shop: 6 },
    workloads: workloads.map((w) => ({ ...w })),
    toWasWarm: options.warm ?? false,
    inPlace: 'in place',
    digests: { from: hasFrom ? 'one' : null, to: 'two' },
    requestedBy: 'dana',
    why: null,
    slipwayVersion: '0.1.0',
  };
}
