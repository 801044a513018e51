import { describe, expect, it } from 'vitest';
import { errorOfAnswer, isMissing, KubernetesError, noAnswer } from './api-error.ts';

const status = (code: number, reason: string, rest: Record<string, unknown> = {}) => ({
  apiVersion: 'v1',
  kind: 'Status',
  metadata: {},
  status: 'Failure',
  message: 'pods "web" is wrong',
  reason,
  code,
  ...rest,
});
const WHAT = 'get pods shop/web';

describe('the code of an answer', () => {
  it.each<[string, number, string, string]>([
    ['a malformed request', 400, 'BadRequest', 'badRequest'],
    ['no credentials', 401, 'Unauthorized', 'unauthorized'],
    ['a right that is missing', 403, 'Forbidden', 'forbidden'],
    ['an object that is missing', 404, 'NotFound', 'notFound'],
    ['a verb that the kind has not', 405, 'MethodNotAllowed', 'badRequest'],
    ['a name that is taken', 409, 'AlreadyExists', 'alreadyExists'],
    ['a write of another', 409, 'Conflict', 'conflict'],
    ['a version that is compacted', 410, 'Expired', 'gone'],
    ['a version that is compacted, in older words', 410, 'Gone', 'gone'],
    ['a body that is too large', 413, 'RequestEntityTooLarge', 'tooLarge'],
    ['an object that is not valid', 422, 'Invalid', 'invalid'],
    ['too many requests, which were not looked at', 429, 'TooManyRequests', 'unavailable'],
    ['a failure within', 500, 'InternalError', 'internal'],
    ['a server that cannot answer in time', 500, 'ServerTimeout', 'internal'],
    ['a server that is not there', 503, 'ServiceUnavailable', 'unavailable'],
    ['a time limit', 504, 'Timeout', 'timeout'],
  ])('%s', (_, http, reason, code) =>
    expect(errorOfAnswer(WHAT, http, status(http, reason), undefined)).toMatchObject({
      ...{ name: 'KubernetesError', code, http, reason },
      message: 'get pods shop/web: pods "web" is wrong',
    }),
  );

  it.each<[string, number, unknown, string]>([
    ['text of a proxy', 502, undefined, 'internal'],
    ['JSON that is no Status', 409, { error: 'x' }, 'conflict'],
  ])('of %s is that of the number', (_, http, body, code) =>
    expect(errorOfAnswer(WHAT, http, body, undefined)).toMatchObject({
      ...{ code, http, reason: null },
      message: `get pods shop/web: the server answered ${http}`,
    }),
  );

  it('says the number where a Status says no words', () => {
    const error = errorOfAnswer(WHAT, 409, status(409, 'Conflict', { message: undefined }), undefined);
    expect(error.message).toBe('get pods shop/web: the server answered 409');
  });

  it('keeps which fields were refused', () => {
    const causes = [{ reason: 'FieldValueInvalid', field: 'spec.replicas', message: 'must not be negative' }];
    const body = status(422, 'Invalid', { details: { causes } });
    expect(errorOfAnswer(WHAT, 422, body, undefined).details).toEqual([
      { path: 'spec.replicas', message: 'must not be negative' },
    ]);
  });
});

describe('the wait that a server asks for', () => {
  const asking = (retryAfterSeconds: number) =>
    status(429, 'TooManyRequests', { details: { retryAfterSeconds } });
  it.each<[string, unknown, string | undefined, number | null]>([
    ['is that of the header', undefined, '2', 2_000],
    ['is that of the details where there is no header', asking(3), undefined, 3_000],
    ['is that of the header before that of the details', asking(3), '2', 2_000],
    ['is that of the details where the header is a date', asking(3), 'Fri, 20 Nov 2026 14:02:11 GMT', 3_000],
    ['is none where nothing asks for one', status(429, 'TooManyRequests'), undefined, null],
    ['is none where the header is empty', undefined, '', null],
    ['is none where it lies in the past', undefined, '-1', null],
  ])('%s', (_, body, header, expected) =>
    expect(errorOfAnswer(WHAT, 429, body, header).retryAfterMs).toBe(expected),
  );
});

describe('what to run next', () => {
  it.each<[string, number, unknown, string | undefined]>([
    ['asks who we are', 401, status(401, 'Unauthorized'), 'kubectl auth whoami'],
    ['asks what is allowed', 403, status(403, 'Forbidden'), 'kubectl auth can-i --list'],
    ['asks which kinds there are where the path is not served', 404, undefined, 'kubectl api-resources'],
    ['is nothing where the kind is there and the object is not', 404, status(404, 'NotFound'), undefined],
    ['is nothing after a conflict', 409, status(409, 'Conflict'), undefined],
  ])('%s', (_, http, body, expected) =>
    expect(errorOfAnswer(WHAT, http, body, undefined).next?.split(':')[0]).toBe(expected),
  );
});

describe('an object is missing', () => {
  it.each<[string, unknown, boolean]>([
    ['where the server says so', errorOfAnswer(WHAT, 404, status(404, 'NotFound'), undefined), true],
    ['and not where its kind is', errorOfAnswer(WHAT, 404, undefined, undefined), false],
    ['and not where no answer came', noAnswer(WHAT, 'it cannot be reached'), false],
    ['and not by an error of another origin', new Error('NotFound'), false],
  ])('%s', (_, error, expected) => expect(isMissing(error)).toBe(expected));
});

it('no answer is unavailable, with its cause and how to look', () => {
  const cause = new Error('ECONNREFUSED');
  const error = noAnswer(WHAT, 'it cannot be reached', cause);
  expect(error).toBeInstanceOf(KubernetesError);
  expect(error).toMatchObject({
    ...{ code: 'unavailable', http: null, reason: null, retryAfterMs: null, cause },
    ...{ message: 'get pods shop/web: it cannot be reached', next: 'kubectl get --raw /readyz' },
  });
});
