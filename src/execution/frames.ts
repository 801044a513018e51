import * as z from 'zod';
import { ExecutionSpec, ExecutionStatus, GateRunStatus } from '../api/execution.ts';
import { TrafficTotals } from '../api/release.ts';
import { Place, Standing } from '../api/standing.ts';
import type { Result } from '../lib/errors.ts';
import type { AgentFrame, ManagerFrame } from './protocol.ts';

/**
 * Both directions of the protocol, checked before anything looks at them (INV-19): a frame of an unknown
 * type, or with a value that this program does not know, is refused with words and never guessed at.
 */
const execution = { execution: z.string().min(1), namespace: z.string().min(1) };
const position = { epoch: z.number().int(), sequence: z.number().int() };
const id = z.number().int().min(0);

const agentFrame = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('hello'),
    protocol: z.number().int(),
    version: z.string(),
    cluster: z.string().min(1),
    holds: z.array(z.strictObject({ ...execution, uid: z.string(), ...position, final: z.boolean() })),
    address: z.strictObject({ entry: z.array(z.string()) }),
  }),
  z.strictObject({ type: z.literal('accepted'), ...execution, ...position }),
  z.strictObject({ type: z.literal('refused'), ...execution, reason: z.string() }),
  z.strictObject({
    type: z.literal('report'),
    ...execution,
    number: z.number().int(),
    status: ExecutionStatus,
    gateRuns: z.record(z.string(), GateRunStatus),
  }),
  z.strictObject({ type: z.literal('traffic'), subject: z.string(), totals: TrafficTotals }),
  z.strictObject({
    type: z.literal('standing'),
    number: z.number().int(),
    whole: z.boolean(),
    places: z.array(Standing),
    busy: z.array(Place),
  }),
  z.strictObject({
    type: z.literal('data'),
    id,
    data: z.unknown().optional(),
    end: z.boolean().optional(),
    error: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('pong'), id }),
]);

const managerFrame = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('welcome'), version: z.string(), leaseMs: z.number().int().min(1) }),
  z.strictObject({ type: z.literal('order'), ...execution, uid: z.string(), spec: ExecutionSpec }),
  z.strictObject({ type: z.literal('cancel'), subject: z.string(), belowEpoch: z.number().int() }),
  z.strictObject({ type: z.literal('reported'), ...execution, number: z.number().int() }),
  z.strictObject({ type: z.literal('forget'), subject: z.string() }),
  z.strictObject({
    type: z.literal('call'),
    id,
    method: z.enum(['logs', 'instances', 'totals']),
    params: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({ type: z.literal('hangUp'), id }),
  z.strictObject({ type: z.literal('ping'), id }),
  z.strictObject({ type: z.literal('error'), message: z.string() }),
]);

export interface BadFrame {
  readonly message: string;
  /** Of an order that could not be understood: who must be told so. */
  readonly order: { readonly execution: string; readonly namespace: string } | null;
}

export const parseAgentFrame = (text: string): Result<AgentFrame, BadFrame> => parse(agentFrame, text);
export const parseManagerFrame = (text: string): Result<ManagerFrame, BadFrame> => parse(managerFrame, text);

function parse<T>(schema: z.ZodType, text: string): Result<T, BadFrame> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, error: { message: 'the frame is no JSON', order: null } };
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data as T };
  const issue = parsed.error.issues[0];
  const where = issue === undefined ? '' : issue.path.map(String).join('.');
  const message = `${where === '' ? 'frame' : where}: ${issue?.message ?? 'not understood'}`;
  return { ok: false, error: { message, order: orderOf(value) } };
}

function orderOf(value: unknown): BadFrame['order'] {
  const order = z.object({ type: z.literal('order'), ...execution }).safeParse(value);
  return order.success ? { execution: order.data.execution, namespace: order.data.namespace } : null;
}
