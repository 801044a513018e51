/** One column of `kubectl get` (additionalPrinterColumns). */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  readonly jsonPath: string;
  /** Above 0 it shows with `-o wide` alone. */
  readonly priority?: number;
}

const text = (name: string, jsonPath: string): PrinterColumn => ({ name, type: 'string', jsonPath });
const count = (name: string, jsonPath: string): PrinterColumn => ({ name, type: 'integer', jsonPath });
const wide = (column: PrinterColumn): PrinterColumn => ({ ...column, priority: 1 });
const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

/** What `slipway get` shows, as far as a path can say it. */
const BY_KIND: Readonly<Record<string, readonly PrinterColumn[]>> = {
  Cluster: [text('Connected', '.status.connected'), text('Version', '.status.version')],
  Environment: [text('Clusters', '.spec.clusters'), text('Approval', '.spec.protection.approval.by')],
  Application: [
    text('Ready', '.status.conditions[?(@.type=="Ready")].status'),
    text('Reason', '.status.conditions[?(@.type=="Ready")].reason'),
    wide(text('Message', '.status.conditions[?(@.type=="Ready")].message')),
  ],
  Revision: [
    text('App', '.spec.application'),
    text('Env', '.spec.environment'),
    count('Number', '.spec.number'),
    text('Source', '.spec.source'),
    wide(text('Digest', '.spec.digest')),
  ],
  Track: [
    text('Live', '.status.live'),
    text('Release', '.status.active.release'),
    text('Hold', '.status.hold.by'),
  ],
  Release: [
    text('App', '.spec.application'),
    text('From', '.spec.from'),
    text('To', '.spec.to'),
    text('Strategy', '.spec.plan.strategy'),
    text('Phase', '.status.phase'),
    text('Waiting for', '.status.waiting.for'),
    wide(text('Message', '.status.waiting.message')),
    wide(text('By', '.spec.requestedBy')),
  ],
  Execution: [
    text('Release', '.spec.release'),
    count('Stage', '.spec.stage'),
    text('Cluster', '.spec.cluster'),
    text('Phase', '.status.phase'),
  ],
  Command: [
    text('Verb', '.spec.verb'),
    text('Target', '.spec.target.name'),
    text('By', '.spec.by'),
    text('State', '.status.state'),
    text('Message', '.status.message'),
  ],
  GateRun: [
    text('Release', '.spec.release'),
    count('Stage', '.spec.stage'),
    text('Gate', '.spec.gate.name'),
    text('Verdict', '.status.verdict'),
    wide(text('Message', '.status.message')),
  ],
  Receipt: [
    text('Release', '.spec.release'),
    text('Phase', '.spec.phase'),
    count('Requests', '.spec.requests.total'),
    count('Failed', '.spec.requests.failed'),
  ],
};

export const printerColumns = (kind: string): readonly PrinterColumn[] => [...(BY_KIND[kind] ?? []), AGE];
