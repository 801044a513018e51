/**
 * The tiny wrapper around every supervised application: a POSIX shell that leads the process group.
 *
 * - It stays through SIGTERM (a trapped signal, which the application gets at its default again) so that it
 *   can record how the application ended; only SIGKILL of the group takes it away.
 * - It claims `EXIT.pid` by exclusive creation before it starts the application. Whoever lost track of a
 *   start creates that file itself: either it is there already and names the pid, or the start never
 *   happens. So a crash between fork and record leaves neither an orphan nor a late starter.
 * - The application runs in the foreground, so that the trap waits for its end and no signal is lost.
 * - A status above 128 is a signal by POSIX's convention; `kill -l` names it.
 */
const SCRIPT = [
  'trap : TERM HUP INT',
  'e=$1; shift',
  'set -C',
  'printf "%s\\n" "$$" 2>/dev/null >"$e.pid" || exit 125',
  'set +C',
  '"$@"',
  'c=$?',
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
