import type * as z from 'zod';
import type { HttpGate as HttpGateSchema } from '../api/gate.ts';
import type { PreviewAnswer, PreviewRequest } from '../drivers/cluster-driver.ts';
import { messageOf, type Result } from '../lib/errors.ts';
import type { Network } from '../lib/network.ts';
import { checkTarget, type Resolve } from './address-guard.ts';
import type { Expressions } from './expressions.ts';
import type { Answer } from './run-gate.ts';

export type HttpGate = z.output<typeof HttpGateSchema>;

export interface HttpGatePorts {
  readonly network: Network;
  readonly resolve: Resolve;
  readonly expressions: Expressions;
  /** The version itself; null where the application has no service, and a path then cannot be asked. */
  readonly preview: {
    readonly version: string;
    ask(request: PreviewRequest): Promise<PreviewAnswer>;
  } | null;
  readonly timeoutMs: number;
}

/** What an expression may look at; a longer body is cut. */
const MAX_BODY_BYTES = 256 * 1024;

/** Characters of a body that a message repeats. */
const MOST_SAID = 200;

interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Asks once. No answer, or an expression that decides nothing, is inconclusive and never a pass. */
export async function askHttp(gate: HttpGate, ports: HttpGatePorts): Promise<Answer> {
  const what = `${gate.method} ${gate.path ?? gate.url ?? ''}`;
  try {
    const answered = gate.path === undefined ? await askUrl(gate, ports) : await askPreview(gate, ports);
    if (!answered.ok) return { verdict: 'inconclusive', message: `${what}: ${answered.error}` };
    const response = answered.value;
    const judged = await ports.expressions.evaluate(gate.expect, {
      response: { ...response, json: jsonOf(response.body) },
    });
    if (!judged.ok) {
      return {
        verdict: 'inconclusive',
        message: `${what} ${response.status}: "${gate.expect}" cannot be decided: ${judged.error}`,
      };
    }
    return judged.value
      ? { verdict: 'pass', message: `${what} ${response.status}` }
      : {
          verdict: 'fail',
          message: `${what} ${response.status}, "${gate.expect}" is false${saidIn(response.body)}`,
        };
  } catch (error) {
    return { verdict: 'inconclusive', message: `${what}: ${messageOf(error)}` };
  }
}

async function askPreview(gate: HttpGate, ports: HttpGatePorts): Promise<Result<Response>> {
  if (ports.preview === null) return { ok: false, error: 'the application has no service to ask a path of' };
  const answer = await ports.preview.ask({
    method: gate.method,
    path: gate.path ?? '/',
    headers: gate.headers,
    ...(gate.body === undefined ? {} : { body: gate.body }),
    timeoutMs: ports.timeoutMs,
    maxBytes: MAX_BODY_BYTES,
  });
  if (answer.version !== null && answer.version !== ports.preview.version) {
    return { ok: false, error: `${answer.version} answered instead of ${ports.preview.version}` };
  }
  return { ok: true, value: answer };
}

async function askUrl(gate: HttpGate, ports: HttpGatePorts): Promise<Result<Response>> {
  const url = new URL(gate.url ?? '');
  const target = await checkTarget(url, ports.resolve, gate);
  if (!target.ok) return target;
  const answer = await ports.network.request({
    url: url.href,
    method: gate.method,
    headers: gate.headers,
    ...(gate.body === undefined ? {} : { body: gate.body }),
    timeoutMs: ports.timeoutMs,
    maxBytes: MAX_BODY_BYTES,
    fresh: true,
    connectTo: target.value,
  });
  return {
    ok: true,
    value: { status: answer.status, headers: answer.headers, body: answer.body.toString('utf8') },
  };
}

/** Beginning of what was answered, on one line: mostly it says what is wrong. */
function saidIn(body: string): string {
  const text = body.replaceAll(/\s+/g, ' ').trim();
  if (text === '') return '';
  return `; it answered: ${text.length > MOST_SAID ? `${text.slice(0, MOST_SAID)}…` : text}`;
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Most bodies are no JSON; an expression that needs one then finds null and decides nothing.
    return null;
  }
}
