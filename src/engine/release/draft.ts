import type { Stage } from '../../api/plan.ts';
import type { ReleasePhase, ReleaseSpec, ReleaseStatus, StageStatus } from '../../api/release.ts';
import { cloneJson } from '../../lib/clone-json.ts';
import { turnBackStages } from '../strategies/turn-back.ts';
import type { CommandReply, ReleaseEffect, ReleaseInput } from './input.ts';
import { enterPhase, stageStatuses, stagesOf } from './state.ts';

/** Words for a failure: what happened, whom it hurts, what to do (experience.md). */
export type Failure = {
  reason: string;
  message: string;
  affects: string;
  /** Of whoever saw it; what the release allows next is said with each decision. */
  advice: string;
};

/** The status in the making, with what happens beside it. Lives for one decision only. */
export class Draft {
  readonly input: ReleaseInput;
  readonly spec: ReleaseSpec;
  readonly status: ReleaseStatus;
  readonly effects: ReleaseEffect[] = [];
  readonly replies: CommandReply[] = [];
  readonly now: string;
  wakeAt: number | null = null;

  constructor(input: ReleaseInput) {
    this.input = input;
    this.spec = input.spec;
    // The record of the decision before is long, and only replaced.
    const { decision, ...status } = input.status;
    this.status = { ...cloneJson(status), decision };
    this.now = new Date(input.now).toISOString();
  }

  get stages(): readonly Stage[] {
    return stagesOf(this.spec, this.status);
  }

  get stage(): Stage | undefined {
    return this.stages[this.status.stage];
  }

  get stageStatus(): StageStatus | undefined {
    // The way back is listed behind the way forward.
    const offset = this.status.direction === 'back' ? this.spec.plan.stages.length : 0;
    return this.status.stages[offset + this.status.stage];
  }

  /** Routes that orders bring about: the way back restores those that stood before. */
  get routes(): ReleaseSpec['routes'] {
    const { routes, routesFrom } = this.spec;
    return this.status.direction === 'back' ? (routesFrom ?? routes) : routes;
  }

  /** Decides again at this time at the latest. */
  wake(at: number): void {
    if (this.wakeAt === null || at < this.wakeAt) this.wakeAt = at;
  }

  enterStep(step: ReleaseStatus['step']): void {
    this.status.step = step;
    this.status.stepSince = this.now;
    this.status.execution = null;
    this.status.promoted = false;
    this.status.gateRuns = {};
  }

  pause(reason: string, by: string, expiresInMs: number): void {
    this.status.pause = {
      reason,
      by,
      since: this.now,
      expiresAt: new Date(this.input.now + expiresInMs).toISOString(),
    };
    enterPhase(this.status, 'Paused');
  }

  /** What can be done about it is said when the decision is made. */
  noteFailure(failure: Failure): void {
    this.status.failure = { ...failure, next: '' };
  }

  resume(): void {
    this.status.pause = null;
    this.status.failure = null;
    enterPhase(this.status, this.runningPhase());
  }

  /** Phase of work under way in the present direction. */
  runningPhase(): ReleasePhase {
    if (this.status.direction === 'back') return this.status.phase;
    const last = this.status.stage === this.stages.length - 1;
    return last && (this.status.step === 'gatesAfter' || this.status.step === 'advance')
      ? 'Verifying'
      : 'Progressing';
  }

  end(phase: ReleasePhase): void {
    enterPhase(this.status, phase);
    this.callOff();
    this.status.step = 'ended';
    this.status.endedAt = this.now;
    this.status.pause = null;
    this.status.pauseRequested = null;
  }

  /** Orders that are still under way, such as a gate's that a person skipped, are fenced off (INV-20). */
  private callOff(): void {
    const kept = this.effects.filter(({ type }) => type !== 'createExecution');
    const open = Object.values(this.input.executions).some(
      ({ phase }) => phase === 'Pending' || phase === 'Accepted' || phase === 'Running',
    );
    if (open || kept.length < this.effects.length) this.status.epoch += 1;
    this.effects.splice(0, this.effects.length, ...kept);
  }

  /** Whether any instruction of a stage may have been carried out: gates change nothing. */
  private begun(): boolean {
    return this.status.stages.some((stage) => stage.execution !== null);
  }

  /** From here on only the way back is ordered (INV-20). */
  turnBack(cause: 'abort' | 'rollback' | 'failure' | 'superseded', by: string, why: string | null): void {
    const { status } = this;
    status.turn = { cause, by, at: this.now, why };
    status.pause = null;
    status.pauseRequested = null;
    if (!this.begun()) {
      this.end(cause === 'abort' ? 'Aborted' : cause === 'superseded' ? 'Superseded' : 'RolledBack');
      return;
    }
    if (this.stageStatus !== undefined && this.stageStatus.endedAt === null) {
      this.stageStatus.state = 'failed';
      this.stageStatus.endedAt = this.now;
    }
    enterPhase(status, cause === 'abort' || cause === 'superseded' ? 'Aborting' : 'RollingBack');
    status.direction = 'back';
    status.epoch += 1;
    status.backStages = turnBackStages(this.spec.workloads, this.spec.toWasWarm);
    status.stages = [...status.stages, ...stageStatuses(status.backStages)];
    status.stage = 0;
    this.enterStep('instructions');
  }
}
