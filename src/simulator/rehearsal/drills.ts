/** What is wrong with the new version, or with what judges it. */
export type Ailment =
  | 'none'
  | 'slow'
  | 'neverReady'
  | 'crashesAtStart'
  | 'crashesLater'
  | 'failsGates'
  | 'gatesWaver';

export type Breakage = 'manager' | 'agent' | 'instances' | 'partition' | 'stillness' | 'chance';

/** What people do besides answering what they are asked. */
export type Deed = 'none' | 'abort' | 'rollback' | 'goBack' | 'goBackLate';

/** One kind of bad day. */
export interface Drill {
  readonly name: string;
  readonly ailment: Ailment;
  readonly breaks: readonly Breakage[];
  readonly deed: Deed;
  /** Nothing stands before it. */
  readonly isFirst: boolean;
}

const drill = (name: string, more: Partial<Drill> = {}): Drill => ({
  name,
  ...{ ailment: 'none', breaks: [], deed: 'none', isFirst: false },
  ...more,
});

/**
 * The round of drills: each seed has its place in it, so that a few runs meet every kind and a seed is the same run
 * however many are asked for. What convicts the file itself comes first: days on which nothing breaks.
 */
const ROUND: readonly Drill[] = [
  drill('nothing breaks'),
  drill('people go back late, while they still watch', { deed: 'goBackLate' }),
  drill('the agent is killed', { breaks: ['agent'] }),
  drill('the new version never gets ready', { ailment: 'neverReady' }),
  drill('the manager is killed', { breaks: ['manager'] }),
  drill('instances are killed', { breaks: ['instances'] }),
  drill('somebody aborts', { deed: 'abort' }),
  drill('the new version crashes at its start', { ailment: 'crashesAtStart' }),
  drill('manager and agent cannot reach each other', { breaks: ['partition'] }),
  drill('the gates say no', { ailment: 'failsGates' }),
  drill('a first release, and everything is killed', { breaks: ['agent', 'manager'], isFirst: true }),
  drill('starts are slow', { ailment: 'slow', breaks: ['agent'] }),
  drill('somebody rolls back in the middle', { deed: 'rollback', breaks: ['agent'] }),
  drill('the new version crashes under way', { ailment: 'crashesLater' }),
  drill('processes stand still for a while', { breaks: ['stillness'] }),
  drill('the gates waver', { ailment: 'gatesWaver' }),
  drill('people go back soon', { deed: 'goBack' }),
  drill('a broken version meets kills', { ailment: 'crashesAtStart', breaks: ['agent', 'manager'] }),
  drill('disk, links and store are unreliable', { breaks: ['chance'] }),
  drill('everything at once', {
    breaks: ['agent', 'manager', 'instances', 'partition', 'chance'],
    deed: 'abort',
  }),
];

/** The drills of a subject; without a version that stands there is none to go back to. */
export const roundOf = (subject: { readonly from: unknown }): readonly Drill[] =>
  subject.from !== null
    ? ROUND
    : ROUND.filter(({ deed }) => deed !== 'goBack' && deed !== 'goBackLate').map((each) => ({
        ...each,
        isFirst: true,
      }));

/** Nothing but the file itself can be to blame for what goes wrong in it. */
export const isCalm = ({ ailment, breaks, deed }: Drill): boolean =>
  ailment === 'none' && breaks.length === 0 && (deed === 'none' || deed.startsWith('goBack'));
