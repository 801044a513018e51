import { API_VERSION } from '../../api/meta.ts';
import type { Track } from '../../api/revision.ts';
import { isSlipwayError } from '../../lib/errors.ts';
import type { SecretUse } from '../../server/secret-uses.ts';
import { confirm } from '../confirm.ts';
import type { Connection, Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { useLines, usesOf } from './secret-uses-text.ts';
import { readValue, type ValueSource } from './secret-value.ts';

export type SetOptions = ValueSource;

/** The manager looks at a new value at once; one that is busy is not waited for longer. */
const LOOKED_AT_MS = 2_000;
const POLL_MS = 25;

/**
 * `slipway secret set`: a value that applications are started with makes a new revision of each, and where they
 * release by themselves a release begins. That is said and asked for before, and named after.
 */
export async function setSecret(
  context: Context,
  name: string,
  key: string,
  options: SetOptions,
): Promise<ExitCode> {
  const connection = await context.connect();
  const uses = usesOf(await connection.api.secretUses(name), key);
  const moves = uses.filter(({ automatic }) => automatic.length > 0);
  const rest = uses.filter(({ automatic }) => automatic.length === 0);
  // The value is asked for before: standard input may hold it, and then nobody can answer there.
  const value = await readValue(context, options, `${name}/${key}`);
  if (moves.length > 0) {
    await confirm(context, [
      `secret/${name} ${key} is in use, and a new value begins a release by itself of:`,
      ...useLines(moves),
    ]);
  }
  const before = await claimsOf(connection, moves);
  await setValue(connection, name, key, value);
  context.print(`${context.paint.good('✓')} secret/${name}: ${key} is set.`);
  for (const move of moves) context.print(await whatBegan(context, connection, move, before));
  for (const { application, environment } of rest)
    context.print(
      `  ${application} in ${environment} takes it with its next release:  slipway release ${application} -e ${environment}`,
    );
  if (uses.length === 0) context.print('  No application uses it yet.');
  return EXIT.ok;
}

async function setValue(
  { api, namespace }: Connection,
  name: string,
  key: string,
  value: string,
): Promise<void> {
  const spec = { data: { [key]: value } };
  try {
    await api.patch('Secret', name, { spec });
  } catch (error) {
    if (!isSlipwayError(error, 'notFound')) throw error;
    await api.create({ apiVersion: API_VERSION, kind: 'Secret', metadata: { name, namespace }, spec });
  }
}

type Place = Pick<SecretUse, 'application' | 'environment'>;

/** Releases that are claimed already: what comes beside them begins with the new value. */
async function claimsOf(connection: Connection, places: readonly Place[]): Promise<ReadonlySet<string>> {
  const all = await Promise.all(places.map((place) => claimed(connection, place)));
  return new Set(all.flat());
}

async function claimed({ api }: Connection, { application, environment }: Place): Promise<string[]> {
  const status = (await api.find<Track>('Track', `${application}-${environment}`))?.status;
  return [status?.active, ...(status?.queue ?? [])].flatMap((claim) =>
    claim == null ? [] : [claim.release],
  );
}

async function whatBegan(
  { clock }: Context,
  connection: Connection,
  place: Place,
  before: ReadonlySet<string>,
): Promise<string> {
  const deadline = clock.monotonic() + LOOKED_AT_MS;
  for (;;) {
    const release = (await claimed(connection, place)).find((each) => !before.has(each));
    if (release !== undefined)
      return `  release ${release} begins:  slipway describe release/${release} --watch`;
    // The same value again begins nothing.
    if (clock.monotonic() >= deadline)
      return `  ${place.application} in ${place.environment}:  slipway why ${place.application} -e ${place.environment}`;
    await clock.sleep(POLL_MS);
  }
}
