import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instant } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { MaintainableStore, Store } from '../store/store.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { Answer, Route } from './route.ts';

/** A consistent copy of the store while it runs. It holds no tokens, and secrets only sealed. */
export function backupRoutes(deps: ServerDependencies): Route[] {
  return [
    {
      method: 'POST',
      url: '/maintenance/v1/backup',
      verb: 'create',
      resource: 'backups',
      body: 'optionalJson',
      stream: true,
      summary: 'Make a backup of the store and stream it',
      handle: () => backup(deps),
    },
  ];
}

async function backup(deps: ServerDependencies): Promise<Answer> {
  const { store } = deps;
  if (!canBackUp(store))
    throw new SlipwayError('refused', 'this store is backed up by its own tools, not by Slipway');
  const directory = await mkdtemp(join(tmpdir(), 'slipway-backup-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const file = join(directory, 'slipway.db');
    const { bytes } = await store.backup(file);
    const content = createReadStream(file);
    content.once('close', () => {
      remove().catch((error: unknown) =>
        deps.log.warn('a temporary backup was left behind', { directory, error }),
      );
    });
    const fileName = `slipway-${instant(deps.clock.now()).replaceAll(/[:.]/g, '-')}.db`;
    return { bytes: content, type: 'application/vnd.sqlite3', size: bytes, fileName };
  } catch (error) {
    await remove();
    throw error;
  }
}

const canBackUp = (store: Store): store is MaintainableStore =>
  typeof (store as Partial<MaintainableStore>).backup === 'function';
