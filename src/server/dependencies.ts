import type { Plan } from '../api/plan.ts';
import type { ErrorDetail } from '../lib/errors.ts';

/** What the server asks of the controllers: a dry run that writes nothing (`slipway plan`, design section 11). */
export interface Planner {
  plan(request: PlanRequest): Promise<PlanPreview>;
}

export interface PlanRequest {
  readonly namespace: string;
  readonly application: string;
  readonly environment: string;
  /** The Application's spec as it would be; absent: as it stands. */
  readonly spec?: unknown;
  /** A revision to go back to (`r2`); absent: the one that the spec makes. */
  readonly to?: string;
}

export interface PlanPreview {
  readonly release: string;
  readonly from: string | null;
  readonly to: string;
  /** False where nothing that runs would change. */
  readonly changes: boolean;
  readonly plan: Plan;
  /** Field by field, what differs between the revisions. */
  readonly differences: readonly { readonly path: string; readonly from: unknown; readonly to: unknown }[];
  /** Per stage: capacity and traffic, evaluated against today's replicas. */
  readonly timeline: readonly {
    readonly stage: number;
    readonly title: string;
    readonly from: number;
    readonly to: number;
    readonly weights: Readonly<Record<string, number>>;
    readonly note: string;
  }[];
  readonly warnings: readonly string[];
  /** What must be mended before it can start; empty when it can. */
  readonly refusals: readonly ErrorDetail[];
}
