import { durationMs } from '../api/duration.ts';
import type { Execution, GateRun, Receipt } from '../api/execution.ts';
import { API_VERSION, type Stored } from '../api/meta.ts';
import type { Release } from '../api/release.ts';
import { buildReceipt } from '../engine/receipt/build-receipt.ts';
import type { ReleaseEffect } from '../engine/release/input.ts';
import { instant } from '../lib/clock.ts';
import { type ControllerContext, LABELS, labelValue } from './context.ts';
import { createOnce, makeExecution } from './make-execution.ts';

/** Carries out one effect of a release's decision; each is safe to repeat. */
export async function carryOut(
  context: ControllerContext,
  release: Stored<Release>,
  namespace: string,
  effect: ReleaseEffect,
): Promise<void> {
  const { store } = context;
  const { spec, metadata } = release;
  if (effect.type === 'createExecution') {
    const allowances = (pick: 'surge' | 'unavailable') =>
      Object.fromEntries(spec.workloads.map((w) => [w.name, w[pick]]));
    await makeExecution(
      store,
      { namespace, name: effect.name },
      {
        release: metadata.name,
        subject: `release/${namespace}/${metadata.name}`,
        purpose: 'stage',
        application: spec.application,
        environment: spec.environment,
        cluster: effect.cluster,
        epoch: effect.epoch,
        sequence: effect.sequence,
        slipwayVersion: spec.slipwayVersion,
        stage: effect.stage,
        instructions: [...effect.instructions],
        from: spec.from,
        to: spec.to,
        replicas: spec.replicas,
        replicasFrom: Object.fromEntries(spec.workloads.map((w) => [w.name, w.replicasFrom])),
        maxSurge: allowances('surge'),
        maxUnavailable: allowances('unavailable'),
        routes: [...effect.routes],
        deadlineMs: durationMs(spec.policy.progressDeadline),
      },
    );
  } else if (effect.type === 'createGateRun') {
    const gateRun: GateRun = {
      apiVersion: API_VERSION,
      kind: 'GateRun',
      metadata: {
        name: effect.name,
        namespace,
        labels: {
          [LABELS.release]: labelValue(metadata.name),
          [LABELS.application]: spec.application,
          [LABELS.environment]: spec.environment,
        },
      },
      spec: {
        release: metadata.name,
        stage: effect.stage,
        when: effect.when,
        gate: effect.gate,
        epoch: effect.epoch,
      },
      status: {
        state: 'pending',
        verdict: null,
        message: '',
        startedAt: instant(context.clock.now()),
        endedAt: null,
        samples: [],
        by: null,
        why: null,
      },
    };
    await createOnce(store, gateRun);
  } else {
    const stored = await store.get<GateRun>({ kind: 'GateRun', namespace, name: effect.name });
    if (stored?.status === undefined || stored.status.state === 'done') return;
    const { verdict, message, by, why } = effect;
    await store.updateStatus<GateRun>({
      ...stored,
      status: {
        ...stored.status,
        state: 'done',
        verdict,
        message,
        by,
        why,
        endedAt: instant(context.clock.now()),
      },
    });
  }
}

/** The evidence, once; then the release names it. */
export async function writeReceipt(
  context: ControllerContext,
  namespace: string,
  name: string,
): Promise<void> {
  const { store } = context;
  const release = await store.get<Release>({ kind: 'Release', namespace, name });
  if (release?.status === undefined || release.status.receipt !== null) return;
  const labels = { [LABELS.release]: labelValue(name) };
  const executions = await store.list<Execution>('Execution', { namespace, labels });
  const gateRuns = await store.list<GateRun>('GateRun', { namespace, labels });
  const receipt: Receipt = {
    apiVersion: API_VERSION,
    kind: 'Receipt',
    metadata: {
      name,
      namespace,
      labels: {
        ...labels,
        [LABELS.application]: release.spec.application,
        [LABELS.environment]: release.spec.environment,
      },
    },
    spec: buildReceipt({
      name,
      spec: release.spec,
      status: release.status,
      executions: executions.items
        .filter((each) => each.spec.release === name)
        .map(({ spec, status }) => ({ spec, status })),
      gateRuns: gateRuns.items
        .filter((each) => each.spec.release === name)
        .map(({ spec, status }) => ({ spec, status })),
    }),
  };
  await createOnce(store, receipt);
  await store.updateStatus<Release>({ ...release, status: { ...release.status, receipt: name } });
}
