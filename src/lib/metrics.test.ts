import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

describe('metrics', () => {
  it('writes counters, gauges and histograms as OpenMetrics', () => {
    const metrics = createMetrics();
    const requests = metrics.counter('slipway_http_requests_total', 'Requests');
    requests.add(1, { verb: 'get', code: '200' });
    requests.add(2, { code: '200', verb: 'get' });
    metrics.gauge('slipway_watches', 'Open watches').set(3);
    metrics.histogram('slipway_wait_seconds', 'Waits', [0.1, 1]).observe(0.5, { a: 'x"y' });
    expect(metrics.text()).toBe(`# TYPE slipway_http_requests counter
# HELP slipway_http_requests Requests
slipway_http_requests_total{code="200",verb="get"} 3
# TYPE slipway_watches gauge
# HELP slipway_watches Open watches
slipway_watches 3
# TYPE slipway_wait_seconds histogram
# HELP slipway_wait_seconds Waits
slipway_wait_seconds_bucket{a="x\\"y",le="0.1"} 0
slipway_wait_seconds_bucket{a="x\\"y",le="1"} 1
slipway_wait_seconds_bucket{a="x\\"y",le="+Inf"} 1
slipway_wait_seconds_sum{a="x\\"y"} 0.5
slipway_wait_seconds_count{a="x\\"y"} 1
# EOF
`);
  });

  it('refuses a counter that falls and a name that is taken', () => {
    const metrics = createMetrics();
    const counter = metrics.counter('slipway_a_total', 'A');
    expect(() => counter.add(-1)).toThrow(RangeError);
    expect(() => metrics.counter('slipway_a_total', 'A')).toThrow(/twice/);
  });

  it('keeps a bounded number of series', () => {
    const metrics = createMetrics();
    const counter = metrics.counter('slipway_a_total', 'A');
    for (let i = 0; i < 3_000; i++) counter.add(1, { id: String(i) });
    expect(metrics.text().split('\n').length).toBeLessThan(2_010);
  });
});
