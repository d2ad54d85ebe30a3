import { defineConfig } from 'vitest/config'
import { Summary } from './test/support/summary.ts'

export default defineConfig({
  test: {
    reporters: ['default', new Summary()],
    // Comes by the real parts that the projects below say they need.
    globalSetup: 'test/support/setup.ts',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/architecture.test.ts', 'test/{src,compose,cli,wire,support}/**/*.test.{ts,tsx}'],
        },
      },
      {
        test: {
          name: 'services',
          include: ['test/{services,conformance,interop}/**/*.test.ts'],
          provide: { needs: ['redis', 'rabbitmq', 'python'] },
          testTimeout: 30_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'docker',
          include: ['test/docker/**/*.test.ts', 'test/e2e/docker*.test.ts'],
          provide: { needs: ['docker', 'images', 'compose', 'python'] },
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // One engine, and two cores for all its containers.
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'terminal',
          include: ['test/e2e/**/*.test.ts'],
          exclude: ['test/e2e/docker*.test.ts'],
          provide: { needs: ['python', 'tmux', 'ss', 'chromium'] },
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
