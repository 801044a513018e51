// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what looks like a template is the syntax of the shells.

import { KIND_NAMES } from '../../api/kind-names.ts';
import { SlipwayError } from '../../lib/errors.ts';
import { type CommandModule, examples } from '../command.ts';
import { COMMANDS } from '../commands.ts';
import { EXIT } from '../exit-codes.ts';

/** `slipway completion`: a script for the shell, made from the same table as `--help`. */
export const command: CommandModule = {
  configure(command, run) {
    command.description('Print the completion script of a shell.').argument('<shell>', 'bash, zsh or fish');
    examples(
      command,
      'source <(slipway completion bash)        # or into ~/.bashrc',
      'slipway completion zsh > "${fpath[1]}/_slipway"',
      'slipway completion fish > ~/.config/fish/completions/slipway.fish',
    );
    command.action(
      run(async (context, shell: string) => {
        const script = { bash, zsh, fish }[shell];
        if (script === undefined) {
          throw new SlipwayError('badRequest', `There is no completion for "${shell}".`, {
            next: 'Allowed: bash, zsh, fish.',
          });
        }
        context.print(...script());
        return EXIT.ok;
      }),
    );
  },
};

const KINDS = KIND_NAMES.map(({ plural }) => plural);
/** Commands whose first argument is a kind, and those whose first argument names an object. */
const TAKES_KIND = ['get', 'describe', 'delete'];
const TAKES_RELEASE = [
  'promote',
  'pause',
  'approve',
  'reject',
  'abort',
  'retry',
  'skip',
  'receipt',
  'why',
  'resume',
  'rollback',
];
const TAKES_APPLICATION = ['release', 'plan', 'history', 'scale', 'restart', 'logs', 'status'];

/** Ended releases are of use to these as well. */
const ON_ANY = ['receipt', 'why', 'retry', 'rollback'];
const ON_OPEN = TAKES_RELEASE.filter((verb) => !ON_ANY.includes(verb));

/** Names come from the manager, `kind/name` without the kind; nothing where it does not answer. */
const NAMES = (kind: string): string => `slipway get ${kind} -o name 2>/dev/null | sed 's,^[^/]*/,,'`;

/** Releases that a verb can still do something to: those that have not ended. */
const OPEN =
  "$(slipway get releases 2>/dev/null | awk 'NR > 1 && !/ (Succeeded|Aborted|RolledBack|Failed|Superseded) / { print $1 }')";
const COMMAND_NAMES = COMMANDS.map(({ name }) => name).join(' ');

/** Values of options, whatever the command. */
const OPTION_VALUES = [
  `    -e|--env) words="$(${NAMES('environments')})" ;;`,
  '    -o|--output) words="json yaml name wide" ;;',
  `    --to) words="$(slipway get revisions -o name 2>/dev/null | sed 's,.*-\\(r[0-9]*\\)$,\\1,' | sort -u)" ;;`,
  `    --instance) words="$(slipway status "\${COMP_WORDS[2]}" -o json 2>/dev/null | sed -n 's/^ *"id": "\\(.*\\)",*$/\\1/p')" ;;`,
];

/** Flags of every command, and of the one that is written, as its own help lists them. */
const FLAGS = `$(slipway "$first" --help 2>/dev/null | grep -oE -- '(^| )--?[a-z][a-z-]*' | tr -d ' ' | sort -u) -n --namespace -e --env -o --output -y --yes --data --server --token --ca --no-color --verbose`;

function bash(): string[] {
  return [
    '# bash completion of slipway',
    '_slipway() {',
    '  local word=${COMP_WORDS[COMP_CWORD]} first=${COMP_WORDS[1]} before=${COMP_WORDS[COMP_CWORD-1]} words=""',
    '  case $before in',
    ...OPTION_VALUES,
    '  esac',
    '  if [ -n "$words" ]; then :',
    '  elif [[ $word == -* ]]; then',
    `    words="${FLAGS}"`,
    '  elif [ "$COMP_CWORD" -eq 1 ]; then',
    `    words="${COMMAND_NAMES}"`,
    '  elif [ "$COMP_CWORD" -eq 2 ]; then',
    '    case $first in',
    `      ${TAKES_KIND.join('|')}) words="${KINDS.join(' ')}" ;;`,
    `      ${ON_OPEN.join('|')}) words="$(${NAMES('applications')}) ${OPEN}" ;;`,
    `      ${ON_ANY.join('|')}) words="$(${NAMES('applications')}) $(${NAMES('releases')})" ;;`,
    `      ${TAKES_APPLICATION.join('|')}) words="$(${NAMES('applications')})" ;;`,
    '      completion) words="bash zsh fish" ;;',
    `      help) words="${COMMAND_NAMES} exit-codes environment" ;;`,
    '      secret) words="set list delete" ;;',
    '      token) words="create list revoke" ;;',
    '    esac',
    '  elif [ "$COMP_CWORD" -eq 3 ]; then',
    '    case $first in',
    `      ${TAKES_KIND.join('|')}) words="$(slipway get "\${COMP_WORDS[2]}" -o name 2>/dev/null | sed 's,^[^/]*/,,')" ;;`,
    '    esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    '  if [ ${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$word")); fi',
    '}',
    'complete -F _slipway slipway',
  ];
}

function zsh(): string[] {
  return [
    '#compdef slipway',
    '_slipway() {',
    '  local -a commands',
    '  commands=(',
    ...COMMANDS.map(
      ({ name, summary }) => `    '${name}:${summary.replaceAll("'", "'\\''").replaceAll(':', '\\:')}'`,
    ),
    '  )',
    '  if (( CURRENT == 2 )); then',
    "    _describe 'command' commands",
    '    return',
    '  fi',
    '  case $words[2] in',
    `    ${TAKES_KIND.join('|')})`,
    `      if (( CURRENT == 3 )); then compadd ${KINDS.join(' ')}`,
    `      else compadd \${(f)"$(slipway get $words[3] -o name 2>/dev/null | sed 's,^[^/]*/,,')"}; fi ;;`,
    `    ${TAKES_RELEASE.join('|')}) compadd \${(f)"$(${NAMES('releases')})"} ;;`,
    `    ${TAKES_APPLICATION.join('|')}) compadd \${(f)"$(${NAMES('applications')})"} ;;`,
    '    completion) compadd bash zsh fish ;;',
    '    *) _files ;;',
    '  esac',
    '}',
    'if [ "$funcstack[1]" = "_slipway" ]; then _slipway "$@"; else compdef _slipway slipway; fi',
  ];
}

function fish(): string[] {
  const quoted = (text: string): string => text.replaceAll("'", "\\'");
  return [
    '# fish completion of slipway',
    ...COMMANDS.map(
      ({ name, summary }) =>
        `complete -c slipway -f -n __fish_use_subcommand -a ${name} -d '${quoted(summary)}'`,
    ),
    `complete -c slipway -f -n '__fish_seen_subcommand_from ${TAKES_KIND.join(' ')}' -a '${KINDS.join(' ')}'`,
    `complete -c slipway -f -n '__fish_seen_subcommand_from ${TAKES_RELEASE.join(' ')}' -a '(${quoted(NAMES('releases'))})'`,
    `complete -c slipway -f -n '__fish_seen_subcommand_from ${TAKES_APPLICATION.join(' ')}' -a '(${quoted(NAMES('applications'))})'`,
    "complete -c slipway -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'",
    'complete -c slipway -F -n "__fish_seen_subcommand_from apply diff init backup restore"',
  ];
}
