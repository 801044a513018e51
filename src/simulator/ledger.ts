/** What excuses a failed request: nothing that Slipway could have prevented. */
export type Excuse =
  | 'instance died'
  | 'router died'
  | 'foreign hand'
  | 'data plane beyond its lag'
  | 'drain cap reached'
  | null;

export interface FailedRequest {
  readonly atMs: number;
  readonly service: string;
  readonly version: string | null;
  /** `error`: the application answered, and did not do what it was asked. */
  readonly cause: 'noBackend' | 'reset' | 'refused' | 'error';
  readonly excuse: Excuse;
  readonly detail: string;
}

/** Every request of every client: started = answered + failed + still inside. */
export class Ledger {
  started = 0;
  answered = 0;
  inside = 0;
  readonly failed: Record<string, number> = {};
  /** Failures that nothing excuses: the promise is broken. */
  readonly unexcused: FailedRequest[] = [];
  onFailed: (request: FailedRequest) => void = () => {};

  begin(): void {
    this.started += 1;
    this.inside += 1;
  }

  answer(): void {
    this.answered += 1;
    this.inside -= 1;
  }

  fail(request: FailedRequest): void {
    this.inside -= 1;
    const key = `${request.cause}${request.excuse === null ? '' : `, ${request.excuse}`}`;
    this.failed[key] = (this.failed[key] ?? 0) + 1;
    if (request.excuse === null) this.unexcused.push(request);
    this.onFailed(request);
  }

  get failures(): number {
    return Object.values(this.failed).reduce((sum, count) => sum + count, 0);
  }

  /** Null when the books balance. */
  imbalance(): string | null {
    const booked = this.answered + this.failures + this.inside;
    return booked === this.started ? null : `${this.started} started, ${booked} booked`;
  }
}
