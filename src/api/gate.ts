import * as z from 'zod';
import { Duration } from './duration.ts';
import { exactlyOne } from './exactly-one.ts';
import { Name } from './meta.ts';

const base = {
  name: Name,
  /** Stage number; `before` asks before the stage starts, `after` when it is done. */
  before: z.number().int().min(1).optional(),
  after: z.number().int().min(1).optional(),
  /** One asking may take this long. */
  timeout: Duration.default('10s'),
  /** Time between two askings. */
  interval: Duration.default('1s'),
  /** Consecutive successes that make a pass. */
  successes: z.number().int().min(1).max(1_000).default(1),
  /** Failed askings that make a fail. */
  failureLimit: z.number().int().min(1).max(1_000).default(1),
};

export const HttpGate = z.strictObject({
  /** A path alone means the new version itself, at its preview. */
  path: z.string().startsWith('/').optional(),
  url: z.url({ protocol: /^https?$/ }).optional(),
  method: z.enum(['GET', 'HEAD', 'POST']).default('GET'),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  /** CEL over `response.status`, `response.headers`, `response.body`, `response.json`. */
  expect: z.string().default('response.status == 200'),
  /** Private addresses are refused unless this is set (threats.md, SSRF). Paths are always allowed. */
  allowPrivate: z.boolean().default(false),
});
export const CommandGate = z.strictObject({
  argv: z.array(z.string()).min(1),
  env: z.record(z.string(), z.string()).default({}),
  /** The same command may run twice after a crash. Otherwise an unknown outcome waits for a person. */
  idempotent: z.boolean().default(false),
});
export const ApprovalGate = z.strictObject({
  /** Role or names who may approve, with commas between; an admin always may. */
  by: z.string().default('releaser'),
  expires: Duration.default('24h'),
});
export const SoakGate = z.strictObject({ duration: Duration });

const AnyGate = z.strictObject({
  ...base,
  http: exactlyOne(HttpGate, ['path', 'url'], 'exactly one of path or url').optional(),
  command: CommandGate.optional(),
  approval: ApprovalGate.optional(),
  soak: SoakGate.optional(),
});
export const Gate = exactlyOne(
  exactlyOne(
    AnyGate,
    ['http', 'command', 'approval', 'soak'],
    'exactly one of http, command, approval or soak',
  ),
  ['before', 'after'],
  'exactly one of before or after',
);
export type Gate = z.output<typeof Gate>;
export type GateKind = 'http' | 'command' | 'approval' | 'soak';

export function gateKind(gate: Gate): GateKind {
  for (const kind of ['http', 'command', 'approval', 'soak'] as const)
    if (gate[kind] !== undefined) return kind;
  throw new TypeError(`gate ${gate.name} has no kind`);
}
