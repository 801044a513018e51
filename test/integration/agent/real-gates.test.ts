import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandGate, HttpGate } from '../../../src/api/gate.ts';
import { systemResolve } from '../../../src/gates/address-guard.ts';
import { askCommand } from '../../../src/gates/command-gate.ts';
import { inlineExpressions } from '../../../src/gates/expressions.ts';
import { askHttp } from '../../../src/gates/http-gate.ts';
import { nodeNetwork } from '../../../src/lib/network-node.ts';
import { nodeProcesses } from '../../../src/lib/processes-node.ts';
import { eventually } from '../../support/eventually.ts';

const command = (argv: readonly string[], timeoutMs = 10_000) =>
  askCommand(CommandGate.parse({ argv, env: { MODE: 'quick' } }), {
    processes: nodeProcesses(),
    variables: { SLIPWAY_TO: 'shop-local-r2' },
    timeoutMs,
    signal: new AbortController().signal,
  });

describe('a command', () => {
  it('sees its own environment and nothing of the agent', async () => {
    process.env.AGENT_SECRET = 'not for gates';
    const { verdict, message } = await command(['/bin/sh', '-c', 'echo "$MODE $SLIPWAY_TO [$AGENT_SECRET]"']);
    expect({ verdict, message }).toEqual({
      verdict: 'pass',
      message: '/bin/sh ended with code 0: quick shop-local-r2 []',
    });
  });

  it('is no shell: an argument is one argument', async () =>
    expect(await command(['/bin/echo', '$(id); rm -rf /'])).toMatchObject({
      verdict: 'pass',
      message: '/bin/echo ended with code 0: $(id); rm -rf /',
    }));

  it('fails with what it said', async () =>
    expect(await command(['/bin/sh', '-c', 'echo cart: 500 >&2; exit 3'])).toEqual({
      verdict: 'fail',
      message: '/bin/sh ended with code 3: cart: 500',
    }));

  it('that takes too long is ended with all that it started', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'slipway-gate-'));
    try {
      const file = join(directory, 'pid');
      const { verdict } = await command(['/bin/sh', '-c', `sleep 300 & echo $! > ${file}; sleep 300`], 500);
      // Nobody knows what it did until then, and it may not run twice (INV-14).
      expect(verdict).toBe('unknown');
      const pid = Number(await readFile(file, 'utf8'));
      await eventually('the grandchild is gone', async () => {
        // A process that ended and that nobody has waited for is gone all the same.
        const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone Z');
        return /gone|\) Z /.test(stat);
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('a URL', () => {
  const ask = async (gate: Record<string, unknown>) => {
    const network = nodeNetwork();
    try {
      return await askHttp(HttpGate.parse(gate), {
        network,
        resolve: systemResolve,
        expressions: inlineExpressions,
        preview: null,
        timeoutMs: 2_000,
      });
    } finally {
      network.close();
    }
  };

  it('on this machine is refused unless it is meant, and its redirect is not followed', async () => {
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url ?? '');
      if (request.url === '/moved') response.writeHead(302, { location: '/secret' }).end();
      else response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = `http://localhost:${(server.address() as AddressInfo).port}`;
    try {
      expect(await ask({ url: `${base}/` })).toEqual({
        verdict: 'inconclusive',
        message: expect.stringMatching(/leads to (127\.0\.0\.1|::1).*allowPrivate/),
      });
      expect(paths).toEqual([]);
      const loopback = base.replace('localhost', '127.0.0.1');
      const meant = { url: `${loopback}/`, allowPrivate: true, expect: 'response.json.ok' };
      expect(await ask(meant)).toMatchObject({ verdict: 'pass' });
      expect(await ask({ ...meant, url: `${loopback}/moved` })).toMatchObject({ verdict: 'inconclusive' });
      expect(paths).toEqual(['/', '/moved']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
