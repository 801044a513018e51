import type { IncomingMessage } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import { SlipwayError } from '../lib/errors.ts';
import type { ServerLimits } from './dependencies.ts';
import { parseJson } from './json-body.ts';
import type { Route } from './route.ts';

const JSON_TYPES = ['application/json'];
const PATCH_TYPES = ['application/merge-patch+json', 'application/json'];

/** A content type that the route does not read. Kubernetes' clients try another one on 415. */
class UnsupportedMediaType extends Error {
  readonly statusCode = 415;
}

/** The parsed body of a JSON route; undefined where there is none and none is needed. */
export async function readJson(
  raw: IncomingMessage,
  kind: NonNullable<Route['body']>,
  limits: ServerLimits,
  clock: Clock,
): Promise<unknown> {
  const bytes = await collect(raw, limits, clock);
  if (bytes.length === 0 && kind === 'optionalJson') return undefined;
  const allowed = kind === 'mergePatch' ? PATCH_TYPES : JSON_TYPES;
  const type = (raw.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!allowed.includes(type)) {
    throw new UnsupportedMediaType(
      `the body is ${type === '' ? 'of no content type' : 'of a content type that is not read here'}; allowed: ${allowed.join(', ')}`,
    );
  }
  return parseJson(bytes);
}

async function collect(raw: IncomingMessage, limits: ServerLimits, clock: Clock): Promise<Buffer> {
  const tooLarge = () =>
    new SlipwayError('tooLarge', `the body is larger than ${limits.bodyBytes} bytes`, {
      next: 'content belongs into an artifact: slipway release APP --artifact DIRECTORY',
    });
  if (Number(raw.headers['content-length'] ?? 0) > limits.bodyBytes) throw tooLarge();
  return new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = clock.setTimer(limits.bodyMs, () =>
      finish(() =>
        reject(new SlipwayError('badRequest', `the body did not arrive within ${limits.bodyMs} ms`)),
      ),
    );
    const finish = (settle: () => void) => {
      timer[Symbol.dispose]();
      raw.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      settle();
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limits.bodyBytes) {
        raw.pause();
        finish(() => reject(tooLarge()));
      } else chunks.push(chunk);
    };
    const onEnd = () => finish(() => resolve(Buffer.concat(chunks)));
    const onError = (cause: unknown) =>
      finish(() => reject(new SlipwayError('badRequest', 'the body broke off', { cause })));
    const onClose = () => onError(undefined);
    raw.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}
