import { defineConfig } from 'vitest/config';

/**
 * Groups: `unit` stands beside the code and is quick; `integration` starts real processes, sockets and
 * files, one file at a time per core, since it measures waiting and not throughput; `kubernetes` needs a cluster
 * (scripts/test-kubernetes.ts), and `kubernetes-faults` breaks it, so that nothing else may run on it meanwhile.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: ['test/kubernetes/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'kubernetes',
          include: ['test/kubernetes/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'kubernetes-faults',
          include: ['test/kubernetes/faults/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
        },
      },
    ],
  },
});
