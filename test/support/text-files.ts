/** Files as a map of texts, read as `readFile` of Node would; changed by whoever holds the map. */
export function textFiles(files: Map<string, string>) {
  const reads: string[] = [];
  const readFile = async (path: string): Promise<string> => {
    reads.push(path);
    const text = files.get(path);
    if (text !== undefined) return text;
    throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
  };
  return { readFile, reads };
}
