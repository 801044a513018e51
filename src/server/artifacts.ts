import { Readable } from 'node:stream';
import { Digest } from '../api/meta.ts';
import { isSlipwayError, SlipwayError } from '../lib/errors.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { Answer, Call, Route } from './route.ts';

/** Content by digest: what the CLI uploads before it names the digest in an Application. */
export function artifactRoutes(deps: ServerDependencies): Route[] {
  const about = { url: '/artifacts/v1/:digest', resource: 'artifacts/content', stream: true } as const;
  return [
    {
      ...about,
      method: 'HEAD',
      verb: 'get',
      summary: 'Ask whether content is there',
      handle: (call) => ask(call, deps),
    },
    {
      ...about,
      method: 'PUT',
      verb: 'create',
      body: 'bytes',
      summary: 'Upload content; its digest is checked',
      handle: (call) => upload(call, deps),
    },
  ];
}

async function ask(call: Call, deps: ServerDependencies): Promise<Answer> {
  return { status: (await deps.artifacts.has(digestOf(call))) ? 200 : 404, empty: true };
}

async function upload(call: Call, deps: ServerDependencies): Promise<Answer> {
  const digest = digestOf(call);
  const { artifactBytes } = deps.limits;
  if (Number(call.raw.headers['content-length'] ?? 0) > artifactBytes) {
    throw new SlipwayError('tooLarge', `the artifact is larger than ${artifactBytes} bytes`, {
      next: 'leave out what the application does not need at run time',
    });
  }
  const stored = await deps.artifacts
    .put(bytesOf(call, deps), { maxBytes: artifactBytes, expectedDigest: digest })
    .catch((cause: unknown) => {
      if (isSlipwayError(cause)) throw cause;
      if (call.raw.destroyed) throw new SlipwayError('badRequest', 'the upload broke off', { cause });
      throw cause;
    });
  return { status: stored.existed ? 200 : 201, json: { digest: stored.digest, size: stored.size } };
}

/** The body as it comes; one that pauses for too long breaks off, so that it holds no connection for ever. */
async function* bytesOf(call: Call, deps: ServerDependencies): AsyncGenerator<Uint8Array> {
  const arm = () =>
    deps.clock.setTimer(deps.limits.bodyMs, () =>
      call.raw.destroy(new Error('the upload paused for too long')),
    );
  let timer = arm();
  try {
    // What refuses the content must not end the connection: the answer says why.
    for await (const chunk of call.raw.iterator({ destroyOnReturn: false })) {
      timer[Symbol.dispose]();
      yield chunk as Uint8Array;
      timer = arm();
    }
  } finally {
    timer[Symbol.dispose]();
  }
  if (!call.raw.complete) throw new SlipwayError('badRequest', 'the upload broke off');
}

/** A digest of the address as the store knows it; `badRequest` for anything else, paths above all. */
export function digestOf(call: Pick<Call, 'params'>): string {
  const parsed = Digest.safeParse(call.params.digest);
  if (!parsed.success)
    throw new SlipwayError('badRequest', 'a digest is sha256: and 64 hex digits in lower case');
  return parsed.data;
}

/** Content as an answer. */
export async function contentAnswer(digest: string, deps: ServerDependencies): Promise<Answer> {
  const found = await deps.artifacts.open(digest);
  if (found === undefined) throw new SlipwayError('notFound', `there is no artifact ${digest}`);
  return {
    bytes: Readable.from(found.content, { objectMode: false }),
    type: 'application/octet-stream',
    size: found.size,
  };
}
