#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

// Runs on any Node that has ECMAScript modules, to say which one is needed: nothing newer may be used before that,
// not even imported by name, which would fail before the first line runs.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `celery-sandbox needs Node 22.18 or newer, and this is ${process.versions.node}; ` +
      'get it with: npx --package=node@24 --package=celery-sandbox celery-sandbox\n',
  )
  process.exitCode = 3
} else if (process.argv.length === 3 && /^(--version|-V)$/.test(process.argv[2] ?? '')) {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  process.stdout.write(`${JSON.parse(manifest).version}\n`)
} else {
  // Beside the package, so that nothing of ours is left in the directory for temporary files.
  module.enableCompileCache?.(fileURLToPath(new URL('../../.cache', import.meta.url)))
  const { main } = await import('./main.ts')
  await main(process.argv.slice(2))
}
