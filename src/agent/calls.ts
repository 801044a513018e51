import * as z from 'zod';
import type { ClusterDriver, TrafficRouter } from '../drivers/cluster-driver.ts';
import type { AgentFrame, ManagerFrame } from '../execution/protocol.ts';
import { messageOf } from '../lib/errors.ts';

/** Lines that instances wrote, oldest first; with `follow` it ends only by the signal. */
export interface LogSource {
  read(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
}
export interface LogLine {
  readonly instance: string;
  readonly line: string;
  /** RFC 3339, where it is known. */
  readonly at?: string;
}
const logQuery = z.looseObject({
  namespace: z.string(),
  application: z.string(),
  environment: z.string().optional(),
  workload: z.string().optional(),
  instance: z.string().optional(),
  follow: z.boolean().default(false),
  tailLines: z.number().int().min(0).max(100_000).default(100),
});
export type LogQuery = z.output<typeof logQuery>;

const instancesQuery = z.looseObject({
  namespace: z.string().optional(),
  application: z.string().optional(),
  environment: z.string().optional(),
});
const serviceQuery = z.looseObject({
  service: z.object({
    namespace: z.string(),
    application: z.string(),
    environment: z.string(),
    workload: z.string(),
  }),
});

/** Characters of one line of a log; a frame has its limit. */
const LONGEST_LINE = 64 * 1024;

type Call = Extract<ManagerFrame, { type: 'call' }>;

export interface CallsOptions {
  readonly driver: ClusterDriver;
  readonly trafficRouter: TrafficRouter;
  readonly logs: LogSource | undefined;
  /** Resolves when the frame was handed on; false when the connection is gone. */
  send(frame: AgentFrame): Promise<boolean>;
}

/** Answers what people ask through the manager; reads alone. A hang-up or a lost connection ends it. */
export class Calls {
  readonly #options: CallsOptions;
  readonly #running = new Map<number, AbortController>();

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  begin(call: Call): void {
    const control = new AbortController();
    this.#running.set(call.id, control);
    void this.#answer(call, control.signal).finally(() => this.#running.delete(call.id));
  }

  hangUp(id: number): void {
    this.#running.get(id)?.abort(new Error('nobody waits any more'));
  }

  /** The connection is gone, and with it everyone who asked. */
  hangUpAll(): void {
    for (const id of this.#running.keys()) this.hangUp(id);
  }

  async #answer({ id, method, params }: Call, signal: AbortSignal): Promise<void> {
    try {
      for await (const data of this.#read(method, params, signal)) {
        if (signal.aborted || !(await this.#options.send({ type: 'data', id, data }))) return;
      }
      await this.#options.send({ type: 'data', id, end: true });
    } catch (error) {
      if (!signal.aborted) await this.#options.send({ type: 'data', id, end: true, error: messageOf(error) });
    }
  }

  async *#read(
    method: Call['method'],
    params: Call['params'],
    signal: AbortSignal,
  ): AsyncGenerator<unknown, void, void> {
    const { driver, trafficRouter, logs } = this.#options;
    switch (method) {
      case 'logs':
        if (logs === undefined) throw new Error('this cluster keeps no logs');
        for await (const line of logs.read(logQuery.parse(params), signal)) {
          yield line.line.length <= LONGEST_LINE
            ? line
            : { ...line, line: `${line.line.slice(0, LONGEST_LINE)} … (cut)` };
        }
        return;
      case 'instances': {
        const { namespace, application, environment } = instancesQuery.parse(params);
        const all = await driver.list();
        yield all.filter(
          ({ key }) =>
            (namespace === undefined || key.namespace === namespace) &&
            (application === undefined || key.application === application) &&
            (environment === undefined || key.environment === environment),
        );
        return;
      }
      case 'totals':
        yield await trafficRouter.totals(serviceQuery.parse(params).service);
    }
  }
}
