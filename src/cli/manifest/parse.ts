import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml';
import { type Position, type Problem, problemAt, type Source } from './source.ts';

/** What a file may cost before it is refused (threats.md: YAML bombs). */
export const LIMITS = { bytes: 1_048_576, depth: 64, documents: 200, aliases: 100, values: 20_000 } as const;

export type Path = readonly (string | number)[];

/** One document of a file as plain data, and where each part of it stands. */
export interface ParsedDocument {
  readonly source: Source;
  readonly value: unknown;
  /**
   * Where the value at `path` stands, or its key; the nearest thing around it where it is missing.
   */
  position(path: Path, part?: 'key' | 'value'): Position;
}

export type Parsed =
  | { readonly ok: true; readonly documents: readonly ParsedDocument[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** YAML 1.2 (JSON is a part of it), one or several documents. Hostile input is refused, never expanded. */
export function parseManifest(source: Source): Parsed {
  const size = Buffer.byteLength(source.text);
  if (size > LIMITS.bytes) {
    return refuse(source, `the file has ${size} bytes; at most ${LIMITS.bytes} are read`);
  }
  const reason = tooMuch(source.text);
  if (reason !== undefined) return refuse(source, reason);
  const lines = new LineCounter();
  try {
    const documents = parseAllDocuments(source.text, {
      lineCounter: lines,
      // Looked for below with a set: the parser compares each key with each other, minutes for a large file.
      uniqueKeys: false,
      strict: true,
      prettyErrors: false,
      stringKeys: true,
    });
    if (!Array.isArray(documents)) return { ok: true, documents: [] };
    if (documents.length > LIMITS.documents) {
      return refuse(source, `more than ${LIMITS.documents} documents in one file`);
    }
    const problems = documents.flatMap((document) => [
      ...syntaxProblems(document, source, lines),
      ...shapeProblems(document, source, lines),
    ]);
    if (problems.length > 0) return { ok: false, problems };
    return {
      ok: true,
      documents: documents
        .filter((document) => document.contents !== null && !isEmpty(document))
        .map((document) => parsedDocument(document, source, lines)),
    };
  } catch (error) {
    // How the parser says that aliases would grow too large.
    if (error instanceof ReferenceError) return refuse(source, error.message);
    throw error;
  }
}

const refuse = (source: Source, message: string): Parsed => ({
  ok: false,
  problems: [problemAt(source, { line: 1, column: 1 }, '', message)],
});

/**
 * Why a file costs too much to be parsed, from its tokens alone. The parser goes down by recursion and takes
 * seconds until the stack is full, so nesting on one line is counted before (by indentation it is bounded by
 * the size of the file), and so are the values.
 */
function tooMuch(text: string): string | undefined {
  let flow = 0;
  let block = 0;
  let values = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') flow += 1;
    else if (token === ']' || token === '}') flow -= 1;
    else if (token === '-' || token === '?') block += 1;
    else if (token === '\n' || token === '\r\n') block = 0;
    if (token === '-' || token === ':' || token === ',') values += 1;
    if (flow + block > LIMITS.depth) return `nested deeper than ${LIMITS.depth} levels`;
    if (values > LIMITS.values) return `more than ${LIMITS.values} values in one file`;
  }
  return undefined;
}

const isEmpty = ({ contents }: Document): boolean => isScalar(contents) && contents.value === null;

function syntaxProblems(document: Document, source: Source, lines: LineCounter): Problem[] {
  // Warnings are unknown tags and the like: nothing that an honest file needs.
  const seen = new Set<number>();
  const first = [...document.errors, ...document.warnings].filter(({ pos: [at] }) => {
    const known = seen.has(at);
    seen.add(at);
    return !known;
  });
  return first.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return problemAt(
      source,
      { line: line || 1, column: col || 1 },
      '',
      syntaxWords(error.code, error.message),
    );
  });
}

function syntaxWords(code: string, message: string): string {
  if (code === 'TAB_AS_INDENT') return 'a tab as indentation; YAML allows spaces alone';
  const first = message.split('\n', 1)[0] ?? message;
  return `${first.charAt(0).toLowerCase()}${first.slice(1)}`;
}

/** Limits, and keys that no kind has: kept apart from the schemas, which see plain data only. */
function shapeProblems(document: Document, source: Source, lines: LineCounter): Problem[] {
  const problems: Problem[] = [];
  let aliases = 0;
  const add = (node: unknown, message: string): typeof visit.BREAK => {
    problems.push(problemAt(source, offset(node as Node | null, lines), '', message));
    return visit.BREAK;
  };
  visit(document, {
    Node(_key, node, path) {
      // Between two collections stands a pair, which is no level of its own.
      const depth = path.filter((parent) => isMap(parent) || isSeq(parent)).length;
      return depth > LIMITS.depth ? add(node, `nested deeper than ${LIMITS.depth} levels`) : undefined;
    },
    Alias(_key, node, path) {
      aliases += 1;
      if (path.some((parent) => isCollection(parent) && parent.anchor === node.source)) {
        return add(node, 'an alias inside of what it stands for');
      }
      return aliases > LIMITS.aliases
        ? add(node, `more than ${LIMITS.aliases} aliases in one document`)
        : undefined;
    },
    Map(_key, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? String(key.value) : '';
        if (seen.has(name)) add(key, `the key "${name}" stands twice in one map; keep one of the two`);
        seen.add(name);
      }
    },
    Pair(_key, pair) {
      const key = isScalar(pair.key) ? pair.key.value : undefined;
      return key === '__proto__' ? add(pair.key, '"__proto__" is no key that is allowed') : undefined;
    },
  });
  return problems;
}

function offset(node: Node | null | undefined, lines: LineCounter): Position {
  const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
  return { line: line || 1, column: col || 1 };
}

function parsedDocument(document: Document, source: Source, lines: LineCounter): ParsedDocument {
  return {
    source,
    value: document.toJS({ maxAliasCount: LIMITS.aliases }),
    position(path, part = 'value') {
      let node: unknown = document.contents;
      let best = offset(node as Node | null, lines);
      for (const [at, step] of path.entries()) {
        const last = at === path.length - 1;
        if (isSeq(node)) {
          node = node.items[Number(step)];
          if (node === undefined) return best;
          best = offset(node as Node, lines);
          continue;
        }
        const pair = isMap(node)
          ? node.items.find((one) => isScalar(one.key) && String(one.key.value) === String(step))
          : undefined;
        if (pair === undefined) return best;
        const value = pair.value as Node | null;
        // A missing part is shown at the key that should hold it, and so is an empty value.
        best =
          last && part === 'value' && isScalar(value) && value.value !== null
            ? offset(value, lines)
            : offset(pair.key as Node, lines);
        node = value;
      }
      return best;
    },
  };
}
