import type { KindDefinition } from '../api/kinds.ts';
import type { ApiObject, Stored } from '../api/meta.ts';
import { canonicalJson } from '../lib/digest.ts';
import { isSlipwayError, SlipwayError } from '../lib/errors.ts';
import { isObject, mergePatch } from '../lib/merge-patch.ts';
import { successStatus } from '../lib/status.ts';
import { refuseProblems } from '../lib/validation.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { KindHooks } from './kind-hooks.ts';
import { requireObject } from './resource-reads.ts';
import type { Answer, Call, Route } from './route.ts';
import { over, preconditions, problemsOf, writtenObject } from './written-object.ts';

/** A patch without a resourceVersion is put on top of whatever stands; so often it may be overtaken. */
const PATCH_ATTEMPTS = 10;

/** create, replace, merge patch and delete of one kind, and its status. */
export function writeRoutes(
  kind: KindDefinition,
  base: string,
  hooks: KindHooks,
  deps: ServerDependencies,
): Route[] {
  const writes = new ResourceWrites(kind, hooks, deps);
  const about = { resource: kind.plural, kind: kind.kind };
  const one = { ...about, url: `${base}/:name` };
  const status = { resource: `${kind.plural}/status`, kind: kind.kind, url: `${base}/:name/status` };
  const { kind: word } = kind;
  return [
    {
      ...about,
      method: 'POST',
      url: base,
      verb: 'create',
      body: 'json',
      summary: `Create one ${word}`,
      handle: (call) => writes.create(call),
    },
    {
      ...one,
      method: 'PUT',
      verb: 'update',
      body: 'json',
      summary: `Replace one ${word}; needs its resourceVersion`,
      handle: (call) => writes.replace(call),
    },
    {
      ...one,
      method: 'PATCH',
      verb: 'patch',
      body: 'mergePatch',
      summary: `Change one ${word} by JSON merge patch`,
      handle: (call) => writes.patch(call),
    },
    {
      ...one,
      method: 'DELETE',
      verb: 'delete',
      body: 'optionalJson',
      summary: `Delete one ${word}`,
      handle: (call) => writes.remove(call),
    },
    {
      ...status,
      method: 'PUT',
      verb: 'update',
      body: 'json',
      summary: `Replace the status of one ${word}`,
      handle: (call) => writes.status(call, 'replace'),
    },
    {
      ...status,
      method: 'PATCH',
      verb: 'patch',
      body: 'mergePatch',
      summary: `Change the status of one ${word}`,
      handle: (call) => writes.status(call, 'patch'),
    },
  ];
}

class ResourceWrites {
  readonly #kind: KindDefinition;
  readonly #hooks: KindHooks;
  readonly #deps: ServerDependencies;

  constructor(kind: KindDefinition, hooks: KindHooks, deps: ServerDependencies) {
    this.#kind = kind;
    this.#hooks = hooks;
    this.#deps = deps;
  }

