import { API_VERSION, type ApiObject } from '../api/meta.ts';
import { memoryStore } from '../store/memory/memory-store.ts';
import { SimulatedArtifacts } from './artifacts.ts';
import { startClients } from './clients.ts';
import { SimulatedCluster } from './cluster.ts';
import { FaultTally } from './fault-tally.ts';
import { strike } from './faults.ts';
import { Ledger } from './ledger.ts';
import type { Life } from './life.ts';
import { observedStore } from './observed-store.ts';
import type { Onlooker } from './onlooker.ts';
import { Operators } from './operators.ts';
import { NO_CHANCE_FAULTS, Platform } from './platform.ts';
import { Programs } from './program.ts';
import { checkEnd } from './rules/end-rules.ts';
import { checkRest, unrest } from './rules/rest-rules.ts';
import type { Violation, World } from './rules/rule.ts';
import { Rules } from './rules/rules.ts';
import type { Operation, Scenario } from './scenario.ts';
import { SeededRandom } from './seeded-random.ts';
import { sharedJson } from './shared-json.ts';
import { Timeline } from './timeline.ts';
import { effectWords, operationWords, writtenWords } from './words.ts';

/** 2026-11-20T12:00:00Z: a run's wall clock does not depend on the day it is run. */
const EPOCH_MS = Date.UTC(2026, 10, 20, 12);
const VERSION = '0.1.0';
const JOURNAL = '/agent/journal.jsonl';
/** Unfinished business is looked at this often once faults are over, ms. */
const REST_LOOK_MS = 1_000;
/** Nothing moves in so many looks: a watch that was late when faults ended may still bring what people wanted. */
const RESTFUL_LOOKS = 5;

export interface TraceLine {
  readonly atMs: number;
  readonly node: string;
  readonly text: string;
}

export interface RunOutcome {
  readonly seed: string;
  readonly violations: readonly Violation[];
  readonly events: number;
  readonly virtualMs: number;
  readonly requests: { readonly started: number; readonly failed: Readonly<Record<string, number>> };
  readonly faults: Readonly<Record<string, number>>;
  readonly verbs: Readonly<Record<string, number>>;
  readonly transitions: Readonly<Record<string, number>>;
  readonly steps: Readonly<Record<string, number>>;
  readonly releases: Readonly<Record<string, number>>;
  /** Smallest number of serving instances of any service that had traffic, and when. */
  readonly trace: readonly TraceLine[];
}

export interface RunOptions {
  readonly scenario: Scenario;
  readonly trace?: boolean;
  /** Ends at the first violation. */
  readonly stopAtFirst?: boolean;
  /** More events than this are a livelock. */
  readonly maxEvents?: number;
  readonly onlooker?: Onlooker;
}

