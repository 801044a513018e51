import { resolve } from 'node:path';
import type { Stored } from '../../api/meta.ts';
import type { Revision } from '../../api/revision.ts';
import { dataDirectory } from '../../embedded/data-directory.ts';
import type { UpOptions, UpResult } from '../../embedded/up.ts';
import { slipwayVersion } from '../../embedded/version.ts';
import { isSlipwayError, SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples, repeated } from '../command.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { missingArtifacts } from '../missing-artifacts.ts';
import { printData } from '../output.ts';
import { cleanLine } from '../terminal/clean.ts';
import { formatMs, inReadersClock } from '../text/words.ts';

interface UpCommandOptions {
  readonly http?: string[];
  readonly api?: string;
  readonly appUser?: string;
  readonly foreground?: boolean;
  readonly install?: boolean;
}

/** `slipway up`: router, manager and agent on this machine, detached when they are ready. */
export const command: CommandModule = {
  configure(command, run) {
    command
      .description(
        'Start Slipway on this machine: router, manager and agent. Returns when they are ready; they go on.',
      )
      .option(
        '--http <[host:]port>',
        "where applications' traffic enters, repeatable (default: as last time, else 127.0.0.1:8480; 0 takes a free port)",
        repeated,
      )
      .option('--api <[host:]port>', 'where the API listens (default: as last time, else 127.0.0.1:8481)')
      .option(
        '--app-user <user>',
        'applications run as this user, UID:GID or "self" (default: an unprivileged one where Slipway is root)',
      )
      .option('--foreground', 'stay here until Ctrl-C, for a service manager')
      .option('--install', 'write a systemd unit that starts it with the machine');
    examples(command, 'slipway up', 'slipway up --http 0.0.0.0:80 --data /var/lib/slipway');
    command.action(
      run(async (context, options: UpCommandOptions) => {
        const settings: UpOptions = {
          data: resolve(context.io.directory, context.dataDirectory),
          ...(options.http === undefined
            ? {}
            : { entry: options.http.map((text) => parseAddress('--http', text)) }),
          ...(options.api === undefined ? {} : { api: parseAddress('--api', options.api) }),
          ...(options.appUser === undefined ? {} : { appUser: options.appUser }),
          version: slipwayVersion(),
          clock: context.clock,
          progress: (message) => context.note(`  ${cleanLine(message)}`),
        };
        if (options.install === true) return await install(context, settings);
        if (options.foreground === true) return await foreground(context, settings);
        const { up } = await import('../../embedded/up.ts');
        const asked =
          options.http !== undefined || options.api !== undefined || options.appUser !== undefined;
        return await report(
          context,
          await up(settings).catch((error: unknown) => alreadyUp(context, error, asked)),
        );
      }),
    );
  },
};

/** That it runs already is what a plain `up` asks for; with other addresses than it has, it is refused. */
function alreadyUp(context: Context, error: unknown, asked: boolean): null {
  if (!isSlipwayError(error, 'alreadyExists')) throw error;
  const message = inReadersClock(cleanLine(error.message), context.clock.now());
  if (asked) throw new SlipwayError(error.code, message, { next: error.next, cause: error });
  context.print(`${context.paint.good('✓')} ${message}.`, '  slipway status          what runs');
  return null;
}

async function foreground(context: Context, settings: UpOptions): Promise<ExitCode> {
  const { upInForeground } = await import('../../embedded/foreground.ts');
  await upInForeground({
    ...settings,
    signal: context.interrupt.claim(),
    ready: (result) => void report(context, result),
    // Set by the unit that --install writes.
    service: context.io.environment.SLIPWAY_SERVICE === '1',
  });
  context.note('Slipway has ended.');
  return EXIT.ok;
}

/** Writes the systemd unit and says what starts it; root's is for the machine, anyone else's for themselves. */
async function install(context: Context, settings: UpOptions): Promise<ExitCode> {
  const { installUnit } = await import('../../embedded/systemd-unit.ts');
  const { file, commands } = installUnit({
    node: process.execPath,
    script: resolve(process.argv[1] ?? 'slipway'),
    data: settings.data,
    entry: settings.entry,
    api: settings.api,
    appUser: settings.appUser,
    path: context.io.environment.PATH ?? '',
    scope: process.getuid?.() === 0 ? 'system' : 'user',
    home: context.io.home,
  });
  if (!(await printData(context, { file, commands }))) {
    context.print(
      `${context.paint.good('✓')} Wrote ${file}. Start it, now and with the machine:`,
      ...commands.map((line) => `  ${line}`),
    );
  }
  return EXIT.ok;
}

async function report(context: Context, result: UpResult | null): Promise<ExitCode> {
  if (result === null) return EXIT.ok;
  const warnings = [...result.warnings, ...(await lostArtifacts(context, result))];
  if (await printData(context, { ...result, warnings })) return EXIT.ok;
  const { status, wallMs, adopted } = result;
  const { paint } = context;
  context.print(
    `${paint.good('✓')} Slipway ${status.version} is up in ${formatMs(wallMs)}.`,
    ...(adopted.length === 0 ? [] : [`  ${adopted.join(', ')} ran already and went on.`]),
    `  traffic ${status.urls.entry.join(', ')}`,
    `  API     ${status.urls.api}`,
    `  data    ${status.data}`,
    ...warnings.map((warning) => `${paint.warn('!')} ${cleanLine(warning)}`),
    '  slipway init            write an app.yaml for the folder you are in',
    '  slipway status          what runs',
    '  slipway down            stop it',
  );
  return EXIT.ok;
}

/** After a restore without them; a manager that does not answer yet leaves the warning out. */
async function lostArtifacts(context: Context, { status }: UpResult): Promise<string[]> {
  try {
    const { api } = await context.connect();
    const { items } = await api.list<Stored<Revision>>('Revision');
    const revisions = items.map(({ metadata, spec }) => ({
      name: metadata.name,
      artifacts: spec.workloads.flatMap(({ artifact }) => artifact ?? []),
    }));
    const warning = missingArtifacts(revisions, dataDirectory(status.data).artifacts);
    return warning === null ? [] : [warning];
  } catch {
    return [];
  }
}

/** `8480`, `0.0.0.0:80`, `[::]:80`. */
export function parseAddress(option: string, text: string): { host: string; port: number } {
  const parsed = /^(?:(\[[0-9a-fA-F:.]+\]|[^:\s]+):)?(\d{1,5})$/.exec(text);
  const port = Number(parsed?.[2]);
  if (parsed === null || port > 65_535) {
    throw new SlipwayError('badRequest', `${option} ${text} is no address.`, {
      next: 'Write 8480, 0.0.0.0:80 or [::]:80.',
    });
  }
  return { host: parsed[1]?.replace(/^\[|\]$/g, '') ?? '127.0.0.1', port };
}