  async create(call: Call): Promise<Answer> {
    const written = writtenObject(this.#kind, call.body, { namespace: call.namespace, name: undefined });
    if (typeof written.metadata.name === 'string') call.note.name = written.metadata.name.slice(0, 253);
    const prepared = await this.#checked(written, call, undefined);
    const object = isDryRun(call) ? (prepared as Stored) : await this.#deps.store.create(prepared);
    return { status: 201, json: this.#present(object as Stored) };
  }

  async replace(call: Call): Promise<Answer> {
    const { resourceVersion, uid } = preconditions(call.body);
    if (resourceVersion === undefined) {
      throw new SlipwayError('invalid', 'a replacement must say which state it replaces', {
        next: 'read the object, change it and send it back; or send a merge patch',
        details: [{ path: 'metadata.resourceVersion', message: 'is required' }],
      });
    }
    const stored = await requireObject(this.#kind, call, this.#deps);
    this.#refuseStale(stored, { resourceVersion, uid });
    const written = writtenObject(this.#kind, call.body, call);
    return { json: this.#present(await this.#save(written, call, stored)) };
  }

  async patch(call: Call): Promise<Answer> {
    if (!isObject(call.body)) throw new SlipwayError('badRequest', 'a merge patch is a JSON object');
    const expected = preconditions(call.body);
    const { apiVersion: _a, kind: _k, status: _s, ...patch } = call.body;
    for (let attempt = 1; ; attempt++) {
      const stored = await requireObject(this.#kind, call, this.#deps);
      this.#refuseStale(stored, expected);
      const base = this.#hooks.writable?.(stored, this.#deps) ?? stored;
      const written = writtenObject(this.#kind, mergePatch(base, patch), call);
      try {
        return { json: this.#present(await this.#save(written, call, stored)) };
      } catch (error) {
        if (expected.resourceVersion !== undefined || attempt === PATCH_ATTEMPTS) throw error;
        if (!isSlipwayError(error, 'conflict')) throw error;
      }
    }
  }

  async remove(call: Call): Promise<Answer> {
    const stored = await requireObject(this.#kind, call, this.#deps);
    const options = isObject(call.body) ? call.body : {};
    const expected = preconditions({ metadata: options.preconditions ?? {} });
    this.#refuseStale(stored, expected);
    const refusal = (await this.#hooks.refuseRemoval?.(stored, this.#deps, call)) ?? null;
    if (refusal !== null) throw new SlipwayError('refused', refusal.message, { next: refusal.next });
    const { kind, plural } = this.#kind;
    const { name, namespace, uid } = stored.metadata;
    const gone = isDryRun(call)
      ? stored
      : await this.#deps.store.delete({ kind, namespace, name }, { uid, ...expected });
    if ((gone?.metadata.finalizers ?? []).length > 0)
      return { status: 202, json: this.#present(gone as Stored) };
    return { json: successStatus(`${kind} ${name} is deleted`, { kind: plural, name, uid }) };
  }

  /** Status belongs to the manager: the spec of what is sent is not looked at. */
  async status(call: Call, how: 'replace' | 'patch'): Promise<Answer> {
    if (!isObject(call.body)) throw new SlipwayError('badRequest', 'the body must be a JSON object');
    const expected = preconditions(call.body);
    const stored = await requireObject(this.#kind, call, this.#deps);
    this.#refuseStale(stored, expected);
    const { status } = call.body;
    const next = { ...stored, status: how === 'patch' ? mergePatch(stored.status, status) : status };
    const { uid: _u, resourceVersion: _r, ...rest } = stored.metadata;
    const problems = problemsOf(this.#kind, { ...next, metadata: rest }, { quote: false });
    refuseProblems(
      `the status of ${stored.metadata.name}`,
      problems.filter((problem) => problem.path?.startsWith('status') === true),
    );
    return { json: this.#present(await this.#deps.store.updateStatus(next)) };
  }

  async #save(written: ApiObject, call: Call, stored: Stored): Promise<Stored> {
    const prepared = await this.#checked(written, call, stored);
    if (this.#kind.immutable && canonicalJson(prepared.spec) !== canonicalJson(stored.spec)) {
      throw new SlipwayError(
        'invalid',
        `the spec of a ${this.#kind.kind} cannot be changed once it is made`,
        {
          details: [{ path: 'spec', message: 'is immutable' }],
        },
      );
    }
    const next = over(stored, prepared, stored.metadata.resourceVersion);
    if (isDryRun(call)) return { ...next, status: prepared.status ?? stored.status } as Stored;
    // A hook that sets a status (a Secret's names) sets it in the same write as the spec.
    return this.#deps.store.update(next, { status: prepared.status !== undefined });
  }

  async #checked(written: ApiObject, call: Call, stored: Stored | undefined): Promise<ApiObject> {
    const context = { call, deps: this.#deps, stored };
    const candidate = this.#hooks.complete?.(written, context) ?? written;
    const { name } = candidate.metadata;
    const what = `${this.#kind.kind} ${typeof name === 'string' ? name.slice(0, 80) : ''}`.trim();
    refuseProblems(what, problemsOf(this.#kind, candidate, { quote: this.#hooks.quiet !== true }));
    refuseProblems(what, (await this.#hooks.admit?.(candidate, context)) ?? []);
    return this.#hooks.prepare?.(candidate, context) ?? candidate;
  }

  #present(object: Stored): unknown {
    return this.#hooks.present?.(object) ?? object;
  }

  #refuseStale(
    stored: Stored,
    expected: { resourceVersion?: string | undefined; uid?: string | undefined },
  ): void {
    const { kind } = this.#kind;
    const { name, uid, resourceVersion } = stored.metadata;
    if (expected.uid !== undefined && expected.uid !== uid) {
      throw new SlipwayError('conflict', `${kind} ${name} is another object of that name now`);
    }
    if (expected.resourceVersion !== undefined && expected.resourceVersion !== resourceVersion) {
      throw new SlipwayError(
        'conflict',
        `${kind} ${name} was changed meanwhile: it is at version ${resourceVersion}, the change was made against ${expected.resourceVersion}`,
        { next: 'read it again and repeat the change' },
      );
    }
  }
}

const isDryRun = (call: Call): boolean => call.query.dryRun === 'All';
