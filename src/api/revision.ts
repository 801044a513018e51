import * as z from 'zod';
import { RouteSpec } from './application.ts';
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

/** A kept revision: full size, no traffic, until its time is over. */
const WarmRevision = z.looseObject({
  revision: z.string(),
  since: z.string(),
  expiresAt: z.string(),
  /** Its instances by workload: what applies in place afterwards is the live one's alone. */
  replicas: z.record(z.string(), z.number().int()).optional(),
});

/** A release that has its number: active or in the queue. */
export const Claim = z.looseObject({
  /** Uid of the Command, or `auto:` and the revision's digest: the same claim twice takes nothing twice. */
  claim: z.string(),
  release: z.string(),
  revision: z.string(),
  number: z.number().int(),
  digest: z.string(),
  reason: z.enum(['release', 'rollback', 'retry']),
  by: z.string(),
  why: z.string().nullable(),
  at: z.string(),
  /** The active release has to make way. */
  supersedes: z.boolean(),
  /** Also after its first flip; absent: from then on it is let finish. */
  supersedesFlipped: z.boolean().optional(),
  /** Beginning of the plan's hash that was asked for: the release starts with this plan or not at all (INV-26). */
  plan: z.string().optional(),
});
export type Claim = z.infer<typeof Claim>;

/** Work outside releases, one at a time: its execution's name and what it was for. */
const TrackWork = z.looseObject({
  execution: z.string(),
  purpose: z.enum(['retire', 'inPlace', 'delete', 'restart']),
  revision: z.string(),
  /** Digest of routes and replicas that `inPlace` brings about. */
  applied: z.string().nullable(),
  claim: z.string().nullable(),
  /** Instances by workload that `inPlace` brings about. */
  replicas: z.record(z.string(), z.number().int()).optional(),
  /** Routes that `inPlace` brings about, whatever the application says when it is ordered. */
  routes: z.array(RouteSpec).optional(),
  /** What stood and should not, where `inPlace` brings back what is live; for people. */
  repairs: z.string().optional(),
});

/**
 * A change of replicas or routes in a protected environment, and what people said to it. The digest covers what
 * stands and what is wanted: an approval is for this step alone (INV-26).
 */
export const InPlaceChange = z.looseObject({
  digest: z.string(),
  /** What changes, for people: `web 6 → 8 instances, routes`. */
  summary: z.string(),
  state: z.enum(['waiting', 'approved', 'rejected']),
  since: z.string(),
  /** Nobody's word by then is a no. */
  expiresAt: z.string(),
  /** Role or names who may approve. */
  who: z.string(),
  /** Who decided, and why; null while it waits. */
  by: z.string().nullable(),
  why: z.string().nullable(),
});
export type InPlaceChange = z.infer<typeof InPlaceChange>;

/**
 * One application in one environment: which revision is live, which are warm, which release is active, the
 * next number. Numbers and the active claim are taken by compare-and-set on this one object (INV-21).
 */
export const TrackSpec = z.looseObject({ application: Name, environment: Name });
export const TrackStatus = z.looseObject({
  nextRevision: z.number().int().min(1),
  active: Claim.nullable(),
  queue: z.array(Claim),
  /** Claims that were given up before their release was made, and why; gone when the release says so. */
  dropped: z
    .array(
      z.looseObject({
        claim: Claim,
        by: z.string(),
        /** A person took it out of the queue; absent: `by` is the release that came instead. */
        abort: z.looseObject({ at: z.string(), why: z.string().nullable() }).optional(),
      }),
    )
    .optional(),
  /** Revision that has the traffic. */
  live: z.string().nullable(),
  /** The last of `earlier`, for programs that know no more. */
  previous: z.string().nullable(),
  /** Revisions that had it before, oldest first: `rollback` goes back along them. Absent in older tracks. */
  earlier: z.array(z.string()).optional(),
  /** Strategy that put it there: changing between rolling and the others goes once by blueGreen. */
  liveStrategy: z.string().nullable(),
  warm: z.array(WarmRevision),
  /** Set by a rollback: automatic releases wait until `resume` or an explicit release. */
  hold: z.looseObject({ since: z.string(), by: z.string(), why: z.string().nullable() }).nullable(),
  /** Releases made so far by revision: the `-2` of `shop-production-r8-2`. */
  attempts: z.record(z.string(), z.number().int()),
  /** Digest of the revision that an automatic release was last made for: a failed one is not tried again by itself. */
  attempted: z.string().nullable(),
  /** Generation of the application that was last looked at: what is released later is another's doing. */
  generation: z.number().int().optional(),
  /** Highest epoch given out for work outside releases. */
  epoch: z.number().int(),
  work: TrackWork.nullable(),
  /** Digest of what stands in place: replicas and routes. */
  applied: z.string().nullable(),
  /** A change in place failed, and what it brought about is not known: setting it back is a change as well. */
  inPlaceUnknown: z.boolean().optional(),
  /** Instances by workload that stand, also of workloads that the application's file no longer has. */
  replicas: z.record(z.string(), z.number().int()).optional(),
  /** Routes and their digest with replicas, as they last stood; absent in tracks of older programs. */
  standing: z.looseObject({ inPlace: z.string(), routes: z.array(RouteSpec) }).optional(),
  /** When what stood was last brought back to what is live, and what it was. */
  repaired: z.looseObject({ at: z.string(), what: z.string() }).optional(),
  /** What waits for an approval before it applies in place, or was refused it. */
  change: InPlaceChange.optional(),
  /** The latest release that did not succeed: its content is applied and not what serves. */
  unsuccessful: z
    .looseObject({
      release: z.string(),
      phase: z.string(),
      digest: z.string(),
      message: z.string(),
      /** Routes and replicas that came with it, as far as nobody has set others since: they went back with it. */
      terms: z
        .looseObject({
          routes: z.array(RouteSpec).optional(),
          replicas: z.record(z.string(), z.number().int()),
        })
        .optional(),
    })
    .optional(),
  /** Why nothing is released although something changed; for people. */
  refusal: z.looseObject({ message: z.string(), at: z.string(), digest: z.string() }).nullable(),
  commands: z.array(
    z.looseObject({
      uid: z.string(),
      state: z.enum(['done', 'refused']),
      message: z.string(),
      result: z.record(z.string(), z.unknown()),
    }),
  ),
});
export type TrackStatus = z.infer<typeof TrackStatus>;
export const Track = kindSchema('Track', TrackSpec, TrackStatus);
export type Track = z.output<typeof Track>;
