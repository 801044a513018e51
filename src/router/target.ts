import { chooseVersion, cookieValue, fallbackVersion, type RequestFacts } from './choose-version.ts';
import type { CompiledRoute, CompiledTable } from './compiled-table.ts';
import type { Counters, VersionCounter } from './counts.ts';
import { text } from './http/characters.ts';
import type { FieldLines } from './http/field-lines.ts';
import { FIELD } from './http/field-names.ts';
import type { OwnAnswer } from './http/own-answer.ts';
import type { RequestHead } from './http/request-head.ts';
import type { RouteTimeouts } from './table.ts';
import type { Upstream } from './upstream.ts';
import type { VersionPool } from './version-pool.ts';

const PREVIEW_TIMEOUTS: RouteTimeouts = {
  connectMs: 5_000,
  responseHeadMs: 60_000,
  idleMs: 0,
};

/** Nobody to send a request to: what the client is told and where it counts. */
export interface Nobody {
  readonly answer: OwnAnswer;
  readonly counter: VersionCounter;
  /** False where the request asked for something that doesn't exist: answered, not failed. */
  readonly isFailure: boolean;
}

/**
 * Where one request may go: its version first, the rest of that version's instances next, and (public
 * traffic only) the other weighted versions last. Decided once from the table in force at its start.
 */
export class Target {
  pool: VersionPool;
  readonly isPreview: boolean;
  readonly timeouts: RouteTimeouts;
  private readonly compiled: CompiledRoute | null;
  private triedPools: VersionPool[] | null = null;
  private tried: Upstream[] = NONE;
  private readonly stick: boolean;

  constructor(pool: VersionPool, compiled: CompiledRoute | null, stick: boolean, isPreview: boolean) {
    this.pool = pool;
    this.compiled = compiled;
    this.stick = stick;
    this.isPreview = isPreview;
    this.timeouts = compiled?.route.timeouts ?? PREVIEW_TIMEOUTS;
  }

  /** Set-Cookie line that keeps the client on the version that it got, or ''. */
  get setCookie(): string {
    return this.stick ? (this.compiled?.sticky?.get(this.pool.version) ?? '') : '';
  }

  /** The next instance to try, or null when none is left. May change `pool`. */
  next(now: number): Upstream | null {
    for (;;) {
      const upstream = this.pool.pick(this.tried, now);
      if (upstream !== null || this.isPreview || this.compiled === null) return upstream;
      this.triedPools = [...(this.triedPools ?? []), this.pool];
      const other = fallbackVersion(this.compiled, this.triedPools);
      if (other === null) return null;
      this.pool = other;
    }
  }

  /** The instance could not be reached: this request doesn't ask it again. */
  exclude(upstream: Upstream): void {
    this.tried = [...this.tried, upstream];
  }
}

const NONE: Upstream[] = [];

/** Decides who answers a request, or why nobody does. */
export function resolveTarget(
  table: CompiledTable,
  counters: { public: Counters; preview: Counters },
  bytes: Buffer,
  head: RequestHead,
  lines: FieldLines,
): Target | Nobody {
  const compiled = table.match(head.host, head.target);
  if (head.preview !== null) return resolvePreview(table, counters.preview, head.preview, compiled);
  if (compiled === null) {
    const counter = counters.public.of('', '');
    return table.table.routes.length === 0
      ? nobody(503, 'no application is routed here yet', counter, true)
      : nobody(404, 'no route matches this host and path', counter, false);
  }
  const choice = chooseVersion(compiled, new HeadFacts(bytes, head, lines));
  if (choice === null) {
    const { service } = compiled.route;
    return nobody(503, `no instance of ${service} serves`, counters.public.of(service, ''), true);
  }
  return new Target(choice.pool, compiled, choice.stick, false);
}

function resolvePreview(
  table: CompiledTable,
  counters: Counters,
  name: string,
  compiled: CompiledRoute | null,
): Target | Nobody {
  const service = compiled?.route.service ?? null;
  const pool = table.preview(name, service);
  if (typeof pool !== 'string') return new Target(pool, compiled, false, true);
  const shown = name.replace(/[^\x21-\x7e]/g, '?').slice(0, 100);
  return nobody(404, `preview: "${shown}" ${pool}`, counters.of(service ?? '', ''), false);
}

function nobody(status: number, text: string, counter: VersionCounter, isFailure: boolean): Nobody {
  return { answer: { status, text }, counter, isFailure };
}

/** What rules and cookies may look at, read only when one does. */
class HeadFacts implements RequestFacts {
  readonly target: string;
  private readonly bytes: Buffer;
  private readonly lines: FieldLines;

  constructor(bytes: Buffer, head: RequestHead, lines: FieldLines) {
    this.target = head.target;
    this.bytes = bytes;
    this.lines = lines;
  }

  header(name: string): string | null {
    return this.lines.find(this.bytes, name);
  }

  cookie(name: string): string | null {
    for (let i = 0; i < this.lines.count; i++) {
      if (this.lines.id[i] !== FIELD.cookie) continue;
      const { valueStart, valueEnd } = this.lines;
      const value = cookieValue(text(this.bytes, valueStart[i] as number, valueEnd[i] as number), name);
      if (value !== null) return value;
    }
    return null;
  }
}
