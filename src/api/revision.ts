import * as z from 'zod';
import { kindSchema, Name } from './meta.ts';
import { PinnedWorkload } from './workload.ts';

export const RevisionSpec = z.looseObject({
  application: Name,
  environment: Name,
  number: z.number().int().min(1),
  /** Over everything that runs; two revisions with one digest are the same. `v1:` names the algorithm. */
  digest: z.string(),
  workloads: z.array(PinnedWorkload),
  parameters: z.record(z.string(), z.unknown()),
  /** Where it came from, for people: a directory's name, a commit. */
  source: z.string().optional(),
});
export type RevisionSpec = z.infer<typeof RevisionSpec>;
export const Revision = kindSchema('Revision', RevisionSpec, z.looseObject({}));
export type Revision = z.output<typeof Revision>;

const WarmRevision = z.looseObject({ revision: z.string(), since: z.string(), expiresAt: z.string() });

/**
 * One application in one environment: which revision is live, which are warm, which release is active, the
 * next number. Numbers and the active claim are taken by compare-and-set on this one object (INV-21).
 */
export const TrackSpec = z.looseObject({ application: Name, environment: Name });
export const TrackStatus = z.looseObject({
  nextRevision: z.number().int().min(1),
  /** Keyed by the Command's uid, so that a repeated command takes nothing twice. */
  active: z.looseObject({ release: z.string(), claim: z.string() }).nullable(),
  queue: z.array(z.looseObject({ release: z.string(), claim: z.string() })),
  /** Revision that has the traffic. */
  live: z.string().nullable(),
  /** Strategy that put it there: changing between rolling and the others goes once by blueGreen. */
  liveStrategy: z.string().nullable(),
  warm: z.array(WarmRevision),
  /** Set by a rollback: automatic releases wait until `resume` or an explicit release. */
  hold: z.looseObject({ since: z.string(), by: z.string(), why: z.string() }).nullable(),
  /** Attempts by revision: the `-2` of `shop-production-r8-2`. */
  attempts: z.record(z.string(), z.number().int()),
  /** Highest epoch given out for work outside releases (retiring, applying in place, deleting). */
  epoch: z.number().int(),
  /** Digest of what stands in place: replicas and routes. */
  applied: z.string().nullable(),
});
export type TrackStatus = z.infer<typeof TrackStatus>;
export const Track = kindSchema('Track', TrackSpec, TrackStatus);
export type Track = z.output<typeof Track>;
