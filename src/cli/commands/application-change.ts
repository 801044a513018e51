import type { Application, ApplicationSpecInput } from '../../api/application.ts';
import type { Stored } from '../../api/meta.ts';
import { SlipwayError } from '../../lib/errors.ts';
import type { Connection, Context } from '../context.ts';
import { PINNED, type PinnedArtifact, pinArtifact } from '../manifest/artifacts.ts';
import { pack } from '../manifest/pack.ts';
import { list } from '../text/words.ts';
import { SOURCE_ANNOTATION, uploadedLine } from './apply-files.ts';

/** What the command line changes of one workload. */
export interface WorkloadChange {
  readonly artifact?: string;
  readonly image?: string;
  readonly workload?: string;
}

/** The application with its new artifact or image; undefined where nothing is to change. */
export async function changedApplication(
  context: Context,
  connection: Connection,
  application: Stored<Application>,
  change: WorkloadChange,
  options: { readonly upload: boolean },
): Promise<Stored<Application> | undefined> {
  const { artifact, image } = change;
  if (artifact === undefined && image === undefined) return undefined;
  if (artifact !== undefined && image !== undefined) {
    throw new SlipwayError('badRequest', 'Either --artifact or --image, not both.');
  }
  const copy = structuredClone(application);
  const { name, at } = workloadOf(copy, change.workload);
  if (image !== undefined) {
    delete at.artifact;
    at.image = image;
    return copy;
  }
  if (artifact === undefined) return undefined;
  delete at.image;
  if (PINNED.test(artifact)) {
    at.artifact = artifact;
    return copy;
  }
  const pinned: PinnedArtifact = await pinArtifact(name, artifact, {
    api: connection.api,
    pack,
    directory: context.io.directory,
    upload: options.upload,
    progress: (message) => context.note(message),
  });
  if (pinned.uploaded) context.note(uploadedLine(pinned));
  at.artifact = pinned.artifact;
  copy.metadata.annotations = { ...copy.metadata.annotations, [SOURCE_ANNOTATION]: pinned.source };
  return copy;
}

type Written = { artifact?: string | undefined; image?: string | undefined };

function workloadOf(
  { metadata, spec }: Stored<Application>,
  wanted: string | undefined,
): { name: string; at: Written } {
  const { workload, workloads } = spec as ApplicationSpecInput;
  if (workload !== undefined && (wanted === undefined || wanted === metadata.name))
    return { name: metadata.name, at: workload };
  const names = workload === undefined ? Object.keys(workloads ?? {}) : [metadata.name];
  const only = wanted ?? (names.length === 1 ? names[0] : undefined);
  const at = only === undefined ? undefined : workloads?.[only];
  if (only !== undefined && at !== undefined) return { name: only, at };
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
