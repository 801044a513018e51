import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What a folder looks like to `slipway init`: enough for a first application file. */
export interface Detected {
  /** Lower case, as names are written. */
  readonly name: string;
  /** The file that it was recognised by; null: nothing known was found. */
  readonly from: string | null;
  readonly artifact: string;
  /** What to run before, in words; null where nothing is to be built. */
  readonly build: string | null;
  readonly image: string | null;
  readonly processes: readonly DetectedProcess[];
}

export interface DetectedProcess {
  readonly name: string;
  readonly type: 'service' | 'worker';
  readonly command: readonly string[];
}

/** Looks at well-known files, the most telling first. Reads only what stands directly in the folder. */
export function detect(directory: string): Detected {
  const name = nameOf(basename(directory));
  const read = (file: string): string | undefined => {
    const path = join(directory, file);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  };
  const base: Detected = { name, from: null, artifact: '.', build: null, image: null, processes: [] };
  const procfile = read('Procfile');
  const packageJson = read('package.json');
  const dockerfile = read('Dockerfile') ?? read('Containerfile');
  const goMod = read('go.mod');
  const known =
    (procfile === undefined ? undefined : fromProcfile(base, procfile)) ??
    (packageJson === undefined ? undefined : fromPackage(base, packageJson, directory)) ??
    (goMod === undefined ? undefined : fromGo(base, goMod)) ??
    fromPython(base, directory) ??
    fromScript(base, directory) ??
    base;
  return dockerfile === undefined ? known : withDockerfile(known, dockerfile);
}

/** A name that objects may have, from whatever a folder or package is called. */
export function nameOf(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/^@[^/]*\//, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return name === '' ? 'app' : name;
}

function fromProcfile(base: Detected, text: string): Detected | undefined {
  const processes = [...text.matchAll(/^([A-Za-z0-9_-]+):\s*(\S.*)$/gm)]
    .filter(([, name]) => name !== 'release')
    .map(
      ([, name = '', line = '']): DetectedProcess => ({
        name: nameOf(name),
        type: name === 'web' ? 'service' : 'worker',
        command: commandOf(line),
      }),
    );
  return processes.length === 0 ? undefined : { ...base, from: 'Procfile', processes };
}

interface Package {
  readonly name?: unknown;
  readonly main?: unknown;
  readonly scripts?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, unknown>>;
}

function fromPackage(base: Detected, text: string, directory: string): Detected | undefined {
  let parsed: Package;
  try {
    parsed = JSON.parse(text) as Package;
  } catch {
    // A package.json that npm itself could not read says nothing about the folder.
    return undefined;
  }
  const { name, main, scripts } = parsed;
  const start = scripts?.start;
  const file = typeof main === 'string' ? main : entryOf(directory);
  // Without anything to start it is there for its tools, and the folder is something else.
  if (typeof start !== 'string' && file === undefined) return undefined;
  return {
    ...base,
    ...(typeof name === 'string' ? { name: nameOf(name) } : {}),
    from: 'package.json',
    build: buildOf(parsed, directory),
    processes: [
      {
        name: 'web',
        type: 'service',
        command: typeof start === 'string' ? startCommand(start, directory) : ['node', file ?? 'server.js'],
      },
    ],
  };
}

const ENTRIES = ['server', 'index', 'app', 'main'].flatMap((name) =>
  ['.js', '.mjs', '.cjs', '.ts', '.mts'].map((extension) => `${name}${extension}`),
);

/** The file that people call so when it is the one to run. */
const entryOf = (directory: string): string | undefined =>
  ENTRIES.find((file) => existsSync(join(directory, file)));

function fromScript(base: Detected, directory: string): Detected | undefined {
  const file = entryOf(directory);
  if (file === undefined) return undefined;
  return { ...base, from: file, processes: [{ name: 'web', type: 'service', command: ['node', file] }] };
}

/** `npm ci` needs a lock file; what needs no packages and no build needs neither. */
function buildOf({ scripts, dependencies }: Package, directory: string): string | null {
  const install = existsSync(join(directory, 'package-lock.json')) ? 'npm ci' : 'npm install';
  if (typeof scripts?.build === 'string') return `${install} && npm run build`;
  return Object.keys(dependencies ?? {}).length > 0 ? install : null;
}

/** npm finds the programs of packages by itself; here nobody does, so they are named with their place. */
function startCommand(line: string, directory: string): string[] {
  const [program = '', ...rest] = commandOf(line);
  const local = `node_modules/.bin/${program}`;
  return [existsSync(join(directory, local)) ? `./${local}` : program, ...rest];
}

function fromGo(base: Detected, text: string): Detected | undefined {
  const module = /^module\s+(\S+)/m.exec(text)?.[1];
  if (module === undefined) return undefined;
  const name = nameOf(basename(module));
  return {
    ...base,
    name,
    from: 'go.mod',
    artifact: './bin',
    build: `CGO_ENABLED=0 go build -o bin/${name} .`,
    processes: [{ name: 'web', type: 'service', command: [`./${name}`] }],
  };
}

function fromPython(base: Detected, directory: string): Detected | undefined {
  const files = readdirSync(directory);
  const from = ['pyproject.toml', 'requirements.txt'].find((file) => files.includes(file));
  if (from === undefined) return undefined;
  const file = ['main.py', 'app.py', 'server.py'].find((one) => files.includes(one)) ?? 'main.py';
  return { ...base, from, processes: [{ name: 'web', type: 'service', command: ['python3', file] }] };
}

/** The image is for Kubernetes; its command is what the application starts with everywhere. */
function withDockerfile(detected: Detected, text: string): Detected {
  const json = [...text.matchAll(/^\s*(?:CMD|ENTRYPOINT)\s+(\[.*\])\s*$/gm)].at(-1)?.[1];
  const command = json === undefined ? undefined : jsonCommand(json);
  const image = `registry.example.com/${detected.name}:1.0.0`;
  if (detected.processes.length > 0) return { ...detected, image };
  return {
    ...detected,
    from: 'Dockerfile',
    image,
    processes: command === undefined ? [] : [{ name: 'web', type: 'service', command }],
  };
}

function jsonCommand(text: string): string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((part) => typeof part === 'string') && parsed.length > 0
      ? parsed
      : undefined;
  } catch {
    // Docker itself takes what is no JSON as a shell command, which is no list of arguments.
    return undefined;
  }
}

/** Commands are lists of arguments; what needs a shell gets one, and a process of its own less to signal. */
function commandOf(line: string): string[] {
  const text = line.trim();
  if (/[|&;<>$`"'\\*?(){}[\]~#=]/.test(text)) return ['sh', '-c', `exec ${text}`];
  return text.split(/\s+/);
}
