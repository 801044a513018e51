/** One name for all that a file system may take for the same: without case, in one Unicode form. */
export const foldedName = (name: string): string => name.normalize('NFC').toLowerCase();
