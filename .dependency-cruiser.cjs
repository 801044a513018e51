/** Dependencies point one way; each rule says why. `npm run check` also asserts that every module was looked at. */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: `^src/${from}/`, pathNot: '\\.test\\.ts$' },
  to: { path: '^src/', pathNot: `^src/(${[from, ...allowed].join('|')})/` },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment:
        'A cycle means that two modules are one: neither can be read, tested or moved alone. A command that is loaded when it runs may know the list of commands.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only', 'dynamic-import'] } },
    },
    {
      name: 'no-orphans',
      comment: 'A module that nothing uses is a claim that nobody keeps.',
      severity: 'error',
      from: {
        orphan: true,
        path: '^src/',
        pathNot: '(\\.test\\.ts|-process\\.ts|main\\.ts|-worker\\.ts|\\.d\\.ts)$',
      },
      to: {},
    },
    {
      name: 'no-dev-dependencies-in-src',
      comment: 'What ships must run without development tools.',
      severity: 'error',
      from: { path: '^src/', pathNot: '(\\.test\\.ts|conformance\\.ts)$' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'src-knows-no-tests',
      comment: 'Production code must not know how it is tested: no "if (simulated)".',
      severity: 'error',
      from: { path: '^src/', pathNot: '(\\.test\\.ts|conformance\\.ts)$' },
      to: { path: '^(test|bench|demo|scripts)/' },
    },
    only(
      'lib-is-the-floor',
      'lib',
      [],
      'lib/ is what everything stands on: ports and small tools that know no domain.',
    ),
    only(
      'api-is-data',
      'api',
      ['lib'],
      'api/ holds schemas and types alone, so that every side can share it.',
    ),
    only(
      'engine-is-pure',
      'engine',
      ['api', 'lib'],
      'engine/ decides from what it is given; it must run in virtual time, in the command line and in the simulator.',
    ),
    {
      name: 'engine-has-no-io',
      comment:
        'No clock, random, file, network or process in engine/: the same input gives the same decision (INV-17).',
      severity: 'error',
      from: { path: '^src/engine/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'engine-uses-no-adapters',
      comment: 'Of lib/ the engine uses values and types, never what touches the machine.',
      severity: 'error',
      from: { path: '^src/engine/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/lib/(clock|random|files|network|processes|.*-node)',
        dependencyTypesNot: ['type-only'],
      },
    },
    only(
      'store-knows-no-domain',
      'store',
      ['api', 'lib', 'engine', 'artifacts'],
      'store/ keeps objects; what they mean is decided elsewhere.',
    ),
    only(
      'artifacts-stand-alone',
      'artifacts',
      ['api', 'lib'],
      'artifacts/ is content by digest and nothing more.',
    ),
    only('router-stands-alone', 'router', ['lib'], 'The data plane must go on when everything else is gone.'),
    only(
      'kubernetes-client-stands-alone',
      'kubernetes',
      ['lib'],
      'kubernetes/ speaks with an API server about objects of any kind; what they mean is decided elsewhere.',
    ),
    only(
      'drivers-know-ports',
      'drivers',
      ['api', 'lib', 'router', 'engine'],
      'A driver observes, acts and verifies; it knows no manager, store or release.',
    ),
    only(
      'gates-ask-questions',
      'gates',
      ['api', 'lib', 'drivers', 'engine'],
      'A gate asks and answers; what follows from it is the engine’s.',
    ),
    only(
      'agent-runs-orders',
      'agent',
      ['api', 'lib', 'engine', 'drivers', 'gates', 'execution', 'router'],
      'The agent carries out executions; it has no store and no controllers.',
    ),
    only(
      'execution-dispatches',
      'execution',
      ['api', 'lib', 'engine', 'store'],
      'execution/ brings orders to agents and reports to the store; it decides nothing.',
    ),
    only(
      'controllers-decide-by-engine',
      'controllers',
      ['api', 'lib', 'engine', 'store', 'server'],
      'controllers/ gather, decide by engine/, save, act. Of server/ they know the port types that they serve.',
    ),
    {
      name: 'controllers-see-server-ports-only',
      comment: 'The server calls the planner, not the other way round.',
      severity: 'error',
      from: { path: '^src/controllers/' },
      to: { path: '^src/server/', dependencyTypesNot: ['type-only'] },
    },
    only(
      'server-serves',
      'server',
      ['api', 'lib', 'engine', 'store', 'execution', 'artifacts'],
      'server/ checks, authorises and stores intent; controllers wake by the store.',
    ),
    only(
      'simulator-composes',
      'simulator',
      [
        'api',
        'lib',
        'engine',
        'store',
        'artifacts',
        'controllers',
        'execution',
        'agent',
        'drivers',
        'gates',
        'router',
      ],
      'The simulator puts the real parts together over ports of its own; it knows no server, command line or machine.',
    ),
    {
      name: 'simulator-shares-decisions',
      comment:
        'Of the local driver the model of a cluster takes pure decisions, which then need no keeping in step; processes, files and sockets are its own.',
      severity: 'error',
      from: { path: '^src/simulator/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/drivers/local/',
        pathNot:
          '^src/drivers/local/(admission|backend-states|backoff|failures|plan-workload|ports|problem|prove-after|readiness|route-table)\\.ts$',
      },
    },
    {
      name: 'suites-are-for-tests',
      comment:
        'A conformance suite judges adapters and is no part of what ships (tsconfig.build.json leaves it out).',
      severity: 'error',
      from: { path: '^src/', pathNot: '(\\.test|conformance)\\.ts$' },
      to: { path: 'conformance\\.ts$' },
    },
    {
      name: 'nobody-knows-the-simulator',
      comment:
        'Production code is the same in virtual time: whoever imported the simulator could ask for it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(simulator/|cli/commands/rehearse|cli/text/rehearsal)' },
      to: { path: '^src/simulator/' },
    },
    {
      name: 'cli-rehearses-late',
      comment:
        '`slipway rehearse` plays releases in virtual time without a manager. It alone may ask for that, when it runs: the simulator brings everything with it, and `slipway --help` must not load it (P12).',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/simulator/', dependencyTypesNot: ['type-only', 'dynamic-import'] },
    },
    {
      name: 'cli-rehearses-only',
      comment: 'Of the simulator the command line knows rehearsals: the rest is how they are played.',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/simulator/(?!rehearsal/)' },
    },
    {
      name: 'cli-talks-to-the-api',
      comment:
        'The command line is a client of the API; `up`, `down` and `restore` reach the embedded composition. It may know the types of what it shows.',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/',
        pathNot: '^src/(cli|api|lib|engine|server|artifacts|embedded|store|simulator/rehearsal)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'cli-loads-no-server',
      comment: '`slipway --help` must not load the server (P12): of server/ the client alone.',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: {
        path: '^src/server/',
        pathNot: '^src/server/(api-client|why|client)',
        dependencyTypesNot: ['type-only', 'dynamic-import'],
      },
    },
    {
      name: 'nobody-imports-the-composition',
      comment:
        'embedded/ is the composition root: it knows everyone and nobody knows it but the command line.',
      severity: 'error',
      from: { path: '^src/(?!embedded/|cli/)' },
      to: { path: '^src/embedded/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
