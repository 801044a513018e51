import * as z from 'zod';
import { ExecPlugin } from './exec-plugin.ts';

/** As Go reads it: what is empty or null is not there. */
const text = z
  .string()
  .nullish()
  .transform((given) => given || undefined);
/** Line ends within are no part of it. */
const data = z
  .string()
  .nullish()
  .transform((given) => given?.replace(/\s/g, '') || undefined)
  .pipe(z.base64().optional());

export const Cluster = z.looseObject({
  server: z.url({ protocol: /^https?$/ }),
  'certificate-authority': text,
  'certificate-authority-data': data,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
});

export const User = z.looseObject({
  'client-certificate': text,
  'client-certificate-data': data,
  'client-key': text,
  'client-key-data': data,
  token: text,
  tokenFile: text,
  exec: ExecPlugin.nullish(),
  username: text,
  'auth-provider': z.unknown().optional(),
});
export type User = z.infer<typeof User>;

export const Context = z.looseObject({ cluster: text, user: text, namespace: text });

/** What an entry says is looked at when it is used: what is wrong about the others is no matter. */
const entries = z.array(z.looseObject({ name: z.string() })).nullish();

export const Kubeconfig = z.looseObject({
  'current-context': text,
  clusters: entries,
  users: entries,
  contexts: entries,
});
export type Kubeconfig = z.infer<typeof Kubeconfig>;
