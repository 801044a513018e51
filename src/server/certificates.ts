import 'reflect-metadata';
import { createPrivateKey, X509Certificate as NodeCertificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import type { Clock } from '../lib/clock.ts';
import type { Files } from '../lib/files.ts';
import type { Random } from '../lib/random.ts';

/**
 * Slipway's own certificate authority and the manager's certificate: kubectl sends no token over plain HTTP,
 * and nobody should have to bring a certificate to a laptop. Keys are ECDSA P-256, written atomically with
 * mode 0600; clients pin the authority.
 */
export interface Certificates {
  /** PEM of the authority: what clients trust. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** What was made anew, for the log. */
  readonly renewed: readonly ('ca' | 'server')[];
  readonly expiresAt: string;
}

export interface CertificateOptions {
  /** `DATA/keys`. */
  readonly directory: string;
  /** DNS names and addresses besides localhost, 127.0.0.1 and ::1: the machine's name. */
  readonly names: readonly string[];
  readonly files: Pick<Files, 'read' | 'writeAtomic' | 'makeDirectory'>;
  readonly clock: Clock;
  readonly random: Random;
}

const DAY_MS = 86_400_000;
const CA_DAYS = 3_652;
/** Apple's limit for certificates of private authorities is 825 days; a year leaves room. */
const SERVER_DAYS = 365;
const RENEW_BELOW_DAYS = 30;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Clocks of two machines differ. */
const BACKDATE_MS = 300_000;

/** Reads both, or makes what is missing, unreadable, of other names, or ends within 30 days. */
export async function ensureCertificates(options: CertificateOptions): Promise<Certificates> {
  const { directory, files, clock } = options;
  x509.cryptoProvider.set(crypto);
  await files.makeDirectory(directory, { mode: 0o700 });
  const now = clock.now();
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...options.names])];
  const renewed: ('ca' | 'server')[] = [];

  let ca = await readPair(options, 'ca');
  if (ca === undefined || !lasts(ca.cert, now)) {
    ca = await makeAuthority(options, now);
    renewed.push('ca');
    await write(options, 'ca', ca);
  }
  let server = await readPair(options, 'server');
  if (server === undefined || !lasts(server.cert, now) || !fits(server.cert, ca.cert, names)) {
    server = await makeServer(options, ca, names, now);
    renewed.push('server');
    await write(options, 'server', server);
  }
  const expiresAt = new NodeCertificate(server.cert).validToDate.toISOString();
  return { ca: ca.cert, cert: server.cert, key: server.key, renewed, expiresAt };
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

async function readPair({ directory, files }: CertificateOptions, name: string): Promise<Pair | undefined> {
  const [cert, key] = await Promise.all([
    files.read(join(directory, `${name}.crt`)),
    files.read(join(directory, `${name}.key`)),
  ]);
  if (cert === undefined || key === undefined) return undefined;
  const pair = { cert: cert.toString(), key: key.toString() };
  try {
    // The key and the certificate are two files: a crash between them may leave two that do not belong together.
    const privateKey = createPrivateKey(pair.key);
    return new NodeCertificate(pair.cert).checkPrivateKey(privateKey) ? pair : undefined;
  } catch {
    return undefined;
  }
}

async function write({ directory, files }: CertificateOptions, name: string, pair: Pair): Promise<void> {
  await files.writeAtomic(join(directory, `${name}.key`), pair.key, { mode: 0o600 });
  await files.writeAtomic(join(directory, `${name}.crt`), pair.cert, { mode: 0o644 });
}

function lasts(pem: string, now: number): boolean {
  const certificate = new NodeCertificate(pem);
  return (
    certificate.validToDate.getTime() - now > RENEW_BELOW_DAYS * DAY_MS &&
    certificate.validFromDate.getTime() <= now
  );
}

function fits(pem: string, caPem: string, names: readonly string[]): boolean {
  const certificate = new NodeCertificate(pem);
  const speaksFor = (name: string) =>
    isIP(name) === 0 ? certificate.checkHost(name) !== undefined : certificate.checkIP(name) !== undefined;
  return certificate.verify(new NodeCertificate(caPem).publicKey) && names.every(speaksFor);
}

async function makeAuthority({ random }: CertificateOptions, now: number): Promise<Pair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(random),
    name: `CN=Slipway CA ${random.suffix(6)}`,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

async function makeServer(
  { random }: CertificateOptions,
  ca: Pair,
  names: readonly string[],
  now: number,
): Promise<Pair> {
  const authority = new x509.X509Certificate(ca.cert);
  const signingKey = await crypto.subtle.importKey('pkcs8', derOf(ca.key), ALGORITHM, false, ['sign']);
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(random),
    subject: 'CN=slipway-manager',
    issuer: authority.subject,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(Math.min(now + SERVER_DAYS * DAY_MS, authority.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((name) => ({ type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const), value: name })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  return { cert: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** 16 random bytes, positive (RFC 5280 section 4.1.2.2). */
function serial(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function exportKey(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

const derOf = (pem: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64'));
