import { describe, expect, it } from 'vitest';
import type { ApplicationSpecInput } from '../../api/application.ts';
import { ownContent, pathOf, touched, type Where, withContent, writesOverride } from './artifact-scope.ts';

const spec = (more: Record<string, unknown> = {}): ApplicationSpecInput =>
  ({ workload: { artifact: 'old', replicas: 6 }, ...more }) as unknown as ApplicationSpecInput;
const staging: Where = { workload: undefined, environment: 'staging' };
const own = { environments: { staging: { workload: { artifact: 'own', replicas: 2 } } } };
const both = ['local', 'staging'];

describe('only the environment that was named moves', () => {
  it.each<[string, ApplicationSpecInput, boolean, string[], boolean]>([
    ['named, with others beside it', spec(), true, both, true],
    ['named, and the only one', spec(), true, ['staging'], false],
    ['named, with an artifact of its own', spec({ ...own, release: 'manual' }), true, ['staging'], true],
    ['named, and nothing moves by itself', spec({ release: 'manual' }), true, both, false],
    ['not named', spec(), false, both, false],
    ['not named, with an artifact of its own', spec(own), false, both, false],
  ])('%s', (_, written, named, environments, override) => {
    expect(writesOverride(written, staging, { named, environments })).toBe(override);
  });
});

describe('new content', () => {
  const artifact = { artifact: 'new' };
  it.each<
    [string, Record<string, unknown>, Where, { artifact: string } | { image: string }, boolean, unknown]
  >([
    ['in the base', {}, staging, artifact, false, { workload: { artifact: 'new', replicas: 6 } }],
    [
      'in the base, an image',
      {},
      staging,
      { image: 'shop:2' },
      false,
      { workload: { image: 'shop:2', replicas: 6 } },
    ],
    [
      'in the base, which the environment follows again',
      own,
      staging,
      artifact,
      false,
      {
        workload: { artifact: 'new', replicas: 6 },
        environments: { staging: { workload: { replicas: 2 } } },
      },
    ],
    [
      'in a new override',
      {},
      staging,
      artifact,
      true,
      {
        workload: { artifact: 'old', replicas: 6 },
        environments: { staging: { workload: { artifact: 'new' } } },
      },
    ],
    [
      'in an override with more in it',
      { environments: { staging: { routes: [], workload: { replicas: 2 } }, eu: {} } },
      staging,
      artifact,
      true,
      {
        workload: { artifact: 'old', replicas: 6 },
        environments: { staging: { routes: [], workload: { replicas: 2, artifact: 'new' } }, eu: {} },
      },
    ],
    [
      'in an override, of another kind than the base: that is hidden',
      {},
      staging,
      { image: 'shop:2' },
      true,
      {
        workload: { artifact: 'old', replicas: 6 },
        environments: { staging: { workload: { artifact: null, image: 'shop:2' } } },
      },
    ],
    [
      'in an override of one workload of several',
      { workload: undefined, workloads: { web: { artifact: 'old' }, worker: { artifact: 'old' } } },
      { workload: 'web', environment: 'staging' },
      artifact,
      true,
      {
        workloads: { web: { artifact: 'old' }, worker: { artifact: 'old' } },
        environments: { staging: { workloads: { web: { artifact: 'new' } } } },
      },
    ],
  ])('%s', (_, more, where, content, override, expected) => {
    const before = spec(more);
    const copy = structuredClone(before);
    expect(withContent(before, where, content, override)).toEqual(expected);
    expect(before).toEqual(copy);
  });

  it('says where it stands', () => {
    expect(pathOf(staging, true)).toBe('spec.environments.staging.workload');
    expect(pathOf({ workload: 'web', environment: 'local' }, false)).toBe('spec.workloads.web');
  });

  it('is in the way of another change of content alone', () => {
    const scaled = spec({ workload: { artifact: 'old', replicas: 8 } });
    expect(touched(scaled, staging)).toEqual(touched(spec(), staging));
    expect(touched(spec(own), staging)).not.toEqual(touched(spec(), staging));
    expect(ownContent(spec(own), staging)).toBe(true);
  });
});
