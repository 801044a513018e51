import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Ended, runProcess } from '../../support/slipway-process.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What `npm pack` needs of a checkout. README and CHANGELOG are packed, the rest is built from. */
const SOURCES = [
  ...['bin', 'scripts', 'src'],
  ...[
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'README.md',
    'CHANGELOG.md',
  ],
];

/** The Node that runs the tests, and npm, before anything else. */
export const PATH = [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);

/** npm as a person has it: without what an `npm test` around us says to its children. */
export function npm(args: readonly string[], cwd: string): Promise<Ended> {
  const env: Record<string, string | undefined> = { PATH };
  for (const name of Object.keys(process.env)) if (/^npm_/i.test(name)) env[name] = undefined;
  return runProcess(['npm', ...args, '--no-audit', '--no-fund'], { cwd, env });
}

/** Packs a copy of this checkout and answers the tarball, so that no `dist/` is left behind here. */
export async function packCopy(directory: string): Promise<string> {
  const copy = join(directory, 'copy');
  await mkdir(copy);
  for (const name of SOURCES) await cp(join(ROOT, name), join(copy, name), { recursive: true });
  // Links one by one: whatever an installer does in there, it does not reach the real ones.
  const modules = join(copy, 'node_modules');
  await mkdir(modules);
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (name.startsWith('.') && name !== '.bin') {
      if (/^\.(package-lock\.json|slipway-installed)$/.test(name))
        await cp(join(ROOT, 'node_modules', name), join(modules, name));
    } else await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  const packed = await npm(['pack', '--json', '--loglevel=error'], copy);
  if (packed.code !== 0)
    throw new Error(`npm pack ended with ${packed.code}:\n${packed.stderr}${packed.stdout}`);
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  return join(copy, `slipway-${version}.tgz`);
}

/** Installs the tarball into an empty project. Null when no registry answers, else how npm ended. */
export async function install(tarball: string, project: string): Promise<Ended | null> {
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{ "private": true }\n');
  const ended = await npm(
    ['install', tarball, '--prefer-offline', '--fetch-retries=1', '--loglevel=error'],
    project,
  );
  const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ENOTCACHED/;
  return ended.code !== 0 && unreachable.test(ended.stderr) ? null : ended;
}
