import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { readingSocket } from './client-socket.ts';

test('where Node has no handle to give, bytes come all the same', async () => {
  const accepted = new PassThrough();
  const got: string[] = [];
  const arrived = new Promise<void>((resolve) => {
    readingSocket(accepted as unknown as Socket, (bytes, end) => {
      got.push(bytes.toString('latin1', 0, end));
      resolve();
    });
  });
  accepted.write('GET / HTTP/1.1\r\n');
  await arrived;
  expect(got).toEqual(['GET / HTTP/1.1\r\n']);
});
