/**
 * Counts for OpenMetrics (`slipway_` prefix, base units, `_total`; no ids in labels, so that the number of
 * series stays bounded). A registry per process; nothing is global.
 */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount?: number, labels?: Labels): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
  add(amount: number, labels?: Labels): void;
}
export interface Histogram {
  /** In the metric's base unit: seconds or bytes. */
  observe(value: number, labels?: Labels): void;
}

export interface Metrics {
  counter(name: `slipway_${string}_total`, help: string): Counter;
  gauge(name: `slipway_${string}`, help: string): Gauge;
  histogram(name: `slipway_${string}`, help: string, buckets?: readonly number[]): Histogram;
  /** All of it as text; `contentType` says which. */
  text(): string;
}

export const METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
/** Seconds: from half a millisecond to ten seconds. */
export const DURATION_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
/** Series of one metric; more is a mistake in its labels, and what comes beyond is not kept. */
const MAX_SERIES = 2_000;

interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly lines: () => string[];
}

export function createMetrics(): Metrics {
  const families = new Map<string, Family>();
  const register = (name: string, family: Family) => {
    if (families.has(name)) throw new TypeError(`the metric ${name} is registered twice`);
    families.set(name, family);
  };
  return {
    counter(name, help) {
      const series = new Series<{ value: number }>(() => ({ value: 0 }));
      register(name.replace(/_total$/, ''), {
        type: 'counter',
        help,
        lines: () => series.map((labels, cell) => `${name}${labels} ${cell.value}`),
      });
      return {
        add: (amount = 1, labels = {}) => {
          if (amount < 0) throw new RangeError(`${name} only rises`);
          const cell = series.at(labels);
          if (cell !== undefined) cell.value += amount;
        },
      };
    },
    gauge(name, help) {
      const series = new Series<{ value: number }>(() => ({ value: 0 }));
      register(name, {
        type: 'gauge',
        help,
        lines: () => series.map((labels, cell) => `${name}${labels} ${cell.value}`),
      });
      return {
        set: (value, labels = {}) => {
          const cell = series.at(labels);
          if (cell !== undefined) cell.value = value;
        },
        add: (amount, labels = {}) => {
          const cell = series.at(labels);
          if (cell !== undefined) cell.value += amount;
        },
      };
    },
    histogram(name, help, buckets = DURATION_BUCKETS) {
      const series = new Series(() => ({ counts: buckets.map(() => 0), sum: 0, count: 0 }));
      register(name, {
        type: 'histogram',
        help,
        lines: () =>
          series.flatMap((labels, cell) => [
            ...buckets.map(
              (bound, i) => `${name}_bucket${withLabel(labels, 'le', String(bound))} ${cell.counts[i]}`,
            ),
            `${name}_bucket${withLabel(labels, 'le', '+Inf')} ${cell.count}`,
            `${name}_sum${labels} ${cell.sum}`,
            `${name}_count${labels} ${cell.count}`,
          ]),
      });
      return {
        observe: (value, labels = {}) => {
          const cell = series.at(labels);
          if (cell === undefined) return;
          cell.sum += value;
          cell.count += 1;
          for (const [i, bound] of buckets.entries())
            if (value <= bound) cell.counts[i] = (cell.counts[i] ?? 0) + 1;
        },
      };
    },
    text() {
      const blocks = [...families].flatMap(([name, family]) => [
        `# TYPE ${name} ${family.type}`,
        `# HELP ${name} ${escaped(family.help)}`,
        ...family.lines(),
      ]);
      return `${[...blocks, '# EOF'].join('\n')}\n`;
    },
  };
}

/** One cell per combination of labels, keyed by its text. */
class Series<T> {
  readonly #cells = new Map<string, T>();
  readonly #make: () => T;
  constructor(make: () => T) {
    this.#make = make;
  }
  at(labels: Labels): T | undefined {
    const key = labelText(labels);
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      if (this.#cells.size >= MAX_SERIES) return undefined;
      cell = this.#make();
      this.#cells.set(key, cell);
    }
    return cell;
  }
  map(line: (labels: string, cell: T) => string): string[] {
    return [...this.#cells].map(([labels, cell]) => line(labels, cell));
  }
  flatMap(lines: (labels: string, cell: T) => string[]): string[] {
    return [...this.#cells].flatMap(([labels, cell]) => lines(labels, cell));
  }
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

function labelText(labels: Labels): string {
  const parts = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

const withLabel = (labels: string, name: string, value: string): string =>
  labels === '' ? `{${name}="${value}"}` : `${labels.slice(0, -1)},${name}="${value}"}`;
