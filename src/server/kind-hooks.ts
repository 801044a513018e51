import type { ApiObject, Stored } from '../api/meta.ts';
import type { ErrorDetail } from '../lib/errors.ts';
import type { ServerDependencies } from './dependencies.ts';
import type { Call } from './route.ts';

/** What one kind does otherwise than the generic resource module. */
export interface KindHooks {
  /** The object as a person would have written it: what a merge patch is applied to. */
  writable?(stored: Stored, deps: ServerDependencies): ApiObject;
  /** Fields that the server alone sets, before anything is checked: who gave a command and when. */
  complete?(object: ApiObject, context: WriteContext): ApiObject;
  /** What is kept instead of what was written, after the checks: sealed secrets, finalizers. */
  prepare?(object: ApiObject, context: WriteContext): ApiObject;
  /** Problems beyond the schema. */
  admit?(object: ApiObject, context: WriteContext): Promise<readonly ErrorDetail[]>;
  /** Why it may not be deleted now, and what to do first; null when it may. */
  refuseRemoval?(
    stored: Stored,
    deps: ServerDependencies,
    call: Call,
  ): Promise<{ readonly message: string; readonly next: string } | null>;
  /** What an answer shows. */
  present?(stored: Stored): Stored;
  /** Whether values may be repeated in error messages. */
  readonly quiet?: true;
}

export interface WriteContext {
  readonly call: Call;
  readonly deps: ServerDependencies;
  /** The object as it stands; undefined when it is new. */
  readonly stored: Stored | undefined;
}
