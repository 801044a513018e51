import type { Execution, ExecutionSpec } from '../api/execution.ts';
import { API_VERSION } from '../api/meta.ts';
import type { Revision } from '../api/revision.ts';
import { isSlipwayError, SlipwayError } from '../lib/errors.ts';
import type { Store } from '../store/store.ts';
import { LABELS, labelValue } from './context.ts';

/** Makes an Execution under its deterministic name; one that exists is the same order made before (INV-14). */
export async function makeExecution(
  store: Store,
  where: { namespace: string; name: string },
  spec: Omit<ExecutionSpec, 'from' | 'to'> & { from: string | null; to: string },
): Promise<void> {
  const pinned = async (name: string) => {
    const revision = await store.get<Revision>({ kind: 'Revision', namespace: where.namespace, name });
    if (revision === undefined)
      throw new SlipwayError('internal', `revision ${name} of execution ${where.name} is gone`);
    return { name, spec: revision.spec };
  };
  const execution: Execution = {
    apiVersion: API_VERSION,
    kind: 'Execution',
    metadata: {
      name: where.name,
      namespace: where.namespace,
      labels: {
        [LABELS.application]: String(spec.application),
        [LABELS.environment]: String(spec.environment),
        ...(typeof spec.release === 'string' ? { [LABELS.release]: labelValue(spec.release) } : {}),
      },
    },
    spec: {
      ...spec,
      from: spec.from === null ? null : await pinned(spec.from),
      to: await pinned(spec.to),
    } as ExecutionSpec,
    status: {
      phase: 'Pending',
      instructions: [],
      failure: null,
      traffic: null,
      acceptedAt: null,
      endedAt: null,
    },
  };
  await createOnce(store, execution);
}

/** Creates an object; that it is there already is success, since its name says what it is. */
export async function createOnce(store: Store, object: Parameters<Store['create']>[0]): Promise<void> {
  try {
    await store.create(object);
  } catch (error) {
    if (!isSlipwayError(error, 'alreadyExists')) throw error;
  }
}
