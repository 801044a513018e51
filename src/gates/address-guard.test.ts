import { describe, expect, it } from 'vitest';
import { checkTarget, isPublicAddress } from './address-guard.ts';

describe('isPublicAddress', () => {
  it.each([
    '1.1.1.1',
    '93.184.216.34',
    '172.15.255.255',
    '172.32.0.1',
    '2606:4700:4700::1111',
    '::ffff:1.1.1.1',
    '::ffff:101:101',
    '64:ff9b::101:101',
    '2002:101:101::',
  ])('%s is', (address) => expect(isPublicAddress(address)).toBe(true));

  it.each([
    ['loopback', '127.0.0.1'],
    ['all of loopback', '127.8.9.10'],
    ['unspecified', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private', '192.168.1.1'],
    ['shared', '100.64.0.1'],
    ["the clouds' metadata", '169.254.169.254'],
    ['benchmark', '198.19.0.1'],
    ['documentation', '203.0.113.9'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['reserved', '240.0.0.1'],
    ['v6 loopback', '::1'],
    ['v6 loopback in full', '0:0:0:0:0:0:0:1'],
    ['v6 unspecified', '::'],
    ['v6 link-local', 'fe80::1'],
    ['v6 with a zone', 'fe80::1%eth0'],
    ['v6 unique local', 'fd00::1'],
    ['v6 metadata', 'fd00:ec2::254'],
    ['v6 multicast', 'ff02::1'],
    ['v6 documentation', '2001:db8::1'],
    ['v6 documentation, new', '3fff::1'],
    ['Teredo', '2001::1'],
    ['mapped loopback', '::ffff:127.0.0.1'],
    ['mapped loopback in hex', '::ffff:7f00:1'],
    ['mapped, written out', '0:0:0:0:0:ffff:a9fe:a9fe'],
    ['translated mapped', '::ffff:0:127.0.0.1'],
    ['compatible', '::127.0.0.1'],
    ['NAT64 of private', '64:ff9b::10.0.0.1'],
    ['NAT64 of metadata', '64:ff9b::a9fe:a9fe'],
    ['local NAT64', '64:ff9b:1::a00:1'],
    ['6to4 of loopback', '2002:7f00:1::'],
    ['no address at all', 'localhost'],
    ['nothing', ''],
    ['octal', '0177.0.0.1'],
    ['one number', '2130706433'],
  ])('%s %s is not', (_, address) => expect(isPublicAddress(address)).toBe(false));
});

describe('checkTarget', () => {
  const names: Record<string, readonly string[]> = {
    'public.example': ['93.184.216.34'],
    'rebinding.example': ['93.184.216.34', '127.0.0.1'],
    'inside.example': ['10.1.2.3'],
    'nothing.example': [],
  };
  const resolve = async (host: string) => {
    const found = names[host];
    if (found === undefined) throw new Error(`ENOTFOUND ${host}`);
    return found;
  };
  const check = (url: string, allowPrivate = false) => checkTarget(new URL(url), resolve, { allowPrivate });

  it.each([
    ['https://public.example/x', { host: '93.184.216.34', port: 443 }],
    ['http://public.example:8080/x', { host: '93.184.216.34', port: 8080 }],
    ['http://1.1.1.1/', { host: '1.1.1.1', port: 80 }],
    ['http://[2606:4700:4700::1111]/', { host: '2606:4700:4700::1111', port: 80 }],
  ])('%s is connected to as checked', async (url, value) =>
    expect(await check(url)).toEqual({ ok: true, value }),
  );

  it.each([
    ['one private address of several', 'http://rebinding.example/', /leads to 127\.0\.0\.1/],
    ['a private name', 'http://inside.example/', /leads to 10\.1\.2\.3.*allowPrivate/],
    ['the shortest loopback', 'http://127.1/', /leads to 127\.0\.0\.1/],
    ['a number that is loopback', 'http://2130706433/', /leads to 127\.0\.0\.1/],
    ['hex', 'http://0x7f.0.0.1/', /leads to 127\.0\.0\.1/],
    ['octal', 'http://0177.0.0.1/', /leads to 127\.0\.0\.1/],
    ['v6', 'http://[::1]/', /leads to ::1/],
    ['a name in the URL', 'http://public.example@127.0.0.1/', /user name/],
    ['a name that does not resolve', 'http://gone.example/', /does not resolve/],
    ['a name without addresses', 'http://nothing.example/', /resolves to nothing/],
    ['another protocol', 'ftp://public.example/', /ftp:\/\/ is not http/],
  ])('%s is refused', async (_, url, says) =>
    expect(await check(url)).toEqual({ ok: false, error: expect.stringMatching(says) }),
  );

  it('takes private ones where that is meant', async () =>
    expect(await check('http://inside.example/', true)).toEqual({
      ok: true,
      value: { host: '10.1.2.3', port: 80 },
    }));
});
