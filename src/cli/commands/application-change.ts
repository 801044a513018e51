import type { Application, ApplicationSpecInput } from '../../api/application.ts';
import type { Stored } from '../../api/meta.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Connection, Context } from '../context.ts';
import { environmentsOf, namedEnvironment } from '../environments.ts';
import { PINNED, type PinnedArtifact, pinArtifact } from '../manifest/artifacts.ts';
import { pack } from '../manifest/pack.ts';
import { list } from '../text/words.ts';
import { SOURCE_ANNOTATION, uploadedLine } from './apply-files.ts';
import { type Content, pathOf, touched, type Where, withContent, writesOverride } from './artifact-scope.ts';

/** What the command line changes of one workload. */
export interface WorkloadChange {
  readonly artifact?: string;
  readonly image?: string;
  readonly workload?: string;
}

/** A change of content that can be made to the application as it stands whenever it is written. */
export interface ContentChange {
  apply(application: Stored<Application>): Stored<Application>;
  /** What of the application it depends on. */
  touched(application: Stored<Application>): unknown;
  /** Where it is written, where that is the override of one environment. */
  readonly override: string | undefined;
}

/** The new artifact or image, packed and perhaps uploaded; undefined where nothing is to change. */
export async function contentChange(
  context: Context,
  connection: Connection,
  application: Stored<Application>,
  change: WorkloadChange,
  options: { readonly upload: boolean },
): Promise<ContentChange | undefined> {
  const { artifact, image } = change;
  if (artifact === undefined && image === undefined) return undefined;
  if (artifact !== undefined && image !== undefined) {
    throw new SlipwayError('badRequest', 'Either --artifact or --image, not both.');
  }
  const { metadata } = application;
  const spec = application.spec as ApplicationSpecInput;
  const workload = workloadOf(application, change.workload);
  const where: Where = { workload, environment: connection.environment };
  const environments = await environmentsOf(connection, { name: metadata.name, spec });
  const named = namedEnvironment(context) !== undefined;
  const override = writesOverride(spec, where, { named, environments });
  const { content, source } = await contentOf(
    context,
    connection,
    workload ?? metadata.name,
    change,
    options,
  );
  return {
    apply: (stored) => ({
      ...stored,
      metadata: {
        ...stored.metadata,
        ...(source === undefined
          ? {}
          : { annotations: { ...stored.metadata.annotations, [SOURCE_ANNOTATION]: source } }),
      },
      spec: withContent(stored.spec as ApplicationSpecInput, where, content, override) as Application['spec'],
    }),
    touched: (stored) => touched(stored.spec as ApplicationSpecInput, where),
    override: override ? pathOf(where, true) : undefined,
  };
}

async function contentOf(
  context: Context,
  connection: Connection,
  workload: string,
  { artifact, image }: WorkloadChange,
  { upload }: { readonly upload: boolean },
): Promise<{ content: Content; source?: string }> {
  if (artifact === undefined) return { content: { image: image ?? '' } };
  if (PINNED.test(artifact)) return { content: { artifact } };
  const pinned: PinnedArtifact = await pinArtifact(workload, artifact, {
    api: connection.api,
    pack,
    directory: context.io.directory,
    upload,
    progress: (message) => context.note(message),
  });
  if (pinned.uploaded) context.note(uploadedLine(pinned));
  return { content: { artifact: pinned.artifact }, source: pinned.source };
}

/** Which workload is meant: undefined for the only one, which has the application's name. */
function workloadOf({ metadata, spec }: Stored<Application>, wanted: string | undefined): string | undefined {
  const { workload, workloads } = spec as ApplicationSpecInput;
  if (workload !== undefined && (wanted === undefined || wanted === metadata.name)) return undefined;
  const names = workload === undefined ? Object.keys(workloads ?? {}) : [metadata.name];
  const only = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (only !== undefined && workloads?.[only] !== undefined) return only;
  if (names.length === 0) {
    throw new SlipwayError(
      'refused',
      `${metadata.name} is made by a template; its artifact is a parameter.`,
      {
        next: `slipway get app ${metadata.name} -o yaml`,
      },
    );
  }
  const what =
    wanted === undefined
      ? `${metadata.name} has several workloads`
      : `${metadata.name} has no workload ${wanted}`;
  throw new SlipwayError('badRequest', `${what}: ${list(names)}.`, {
    next: `Say which one: --workload ${names[0]}`,
  });
}
