/**
 * What to tell one agent, from what the store holds and what the agent is known to hold (INV-15, INV-16,
 * INV-20). Pure; the dispatcher carries it out and asks again after every change.
 */
export interface ExecutionView {
  readonly key: string;
  readonly uid: string;
  readonly subject: string;
  readonly epoch: number;
  readonly sequence: number;
  /** The agent has taken it, as far as the store knows. */
  readonly taken: boolean;
  /** Has an instruction that must never be carried out twice. */
  readonly onceOnly: boolean;
  /** It asks gates and changes nothing: a person who skips them lets the next step go (INV-15). */
  readonly asksOnly: boolean;
}

export interface AgentView {
  /** Orders sent on this connection, by the uid of their execution. */
  readonly sent: ReadonlySet<string>;
  /** Executions that the agent named in its hello, by uid. */
  readonly held: ReadonlySet<string>;
  /** `subject@epoch` of cancels sent on this connection. */
  readonly cancelled: ReadonlySet<string>;
}

export type DispatchAction =
  | { readonly type: 'order'; readonly key: string }
  | { readonly type: 'cancel'; readonly subject: string; readonly belowEpoch: number }
  /** The agent never had it and must not get it any more. */
  | { readonly type: 'withdraw'; readonly key: string; readonly reason: string }
  /** The agent had it and has lost its memory of it. */
  | { readonly type: 'lost'; readonly key: string; readonly reason: string };

export const cancelKey = (subject: string, epoch: number | ''): string => `${subject}@${epoch}`;

/**
 * @param unfinished executions of this agent's cluster that have not ended
 * @param epochOf the newest epoch that is committed for a subject, by its release or by any execution
 */
export function planDispatch(
  unfinished: readonly ExecutionView[],
  epochOf: (subject: string) => number,
  agent: AgentView,
): DispatchAction[] {
  const actions: DispatchAction[] = [];
  for (const execution of unfinished) {
    const { key, uid, subject, epoch, sequence } = execution;
    const known = agent.sent.has(uid) || agent.held.has(uid);
    const newest = epochOf(subject);
    if (newest > epoch) {
      if (!known) {
        actions.push({ type: 'withdraw', key, reason: `epoch ${newest} of ${subject} has begun` });
      } else if (!agent.cancelled.has(cancelKey(subject, newest))) {
        actions.push({ type: 'cancel', subject, belowEpoch: newest });
      }
      continue;
    }
    if (known) continue;
    const earlier = unfinished.some(
      (other) =>
        other.subject === subject && other.epoch === epoch && other.sequence < sequence && !other.asksOnly,
    );
    if (earlier) continue;
    if (execution.taken && execution.onceOnly) {
      actions.push({
        type: 'lost',
        key,
        reason: 'the agent no longer knows of it, and it has a step that must not be done twice (INV-14)',
      });
      continue;
    }
    actions.push({ type: 'order', key });
  }
  // One cancel covers all of a subject.
  return actions.filter(
    (action, index) =>
      action.type !== 'cancel' ||
      actions.findIndex((other) => other.type === 'cancel' && other.subject === action.subject) === index,
  );
}
