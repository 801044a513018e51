/** `npm run build`: what is published. Node strips no types inside node_modules, so src/ becomes dist/. */
import { rm } from 'node:fs/promises';
import { run } from './run.ts';

await rm('dist', { recursive: true, force: true });
const { code } = await run(['tsc', '-p', 'tsconfig.build.json']);
process.exitCode = code;
