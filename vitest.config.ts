import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/architecture.test.ts', 'test/{src,compose,cli,wire}/**/*.test.{ts,tsx}'],
        },
      },
    ],
  },
})
