/**
 * The tiny wrapper around every supervised application: a POSIX shell that leads the process group.
 *
 * - It stays through SIGTERM so that it can record how the application ended; only SIGKILL of the group
 *   takes it away. A trapped signal is at its default again in the application.
 * - A signal to the group reaches all of it or, where the sender died before, none: so the wrapper notes
 *   SIGTERM as `EXIT.term`, and whoever took over knows whether the application has had it.
 * - It claims `EXIT.pid` by exclusive creation before it starts the application. Whoever lost track of a
 *   start creates that file itself: either it is there already and names the pid, or the start never
 *   happens. So a crash between fork and record leaves neither an orphan nor a late starter.
 * - `wait` ends early for a trap: it is asked again as long as the application is there. What it says of a signal
 *   ("Terminated") would stand in the log as the application's last word.
 * - A status above 128 is a signal by POSIX's convention; `kill -l` names it.
 */
const SCRIPT = [
  'e=$1; shift',
  `trap ': >"$e.term"' TERM`,
  'trap : HUP INT',
  'set -C',
  'printf "%s\\n" "$$" 2>/dev/null >"$e.pid" || exit 125',
  'set +C',
  '"$@" &',
  'p=$!',
  'while :; do',
  '  wait "$p" 2>/dev/null; c=$?',
  '  if [ "$c" -gt 128 ] && kill -0 "$p" 2>/dev/null; then continue; fi',
  '  break',
  'done',
  'if [ "$c" -gt 128 ] && s=$(kill -l "$c" 2>/dev/null)',
  'then r="{\\"code\\":null,\\"signal\\":\\"SIG$s\\"}"',
  'else r="{\\"code\\":$c,\\"signal\\":null}"; fi',
  'printf "%s\\n" "$r" >"$e.tmp" && mv -f "$e.tmp" "$e"',
].join('\n');

/** Program and arguments that run `argv` under the wrapper. */
export const wrapped = (exitFile: string, argv: readonly string[]): [string, string[]] => [
  '/bin/sh',
  ['-c', SCRIPT, 'slipway-instance', exitFile, ...argv],
];

/** Where the wrapper says its pid. */
export const pidFileOf = (exitFile: string): string => `${exitFile}.pid`;

/** Where it notes that SIGTERM came. */
export const termFileOf = (exitFile: string): string => `${exitFile}.term`;
