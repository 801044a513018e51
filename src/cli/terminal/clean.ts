// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with a control character.
const SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
// Direction overrides make a line read differently from what it says.
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text of others (applications' logs, messages, names) as it may go to a terminal: without escape sequences
 * and control characters, which could move the cursor, set the title or hide what follows.
 */
export function clean(text: string): string {
  return text.replace(SEQUENCE, '').replace(CONTROL, '').replace(DIRECTION, '');
}

/** As `clean`, on one line: line breaks and runs of spaces become one space. */
export const cleanLine = (text: string): string => clean(text.replace(/\s+/g, ' ')).trim();
