import type { CommandModule } from './command.ts';

export interface CommandEntry {
  readonly name: string;
  readonly group: string;
  /** One line of `slipway --help`. */
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: CommandModule }>;
}

const FIRST = 'Start here:';
const RELEASE = 'Release:';
const UNBLOCK = 'During a release:';
const LOOK = 'Look:';
const CHANGE = 'Change:';
const KEEP = 'Look after it:';

/** Every command, in the order of `slipway --help`. Nothing here loads a command. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'init',
    group: FIRST,
    summary: 'write a commented app.yaml for the folder',
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'up',
    group: FIRST,
    summary: 'start Slipway on this machine',
    load: () => import('./commands/up.ts'),
  },
  {
    name: 'down',
    group: FIRST,
    summary: 'stop Slipway and the applications on this machine',
    load: () => import('./commands/down.ts'),
  },
  {
    name: 'status',
    group: FIRST,
    summary: 'what runs: applications, instances, Slipway itself',
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'plan',
    group: RELEASE,
    summary: 'what a release would do, step by step, without doing it',
    load: () => import('./commands/plan.ts'),
  },
  {
    name: 'rehearse',
    group: RELEASE,
    summary: 'play a release through many bad days before production sees it',
    load: () => import('./commands/rehearse.ts'),
  },
  {
    name: 'release',
    group: RELEASE,
    summary: 'release an application',
    load: () => import('./commands/release.ts'),
  },
  {
    name: 'rollback',
    group: RELEASE,
    summary: 'go back to an older revision',
    load: () => import('./commands/rollback.ts'),
  },
  {
    name: 'history',
    group: RELEASE,
    summary: 'releases of an application',
    load: () => import('./commands/history.ts'),
  },
  {
    name: 'receipt',
    group: RELEASE,
    summary: 'the measured evidence of a release',
    load: () => import('./commands/receipt.ts'),
  },
  {
    name: 'why',
    group: UNBLOCK,
    summary: 'what a release waits for and who can unblock it',
    load: () => import('./commands/why.ts'),
  },
  {
    name: 'promote',
    group: UNBLOCK,
    summary: 'go on from a pause to the next stage',
    load: () => import('./commands/promote.ts'),
  },
  {
    name: 'pause',
    group: UNBLOCK,
    summary: 'stop a release where it is',
    load: () => import('./commands/pause.ts'),
  },
  {
    name: 'resume',
    group: UNBLOCK,
    summary: 'let a paused release, or a held application, go on',
    load: () => import('./commands/resume.ts'),
  },
  {
    name: 'approve',
    group: UNBLOCK,
    summary: 'give the approval that a release waits for',
    load: () => import('./commands/approve.ts'),
  },
  {
    name: 'reject',
    group: UNBLOCK,
    summary: 'refuse the approval that a release waits for',
    load: () => import('./commands/reject.ts'),
  },
  {
    name: 'abort',
    group: UNBLOCK,
    summary: 'end a release; the old version goes on serving',
    load: () => import('./commands/abort.ts'),
  },
  {
    name: 'retry',
    group: UNBLOCK,
    summary: 'try the stage that failed once more',
    load: () => import('./commands/retry.ts'),
  },
  {
    name: 'skip',
    group: UNBLOCK,
    summary: 'go past a gate without its verdict',
    load: () => import('./commands/skip.ts'),
  },
  { name: 'get', group: LOOK, summary: 'list objects', load: () => import('./commands/get.ts') },
  {
    name: 'describe',
    group: LOOK,
    summary: 'all about one object',
    load: () => import('./commands/describe.ts'),
  },
  {
    name: 'logs',
    group: LOOK,
    summary: 'what the instances of an application print',
    load: () => import('./commands/logs.ts'),
  },
  { name: 'diff', group: LOOK, summary: 'what apply would change', load: () => import('./commands/diff.ts') },
  {
    name: 'apply',
    group: CHANGE,
    summary: 'create or change objects from files',
    load: () => import('./commands/apply.ts'),
  },
  {
    name: 'delete',
    group: CHANGE,
    summary: 'delete an object; an application is drained first',
    load: () => import('./commands/delete.ts'),
  },
  {
    name: 'scale',
    group: CHANGE,
    summary: 'change the number of instances',
    load: () => import('./commands/scale.ts'),
  },
  {
    name: 'restart',
    group: CHANGE,
    summary: 'replace every instance, new before old',
    load: () => import('./commands/restart.ts'),
  },
  {
    name: 'secret',
    group: CHANGE,
    summary: 'set, list and delete secret values',
    load: () => import('./commands/secret.ts'),
  },
  {
    name: 'token',
    group: KEEP,
    summary: 'create, list and revoke access tokens',
    load: () => import('./commands/token.ts'),
  },
  {
    name: 'backup',
    group: KEEP,
    summary: 'save all objects to a file while running',
    load: () => import('./commands/backup.ts'),
  },
  {
    name: 'restore',
    group: KEEP,
    summary: 'put a backup back (Slipway must be down)',
    load: () => import('./commands/restore.ts'),
  },
  {
    name: 'completion',
    group: KEEP,
    summary: 'completion for bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
  {
    name: 'version',
    group: KEEP,
    summary: 'versions of this command and of the manager',
    load: () => import('./commands/version.ts'),
  },
  {
    name: 'help',
    group: KEEP,
    summary: 'help on a command, or on exit-codes and environment',
    load: () => import('./commands/help.ts'),
  },
];
