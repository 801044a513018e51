import type { Stored } from '../api/meta.ts';
import type { Command } from '../api/release.ts';
import type { Store } from '../store/store.ts';

const isPending = (command: Stored<Command>): boolean =>
  command.status === undefined || command.status.state === 'pending';

/** Commands that nobody has answered yet, by what they are for. An index over the watch, told of every change. */
export class PendingCommands {
  private readonly byTarget = new Map<string, Map<string, Stored<Command>>>();

  static keyOf(namespace: string | undefined, kind: string, name: string): string {
    return `${namespace ?? ''}/${kind}/${name}`;
  }

  tell(command: Stored<Command>, type: 'ADDED' | 'MODIFIED' | 'DELETED'): void {
    const key = PendingCommands.keyOf(
      command.metadata.namespace,
      command.spec.target.kind,
      command.spec.target.name,
    );
    const commands = this.byTarget.get(key) ?? new Map<string, Stored<Command>>();
    if (type !== 'DELETED' && isPending(command)) {
      commands.set(command.metadata.uid, command);
      this.byTarget.set(key, commands);
      return;
    }
    commands.delete(command.metadata.uid);
    if (commands.size === 0) this.byTarget.delete(key);
  }

  /** Names of the objects of this kind that somebody waits at. */
  targets(namespace: string, kind: 'Release' | 'Application'): readonly string[] {
    const prefix = PendingCommands.keyOf(namespace, kind, '');
    return [...this.byTarget.keys()].flatMap((key) =>
      key.startsWith(prefix) ? [key.slice(prefix.length)] : [],
    );
  }

  /** Oldest first. */
  for(
    namespace: string | undefined,
    kind: 'Release' | 'Application',
    name: string,
  ): readonly Stored<Command>[] {
    const commands = this.byTarget.get(PendingCommands.keyOf(namespace, kind, name));
    return [...(commands?.values() ?? [])].sort((a, b) =>
      BigInt(a.metadata.resourceVersion) < BigInt(b.metadata.resourceVersion) ? -1 : 1,
    );
  }
}

/** Writes the outcome of a command; one that somebody has answered meanwhile keeps its answer. */
export async function answerCommand(
  store: Store,
  command: Pick<Stored<Command>, 'metadata'>,
  outcome: { state: 'done' | 'refused'; message: string; result?: Record<string, unknown> },
): Promise<void> {
  const stored = await store.get<Command>({
    kind: 'Command',
    namespace: command.metadata.namespace,
    name: command.metadata.name,
  });
  if (stored === undefined || !isPending(stored)) return;
  const { result, ...rest } = outcome;
  await store.updateStatus<Command>({
    ...stored,
    status: { ...rest, ...(result === undefined ? {} : { result }) },
  });
}
