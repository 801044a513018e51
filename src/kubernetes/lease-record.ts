import type { Clock } from '../lib/clock.ts';
import { isSlipwayError } from '../lib/errors.ts';
import type { KubernetesClient } from './api-client.ts';
import type { KubernetesObject, ResourceType } from './resource-type.ts';

export const LEASE: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

export interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export interface LeaseRecordOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  readonly holder: string;
  /** Whole seconds; default 15. */
  readonly durationMs?: number;
}

const DURATION_MS = 15_000;

/** As the server keeps it: in whole seconds. */
export const leaseMs = ({ durationMs = DURATION_MS }: Pick<LeaseRecordOptions, 'durationMs'>): number =>
  Math.ceil(durationMs / 1_000) * 1_000;

/** The lease as the server keeps it. Each write is refused with `conflict` where it is no longer what was read. */
export class LeaseRecord {
  readonly #options: LeaseRecordOptions;

  /** A connection that died without a word must not cost the lease: there is time for another attempt. */
  readonly #limit: { readonly timeoutMs: number };

  constructor(options: LeaseRecordOptions) {
    this.#options = options;
    this.#limit = { timeoutMs: leaseMs(options) / 5 };
  }

  read(): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options;
    return client.get<Lease>(LEASE, { namespace, name }, this.#limit);
  }

  /** Takes it, or renews it. */
  async write(before: Lease | undefined, durationMs: number): Promise<Lease> {
    const { client, namespace, name, holder } = this.#options;
    const now = this.#now();
    const same = before?.spec?.holderIdentity === holder;
    const transitions = before?.spec?.leaseTransitions ?? 0;
    const spec = {
      ...before?.spec,
      holderIdentity: holder,
      leaseDurationSeconds: durationMs / 1_000,
      acquireTime: same ? (before?.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: before === undefined || same ? transitions : transitions + 1,
    };
    return before === undefined
      ? await client.create<Lease>(LEASE, { metadata: { name, namespace }, spec }, this.#limit)
      : await client.replace<Lease>(LEASE, { ...before, spec }, this.#limit);
  }

  /**
   * Leaves it without a holder, unless another holds it. Given up with the signal: what would come later could give
   * back what this holder has taken anew.
   */
  async giveBack(held: Lease, signal: AbortSignal): Promise<void> {
    const { client, holder } = this.#options;
    let known: Lease | undefined = held;
    while (known?.spec?.holderIdentity === holder) {
      const spec = { ...known.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.#now() };
      try {
        await client.replace<Lease>(LEASE, { ...known, spec }, this.#limit);
        return;
      } catch (error) {
        if (!isSlipwayError(error, 'conflict')) throw error;
        known = await this.read();
        signal.throwIfAborted();
      }
    }
  }

  /** MicroTime: RFC 3339 with six digits. */
  #now(): string {
    return new Date(this.#options.clock.now()).toISOString().replace('Z', '000Z');
  }
}
