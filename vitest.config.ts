import { defineConfig } from 'vitest/config'
import { Summary } from './test/support/summary.ts'

/** Tests that start real processes of our own: too slow for `npm run check`. */
const processes = [
  'test/src/pool/**/*.test.ts',
  'test/src/worker/pools*.test.ts',
  'test/compose/stack.test.ts',
  'test/cli/commands/doctor.test.ts',
  'test/compose/engine/embedded/local.test.ts',
]

export default defineConfig({
  test: {
    reporters: ['default', new Summary()],
    // Comes by the real parts that the projects below say they need.
    globalSetup: 'test/support/setup.ts',
    projects: [
      {
        test: {
          name: 'unit',
          // As users import it, without a build.
          alias: {
            'celery-sandbox/vitest': `${import.meta.dirname}/src/testing/vitest.ts`,
            'celery-sandbox': `${import.meta.dirname}/src/index.ts`,
          },
          include: ['test/architecture.test.ts', 'test/{src,compose,cli,wire,support}/**/*.test.{ts,tsx}'],
          exclude: processes,
        },
      },
      {
        test: {
          name: 'processes',
          include: processes,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'services',
          include: ['test/{services,conformance,interop}/**/*.test.ts'],
          provide: { needs: ['redis', 'rabbitmq', 'postgresql', 'python', 'compose'] },
          testTimeout: 30_000,
          hookTimeout: 60_000,
          // They wait for servers most of the time.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'docker',
          include: ['test/docker/**/*.test.ts', 'test/e2e/docker*.test.ts'],
          provide: { needs: ['docker', 'images', 'compose', 'buildx', 'registry', 'python', 'tmux'] },
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // They wait for containers half of the time.
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'terminal',
          include: ['test/e2e/**/*.test.ts'],
          exclude: ['test/e2e/docker*.test.ts'],
          provide: { needs: ['python', 'tmux', 'ss', 'chromium', 'systemd', 'oldestNode'] },
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
})
