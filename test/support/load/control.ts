/**
 * The conversation between the load and whoever started it: one JSON object a line. Requests come in with an
 * `id` and are answered with it; `ready` is the first line out and `report` the last.
 */
import type { InFlight, LoadReport, Mark, Snapshot } from './report.ts';

export type ControlCommand =
  | { readonly cmd: 'mark'; readonly name: string }
  | { readonly cmd: 'inFlightAt'; readonly atMs: number }
  | { readonly cmd: 'snapshot' }
  | { readonly cmd: 'stop' };

export type ControlRequest = ControlCommand & { readonly id: number };

export type ControlMessage =
  | { readonly event: 'ready'; readonly pid: number; readonly seed: number }
  | { readonly event: 'report'; readonly report: LoadReport }
  | { readonly event: 'answer'; readonly id: number; readonly result: Mark | InFlight | Snapshot | null }
  | { readonly event: 'refusal'; readonly id: number | null; readonly error: string };

/** Throws an Error with the reason. */
export function parseControlRequest(line: string): ControlRequest {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  const request = value as Record<string, unknown>;
  const { id, cmd } = request;
  if (typeof id !== 'number') throw new Error('id: a number');
  if (cmd === 'snapshot' || cmd === 'stop') return { id, cmd };
  if (cmd === 'mark' && typeof request.name === 'string') return { id, cmd, name: request.name };
  if (cmd === 'inFlightAt' && typeof request.atMs === 'number') return { id, cmd, atMs: request.atMs };
  throw new Error('cmd: mark with a name, inFlightAt with atMs, snapshot or stop');
}
