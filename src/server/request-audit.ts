import type { FastifyRequest } from 'fastify';
import { instant } from '../lib/clock.ts';
import type { Counter } from '../lib/metrics.ts';
import { redactText } from '../lib/redact.ts';
import { Allowance } from './allowance.ts';
import type { AuditLine, AuditLog } from './audit.ts';
import type { ServerDependencies } from './dependencies.ts';
import { paramsOf, type RequestState, verbOf } from './request-state.ts';

const READING = ['get', 'list', 'watch', 'head'];
/** Whoever has no token must not push out of the log what the others did. */
const STRANGERS_PER_MINUTE = 60;

/** Which requests become audit lines, and of what. */
export class RequestAudit {
  readonly #deps: ServerDependencies;
  readonly #audit: AuditLog;
  readonly #failures: Counter;
  readonly #suppressed: Counter;
  readonly #strangers = new Allowance(STRANGERS_PER_MINUTE, 60_000);

  constructor(deps: ServerDependencies, audit: AuditLog) {
    this.#deps = deps;
    this.#audit = audit;
    this.#failures = deps.metrics.counter(
      'slipway_audit_failures_total',
      'Audit lines that could not be written',
    );
    this.#suppressed = deps.metrics.counter(
      'slipway_audit_suppressed_total',
      'Refusals of unknown callers that were counted and not written, beyond so many a minute',
    );
  }

  /** One line for each verb that is no reading, and for each that was forbidden. On disk before the answer leaves. */
  async record(
    request: FastifyRequest,
    state: RequestState,
    code: number,
    reason: string | null,
  ): Promise<void> {
    const { route, identity, note } = state;
    const verb = route === undefined ? request.method.toLowerCase() : (note.verb ?? verbOf(state));
    if ((READING.includes(verb) || route?.anonymous === true) && code !== 403) return;
    if (identity === undefined && !this.#strangers.admit(this.#deps.clock.monotonic())) {
      this.#suppressed.add();
      return;
    }
    const params = paramsOf(request);
    const line: AuditLine = {
      at: instant(this.#deps.clock.now()),
      who: identity?.name ?? null,
      roles: identity?.roles ?? [],
      verb,
      resource: route?.resource ?? 'none',
      kind: route?.kind ?? null,
      namespace: note.namespace ?? params.namespace ?? null,
      name: note.name ?? params.name ?? params.digest ?? null,
      outcome: code >= 500 ? 'failed' : code >= 400 ? 'refused' : code === 202 ? 'accepted' : 'done',
      code,
      reason,
      why: note.why === undefined ? null : redactText(note.why),
      from: request.raw.socket.remoteAddress ?? null,
      userAgent: redactText((request.headers['user-agent'] ?? '').slice(0, 200)) || null,
    };
    try {
      await this.#audit.write(line);
    } catch (error) {
      // What was asked has happened already; refusing the answer would only hide that.
      this.#failures.add();
      this.#deps.log.error('an audit line could not be written', {
        verb,
        resource: line.resource,
        who: line.who,
        error,
      });
    }
  }
}
