import type { FastifyReply } from 'fastify';
import type { KubernetesStatus } from '../lib/status.ts';
import type { Answer } from './route.ts';

export const statusOf = (answer: Exclude<Answer, 'sent'>): number =>
  'status' in answer ? (answer.status ?? 200) : 200;

export const reasonOf = (answer: Exclude<Answer, 'sent'>): string | null =>
  'json' in answer && statusOf(answer) >= 400
    ? ((answer.json as Partial<KubernetesStatus>).reason ?? null)
    : null;

export function send(reply: FastifyReply, status: number, answer: Exclude<Answer, 'sent'>): FastifyReply {
  reply.code(status);
  if ('headers' in answer && answer.headers !== undefined) reply.headers(answer.headers);
  if ('json' in answer) return reply.type('application/json').send(`${JSON.stringify(answer.json)}\n`);
  if ('text' in answer) return reply.type(answer.type).send(answer.text);
  if ('empty' in answer) return reply.send();
  if (answer.size !== undefined) reply.header('content-length', String(answer.size));
  if (answer.fileName !== undefined)
    reply.header('content-disposition', `attachment; filename="${answer.fileName}"`);
  return reply.type(answer.type).send(answer.bytes);
}
