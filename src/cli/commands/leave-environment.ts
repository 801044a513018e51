import type { Application, ApplicationSpecInput } from '../../api/application.ts';
import type { Stored } from '../../api/meta.ts';
import type { Track } from '../../api/revision.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { confirm } from '../confirm.ts';
import type { Connection, Context } from '../context.ts';
import { environmentsOf } from '../environments.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { list } from '../text/words.ts';

const POLL_MS = 100;

/**
 * `slipway delete app shop -e staging`: the application leaves one environment and stays in the others. It is written
 * to its spec (`environments.staging.absent`), so that neither a restart nor the next change brings it back.
 */
export async function leaveEnvironment(
  context: Context,
  connection: Connection,
  application: Stored<Application>,
  { environment, wait }: { readonly environment: string; readonly wait: boolean },
): Promise<ExitCode> {
  const { api, namespace } = connection;
  const { name } = application.metadata;
  const track = `${name}-${environment}`;
  const before = await api.find<Track>('Track', track, { namespace });
  const others = (await environmentsOf(connection, { name, spec: application.spec })).filter(
    (each) => each !== environment,
  );
  const stands = before?.spec.application === name && before.spec.environment === environment;
  const named = (application.spec as ApplicationSpecInput).environments?.[environment];
  if (!stands && (named === undefined || named.absent === true)) {
    throw new SlipwayError(
      'notFound',
      `${name} is not in ${environment}; it is in ${others.length === 0 ? 'no environment' : list(others)}.`,
      { next: `slipway describe app ${name}` },
    );
  }
  await confirm(context, [
    `This takes application/${name} out of ${environment}: its users there get no answer any more, its instances are drained and end.`,
    others.length === 0
      ? `It is in no other environment; to delete it altogether: slipway delete app ${name}`
      : `It stays in ${list(others)}.`,
  ]);
  await api.patch('Application', name, { spec: { environments: { [environment]: { absent: true } } } });
  const done = context.paint.good('✓');
  context.print(
    `${done} application/${name} ${wait ? 'leaves' : 'will leave'} ${environment} (spec.environments.${environment}.absent)`,
  );
  if (!wait || before === undefined) return EXIT.ok;
  const signal = context.interrupt.claim();
  while ((await api.find<Track>('Track', track, { namespace }))?.metadata.uid === before.metadata.uid) {
    if (signal.aborted) {
      context.note('', `Stopped waiting. ${name} goes on leaving ${environment}.`);
      return EXIT.interrupted;
    }
    await context.clock.sleep(POLL_MS, signal).catch(() => undefined);
  }
  context.print(`${done} application/${name} is gone from ${environment}`);
  return EXIT.ok;
}
