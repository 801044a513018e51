import { describe, expect, test } from 'vitest';
import { whyLinkLeadsOut } from './links.ts';

describe('a link stays inside', () => {
  test.each<[string, Record<string, string>]>([
    ['to a neighbour', { 'a/l': 'b' }],
    ['up and down again', { 'a/b/l': '../../c/d' }],
    ['to the root itself', { 'a/l': '..' }],
    ['to what is not there', { l: 'nothing/here' }],
    ['over another link', { l: 'm/x', m: 'd' }],
    ['as npm makes them', { 'node_modules/.bin/vite': '../vite/bin/vite.js' }],
  ])('%s', (_name, links) => {
    for (const path of Object.keys(links)) {
      expect(whyLinkLeadsOut(path, new Map(Object.entries(links)))).toBeUndefined();
    }
  });
});

describe('a link leads out', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ['by an absolute path', { l: '/etc/passwd' }, /absolute path/],
    ['by ..', { l: '..' }, /out of the root/],
    ['by more .. than its depth', { 'a/b/l': '../../../x' }, /out of the root/],
    ['and back in', { l: '../root/x' }, /out of the root/],
    ['over a link that is higher than it seems', { 'p/q/up': '../..', l: 'p/q/up/..' }, /out of the root/],
    ['over a chain of links', { l: 'm', m: 'n/..', n: 'd/up', 'd/up': '..' }, /out of the root/],
    ['over an absolute link', { l: 'm/x', m: '/etc' }, /absolute path \/etc/],
    ['in a circle', { l: 'm', m: 'l' }, /circle/],
  ])('%s', (_name, links, why) => {
    expect(whyLinkLeadsOut('a/b/l' in links ? 'a/b/l' : 'l', new Map(Object.entries(links)))).toMatch(why);
  });
});
