import { isDeepStrictEqual } from 'node:util';
import type { Application } from '../../api/application.ts';
import type { Stored } from '../../api/meta.ts';
import { isSlipwayError } from '../../lib/errors.ts';
import type { Connection } from '../context.ts';
import type { ContentChange } from './application-change.ts';

/** Statuses are written many times while a release runs; each of these is another such moment. */
const TRIES = 10;

/**
 * Writes the change after it was checked against the very state that it goes over. What was written meanwhile
 * besides it, a status above all, is read again and worked in; another change of the same content is a conflict.
 */
export async function writeChecked(
  { api, namespace }: Connection,
  application: Stored<Application>,
  change: ContentChange,
  check: (changed: Stored<Application>) => Promise<void>,
): Promise<void> {
  const before = change.touched(application);
  let stored = application;
  for (let attempt = 1; ; attempt += 1) {
    const changed = change.apply(stored);
    await check(changed);
    try {
      await api.replace<Application>(changed, { namespace });
      return;
    } catch (error) {
      if (!isSlipwayError(error, 'conflict') || attempt === TRIES) throw error;
      const fresh = await api.get<Application>('Application', application.metadata.name, { namespace });
      const same = fresh.metadata.uid === application.metadata.uid;
      if (!same || !isDeepStrictEqual(change.touched(fresh), before)) throw error;
      stored = fresh;
    }
  }
}
