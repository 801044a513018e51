import type { Detected, DetectedProcess } from './detect.ts';

/** The commented application file that `slipway init` writes. Everything in it that is no comment is in force. */
export function appFile(detected: Detected): string {
  const { name, build, processes } = detected;
  const [only, second] = processes;
  const services = (only === undefined ? [PLACEHOLDER] : processes).filter(({ type }) => type === 'service');
  const lines = [
    `# ${name}, as Slipway releases it.${detected.from === null ? '' : ` Made from ${detected.from}; change what does not fit.`}`,
    '#   slipway plan -f app.yaml          what a release would do',
    '#   slipway release -f app.yaml -w    release it and watch',
    ...(build === null ? [] : [`# Build first: ${build}`]),
    'apiVersion: slipway.dev/v1alpha1',
    'kind: Application',
    `metadata: { name: ${name} }`,
    'spec:',
    ...(second === undefined
      ? ['  workload:', ...workload(detected, only ?? PLACEHOLDER, '    ')]
      : [
          '  workloads:',
          ...processes.flatMap((one) => [`    ${one.name}:`, ...workload(detected, one, '      ')]),
        ]),
    ...routes(detected, services),
    '  # How a new version comes in: scaled (1 without traffic, then two thirds, then all), blueGreen, canary,',
    '  # custom or rolling. "slipway plan" shows the stages.',
    '  strategy:',
    '    scaled: {}',
    ...(services.length === 0 ? [] : GATES),
    '  # What differs elsewhere; approvals belong to the Environment, not here.',
    '  # environments:',
    second === undefined
      ? '  #   staging: { workload: { replicas: 1 } }'
      : `  #   staging: { workloads: { ${processes[0]?.name}: { replicas: 1 } } }`,
    '',
  ];
  return lines.join('\n');
}

const PLACEHOLDER: DetectedProcess = { name: 'web', type: 'service', command: ['./start'] };

function workload(detected: Detected, { type, command }: DetectedProcess, indent: string): string[] {
  const lines = [
    `artifact: ${quote(detected.artifact)}${' '.repeat(Math.max(1, 26 - detected.artifact.length))}# directory or archive, relative to this file, or NAME@sha256:…`,
    ...(detected.artifact === '.'
      ? ['# All of this directory but .git, this file and what .slipwayignore names (as .gitignore does).']
      : []),
    ...(detected.image === null ? [] : [`# image: ${detected.image}   # instead of artifact, on Kubernetes`]),
    '# A list of arguments; no shell reads it. It must end by itself on SIGTERM.',
    `command: [${command.map(quote).join(', ')}]`,
  ];
  if (type === 'worker') lines.push('type: worker                 # takes no requests', 'replicas: 1');
  else {
    lines.push(
      'port: { env: PORT }          # the variable that tells it where to listen',
      'replicas: 2',
      '# Ready when this path answers 200: it should ask what a request needs. Asked more often while it starts.',
      'readiness: { http: { path: / }, interval: 1s }',
      '# Requests inside get this long to end before an old instance is stopped.',
      'drain: { timeout: 30s }',
    );
  }
  lines.push('# env: { LOG_LEVEL: info, PASSWORD: { secret: NAME, key: password } }');
  return lines.map((line) => indent + line);
}

function routes({ name }: Detected, services: readonly DetectedProcess[]): string[] {
  const [first, second] = services;
  if (first === undefined) return [];
  const workload = second === undefined ? '' : `, workload: ${first.name}`;
  return ['  routes:', `    - { host: ${name}.localhost, path: /${workload} }`];
}

/** A path alone asks the new version itself; what comes before the first users depends on the strategy. */
const GATES = [
  '  # Asked after stage 1 of scaled, which has no users yet; a first release and one flip to a warm version ask it',
  '  # before users as well. With canary, rolling, or custom without beta, stage 1 has the first users already.',
  '  gates:',
  '    - { after: 1, name: smoke, http: { path: /, expect: "response.status == 200" } }',
];

/** YAML that is plain where it can be, and JSON's quotes where it cannot. */
const quote = (text: string): string =>
  /^[A-Za-z0-9_./-]+$/.test(text) && !/^(true|false|null|yes|no|[-.\d]+)$/i.test(text)
    ? text
    : JSON.stringify(text);
