import { spawn } from 'node:child_process';

/** Runs a tool of node_modules/.bin with this Node and answers its exit code; output goes straight through. */
export function run(
  argv: readonly string[],
  options: { env?: Record<string, string>; quiet?: boolean } = {},
): Promise<{ code: number; output: string }> {
  const [command, ...rest] = argv;
  if (command === undefined) throw new TypeError('nothing to run');
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, {
      stdio: ['ignore', options.quiet ? 'pipe' : 'inherit', options.quiet ? 'pipe' : 'inherit'],
      env: { ...process.env, ...options.env },
    });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? (signal === null ? 1 : 128), output }));
  });
}
