import { chown, mkdir } from 'node:fs/promises';
import { isSlipwayError, messageOf } from '../../lib/errors.ts';
import type { ProcessIdentity } from '../../lib/processes.ts';
import type { WorkloadWish } from '../cluster-driver.ts';
import { instanceEnvironment, resolveVariables } from './environment.ts';
import { preflight } from './executable.ts';
import { exhausted, type Failure } from './failures.ts';
import type { InstanceContext } from './instance-context.ts';
import { type InstanceRecord, instancePaths } from './instance-record.ts';
import type { Surroundings } from './readiness.ts';

/** A start that could not be made, in the words of a WorkloadProblem. */
export class StartFailed extends Error {
  override readonly name = 'StartFailed';
  readonly failure: Omit<Failure, 'lines'>;
  constructor(failure: Omit<Failure, 'lines'>, cause?: unknown) {
    super(failure.message, { cause });
    this.failure = failure;
  }
}

/**
 * Makes one instance's directory and process. `intend` makes its record durable, without an identity, before
 * there is anything to identify. Rejects with StartFailed; then there is no process.
 */
export async function startInstance(
  context: InstanceContext,
  wish: WorkloadWish,
  planned: InstanceRecord,
  intend: () => Promise<void>,
): Promise<{ surroundings: Surroundings; identity: ProcessIdentity }> {
  const paths = instancePaths(context.instancesRoot, planned.id);
  try {
    const surroundings = await surroundingsOf(context, wish, planned);
    // Not recursive: a name that was used before is refused, and the next start takes another.
    await mkdir(paths.directory, { mode: 0o711 });
    for (const own of [paths.run, paths.home]) {
      await mkdir(own, { mode: 0o700 });
      if (context.user !== undefined) await chown(own, context.user.uid, context.user.gid);
    }
    await intend();
    const identity = await context.processes.spawnGroup({
      argv: wish.spec.command,
      cwd: surroundings.cwd,
      env: surroundings.env,
      logFile: paths.log,
      exitFile: paths.exit,
      ...(context.user === undefined ? {} : { user: context.user }),
    });
    return { surroundings, identity };
  } catch (cause) {
    throw couldNotStart(cause);
  }
}

/** Everything that must be there before a process is. Rejects with StartFailed. */
export async function surroundingsOf(
  context: InstanceContext,
  wish: WorkloadWish,
  record: InstanceRecord,
): Promise<Surroundings> {
  const { spec } = wish;
  if (spec.image !== undefined && spec.artifact === undefined) {
    throw new StartFailed({
      reason: 'cannotStart',
      message: `"${spec.name}" has an image, and this machine runs directories: give it an artifact`,
      permanent: true,
    });
  }
  const paths = instancePaths(context.instancesRoot, record.id);
  const [root, variables] = await Promise.all([artifactOf(context, wish), variablesOf(context, wish)]);
  const env = instanceEnvironment({
    path: context.path,
    home: paths.home,
    variables,
    port:
      spec.port === undefined || record.port === null ? null : { env: spec.port.env, number: record.port },
    version: record.key.version,
    instance: record.id,
  });
  const checked = await preflight({
    argv: spec.command,
    root: root ?? '/',
    workingDirectory: spec.workingDirectory,
    path: env.PATH ?? context.path,
    user: context.user,
  });
  if (!checked.ok) throw new StartFailed({ reason: 'cannotStart', message: checked.reason, permanent: true });
  return { cwd: checked.cwd, env, user: context.user };
}

async function artifactOf(context: InstanceContext, wish: WorkloadWish): Promise<string | undefined> {
  const { artifact } = wish.spec;
  if (artifact === undefined) return undefined;
  try {
    return await context.artifacts(artifact);
  } catch (cause) {
    const ranOut = exhausted(cause);
    if (ranOut !== undefined)
      throw new StartFailed({ reason: 'outOfResources', message: ranOut, permanent: false }, cause);
    const message = `artifact ${artifact.slice(0, 19)}… cannot be had: ${messageOf(cause)}`;
    throw new StartFailed(
      { reason: 'artifactMissing', message, permanent: isSlipwayError(cause, 'notFound') },
      cause,
    );
  }
}

async function variablesOf(
  context: InstanceContext,
  wish: WorkloadWish,
): Promise<Readonly<Record<string, string>>> {
  const missing = (message: string, cause?: unknown): StartFailed =>
    new StartFailed({ reason: 'secretMissing', message, permanent: false }, cause);
  const resolved = await resolveVariables(wish.spec.env, async (name) => {
    try {
      return await context.secrets(wish.key.namespace, name);
    } catch (cause) {
      if (isSlipwayError(cause, 'notFound')) return undefined;
      throw missing(`Secret "${name}" cannot be had: ${messageOf(cause)}`, cause);
    }
  });
  if (!resolved.ok) throw missing(resolved.missing);
  return resolved.values;
}

function couldNotStart(cause: unknown): StartFailed {
  if (cause instanceof StartFailed) return cause;
  const ranOut = exhausted(cause);
  return ranOut === undefined
    ? new StartFailed({ reason: 'cannotStart', message: messageOf(cause), permanent: false }, cause)
    : new StartFailed(
        { reason: 'outOfResources', message: `the start failed since ${ranOut}`, permanent: false },
        cause,
      );
}
