import type { GateRun } from '../../api/execution.ts';
import type { Release } from '../../api/release.ts';
import { hasEnded } from '../../engine/release/state.ts';
import type { ClusterEffect } from '../cluster-effect.ts';
import type { FailedRequest } from '../ledger.ts';
import type { Written } from '../observed-store.ts';
import type { Onlooker, Watched } from '../onlooker.ts';
import type { TraceLine } from '../simulation.ts';

export interface StoryLine {
  /** From the beginning of what is rehearsed, ms. */
  readonly atMs: number;
  readonly who: 'people' | 'release' | 'cluster' | 'gate' | 'fault' | 'users' | 'broken';
  readonly text: string;
}

/** How the trace says that nothing breaks any more. */
const FAULTS_OVER = 'faults are over';

/** Tells a run as somebody would who stood beside it: what people did, what broke, what the release did, who suffered. */
export class Story implements Onlooker {
  readonly #lines: { atMs: number; who: StoryLine['who']; text: string }[] = [];
  readonly #said = new Set<string>();
  readonly #fromMs: number;
  #watched: Watched | undefined;
  #failing: { text: string; count: number; line: { text: string } } | null = null;

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  begins(watched: Watched): void {
    this.#watched = watched;
  }

  written({ object, deleted }: Written): void {
    if (deleted) return;
    if (object.kind === 'Release') this.#release(object as unknown as Release);
    if (object.kind === 'GateRun') this.#gate(object as unknown as GateRun);
  }

  effect(effect: ClusterEffect): void {
    switch (effect.type) {
      case 'wish': {
        const { key, replicas } = { key: effect.wish.key, replicas: effect.wish.replicas };
        if (replicas !== effect.before)
          this.#say('cluster', `${key.version}: ${effect.before ?? 0} → ${replicas} instances wanted`);
        return;
      }
      case 'remove':
        this.#say('cluster', `${effect.key.version} is removed`);
        return;
      case 'traffic': {
        const weights = Object.entries(effect.wish.weights).filter(([, weight]) => weight > 0);
        const shares = weights.map(([version, weight]) => `${weight} % ${version}`).join(', ');
        if (JSON.stringify(effect.before?.weights) !== JSON.stringify(effect.wish.weights))
          this.#say('cluster', `traffic: ${shares}`);
        return;
      }
      case 'removeService':
        this.#say('cluster', `${effect.service.workload} has no routes any more`);
    }
  }

  failed({ cause, excuse, detail, service }: FailedRequest): void {
    const workload = service.split('/').at(-1);
    const text = `a request to ${workload} failed (${cause}): ${detail}${excuse === null || excuse === 'drain cap reached' ? '' : `; excused, since ${excuse}`}`;
    const same = text.replace(/\S+-r\d+-\d+/, 'an instance');
    if (this.#failing?.text === same) {
      this.#failing.count += 1;
      this.#failing.line.text = `${this.#failing.count} requests failed so: ${text}`;
      return;
    }
    const line = this.#say('users', text);
    this.#failing = line === null ? null : { text: same, count: 1, line };
  }

  /** With the faults and the people's words of the run's trace. */
  with(trace: readonly TraceLine[]): StoryLine[] {
    for (const { atMs, node, text } of trace) {
      if (atMs < this.#fromMs) continue;
      if (node === 'FAULT' && (text !== FAULTS_OVER || this.#lines.some(({ who }) => who === 'fault')))
        this.#lines.push({ atMs, who: 'fault', text });
      // `apply shop/local: applied`: which application is known.
      if (node === 'people') this.#lines.push({ atMs, who: 'people', text: text.replace(/ \S+\/\S+:/, ':') });
      if (node === 'RULE' && !text.startsWith('LEDGER')) this.#lines.push({ atMs, who: 'broken', text });
    }
    return this.#lines
      .sort((a, b) => a.atMs - b.atMs)
      .map(({ atMs, ...line }) => ({ ...line, atMs: Math.round(atMs - this.#fromMs) }));
  }

  #release({ metadata: { name }, spec, status }: Release): void {
    if (status === undefined) return;
    const stage =
      status.direction === 'forward' ? spec.plan.stages[status.stage] : status.backStages[status.stage];
    if (status.turn !== null)
      this.#once(`${name} turns`, `${name} turns back: ${status.turn.why ?? status.turn.cause}`);
    if (stage !== undefined && status.step !== 'ended' && status.phase !== 'Pending')
      this.#once(
        `${name} ${status.direction} ${stage.number}`,
        `${name} ${status.direction === 'back' ? 'on its way back' : `stage ${stage.number}`}: ${stage.title}`,
      );
    if (status.phase === 'Paused')
      this.#once(`${name} ${status.stage} paused`, `${name}: ${status.waiting.message}`);
    if (hasEnded(status.phase)) this.#once(`${name} ended`, `${name} ${status.waiting.message}`);
  }

  #gate({ metadata, spec, status }: GateRun): void {
    if (status?.state === 'done')
      this.#once(metadata.name, `gate ${spec.gate.name}: ${status.verdict}, ${status.message}`, 'gate');
  }

  #once(key: string, text: string, who: StoryLine['who'] = 'release'): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#say(who, text);
  }

  #say(who: StoryLine['who'], text: string): { text: string } | null {
    const atMs = this.#watched?.world.timeline.now ?? 0;
    if (atMs < this.#fromMs) return null;
    const line = { atMs, who, text };
    this.#lines.push(line);
    return line;
  }
}