/** One run from its beginning to rest. The same scenario gives the same outcome, to the byte. */
export async function simulate({
  scenario,
  trace = false,
  stopAtFirst = true,
  maxEvents = 300_000,
  onlooker = {},
}: RunOptions): Promise<RunOutcome> {
  const timeline = new Timeline();
  const random = new SeededRandom(scenario.seed).split('run');
  const lines: TraceLine[] = [];
  const say = (node: string, text: () => string) => {
    if (trace) lines.push({ atMs: timeline.now, node, text: text() });
  };
  const violations: Violation[] = [];
  const tally = new FaultTally();
  const artifacts = new SimulatedArtifacts(() => EPOCH_MS + timeline.now);
  const ledger = new Ledger();
  ledger.onFailed = (request) => onlooker.failed?.(request);
  const programs = new Programs();
  for (const [name, program] of Object.entries(scenario.programs)) programs.add(name, program);
  const cluster = new SimulatedCluster({
    ...{ timeline, programs, ledger, tally, epochMs: EPOCH_MS, plane: scenario.plane },
    random: random.split('cluster'),
  });
  const base = memoryStore({
    clock: {
      now: () => EPOCH_MS + timeline.now,
      monotonic: () => timeline.now,
      sleep: never,
      setTimer: noTimer,
    },
    random: random.split('store'),
    json: sharedJson(),
  });
  const { store, objects } = observedStore(base, (written) => {
    say('store', () => writtenWords(written));
    rules.written(written);
    onlooker.written?.(written);
  });
  const world: World = {
    ...{ scenario, timeline, cluster, objects },
    violated: (rule, message) => {
      if (violations.some((each) => each.rule === rule && each.message === message)) return;
      violations.push({ rule, message, atMs: timeline.now });
      say('RULE', () => `${rule} ${message}`);
    },
  };
  cluster.onEffect = (effect, fence) => {
    say(
      'cluster',
      () =>
        `${effect.type} ${effectWords(effect)}${fence === null ? '' : ` by ${fence.subject} e${fence.epoch} s${fence.sequence}`}`,
    );
    rules.effect(effect, fence);
    onlooker.effect?.(effect);
  };
  cluster.onPort = (port, what) => rules.port(port, what);
  cluster.onStale = (subject, epoch, highest) =>
    world.violated('INV-20', `${subject} still acts at epoch ${epoch}, ${highest} has acted already`);
  cluster.onProof = (service) => {
    say('cluster', () => `proof of ${service.workload}`);
    rules.proof(service);
  };
  const platform: Platform = new Platform({
    ...{ timeline, store, cluster, tally, epochMs: EPOCH_MS, version: VERSION },
    faults: scenario.chanceFromMs === undefined ? scenario.chance : NO_CHANCE_FAULTS,
    random: random.split('platform'),
    services: new Map(Object.entries(scenario.services)),
    commands: new Map(Object.entries(scenario.commands)),
    trace: say,
    ...{ artifacts, retention: scenario.retention },
    ran: (command) => rules.ran(command),
    sent: (from, text, version) => {
      say('wire', () => `${from} ${text.slice(0, 160)}`);
      rules.sent(from, text, version);
    },
  });
  const rules = new Rules(world, {
    agentClock: platform.clocks.agent,
    agent: () => platform.agent,
    journal: () => platform.disk.content.get(JOURNAL),
  });
  platform.links.onArrive = (life, text) => rules.heard(life, text);
  artifacts.onRemove = (digest) => rules.artifactRemoved(digest);
  const operators = new Operators({
    ...{ store, timeline, epochMs: EPOCH_MS, environments: scenario.environments },
    uploaded: (digest) => artifacts.upload(digest),
    random: random.split('operators'),
  });

  await prepare(store, scenario);
  const places = Object.keys(scenario.environments);
  const ask = (operation: Operation) => {
    if (operation.type === 'apply')
      for (const [workload, { replicas }] of Object.entries(operation.spec.workloads ?? {}))
        rules.traffic.sized(places, operation.application, workload, replicas ?? 1);
    if (operation.type === 'applicationVerb' && operation.verb === 'scale')
      rules.traffic.sized(places, operation.application, 'web', Number(operation.parameters.replicas));
    void operators
      .carryOut(operation)
      .then((what) => say('people', () => `${operationWords(operation)}: ${what}`));
  };
  onlooker.begins?.({ world, ask });
  if (scenario.chanceFromMs !== undefined)
    timeline.after(scenario.chanceFromMs, () => platform.setFaults(scenario.chance));
  platform.start();
  let restedAt: number | null = null;
  startClients({
    ...{
      timeline,
      cluster,
      everyMs: scenario.requestEveryMs,
      untilMs: () => restedAt ?? Number.POSITIVE_INFINITY,
    },
    random: random.split('clients'),
  });
  for (const operation of scenario.operations) timeline.after(operation.atMs, () => ask(operation));
  for (const fault of scenario.faults) {
    timeline.after(fault.atMs, () => {
      const what = strike(fault, platform, cluster);
      if (what === null) return;
      tally.add(fault.type);
      say('FAULT', () => what);
    });
  }
  timeline.after(scenario.busyMs, () => {
    say('FAULT', () => 'faults are over');
    platform.setFaults(NO_CHANCE_FAULTS);
    cluster.plane.faults = { ...cluster.plane.faults, stuck: 0 };
    cluster.hand.rest();
    cluster.killer.rest();
    for (const clock of Object.values(platform.clocks)) clock.setRate(1);
    for (const zombie of platform.zombies) zombie.kill();
  });
  const afterEach = () => {
    rules.look();
    onlooker.look?.();
    if (timeline.events > maxEvents)
      world.violated('INV-28', `${maxEvents} events: something goes round without getting anywhere`);
    for (const failed of ledger.unexcused.splice(0))
      world.violated('LEDGER', `a request to ${failed.service} failed: ${failed.cause}, ${failed.detail}`);
    for (const message of platform.startFailures.splice(0))
      world.violated('INV-13', `an agent cannot start: ${message}`);
  };
  // One that stands still does nothing either, and is not at rest.
  const goes = (life: Life | null | undefined) => life?.alive === true && life.pausedUntil <= timeline.now;
  const isUp = () => goes(platform.manager?.life) && goes(platform.agent);
  const isStill = () => isUp() && (onlooker.isAtRest?.() ?? unrest(world).length === 0);
  const stopped = () => stopAtFirst && violations.length > 0;
  await timeline.run(scenario.busyMs, afterEach, stopped);
  // Faults are over: everything comes to rest, or says for whom it waits. Between two pieces of work it may look so.
  const limit = scenario.busyMs + scenario.calmMs;
  for (let atRest = 0; !stopped() && timeline.now < limit && atRest < RESTFUL_LOOKS; ) {
    atRest = isStill() ? atRest + 1 : 0;
    if (atRest < RESTFUL_LOOKS) await timeline.run(timeline.now + REST_LOOK_MS, afterEach, stopped);
  }
  if (!stopped()) {
    restedAt = timeline.now;
    await timeline.run(timeline.now + REST_LOOK_MS, afterEach, stopped);
    checkRest(world, operators.acknowledged, rules.kept.collected, platform.clocks.manager.wall);
    rules.end();
    await checkEnd(world, store, platform.clocks.manager.wall, VERSION);
    const imbalance = ledger.imbalance();
    if (imbalance !== null) world.violated('LEDGER', imbalance);
  }
  const faults = {
    ...tally.met,
    'deaths of the manager': platform.deaths.manager,
    'deaths of the agent': platform.deaths.agent,
  };
  // Nothing of this run goes on beside the next.
  platform.manager?.life.kill();
  platform.agent?.kill();
  return {
    seed: scenario.seed,
    violations,
    events: timeline.events,
    virtualMs: timeline.now,
    requests: { started: ledger.started, failed: ledger.failed },
    faults,
    verbs: operators.given,
    transitions: rules.release.transitions,
    steps: rules.release.steps,
    releases: phasesOf(objects.values()),
    trace: lines,
  };
}

async function prepare(store: Parameters<typeof observedStore>[0], scenario: Scenario): Promise<void> {
  await store.create({
    apiVersion: API_VERSION,
    kind: 'Cluster',
    metadata: { name: 'local' },
    spec: { driver: 'local' },
  });
  for (const [name, spec] of Object.entries(scenario.environments))
    await store.create({
      apiVersion: API_VERSION,
      kind: 'Environment',
      metadata: { name, namespace: 'default' },
      spec,
    });
}

function phasesOf(objects: Iterable<ApiObject>): Record<string, number> {
  const phases: Record<string, number> = {};
  for (const object of objects) {
    if (object.kind !== 'Release') continue;
    const phase = (object.status as { phase?: string } | undefined)?.phase ?? 'Pending';
    phases[phase] = (phases[phase] ?? 0) + 1;
  }
  return phases;
}

const never = (): Promise<never> => new Promise(() => {});
const noTimer = (): Disposable => ({ [Symbol.dispose]: () => {} });
