import { fileURLToPath } from 'node:url'

/** Where this copy of the package is, and how to run it. */

export const packageRoot: string = fileURLToPath(new URL('.', import.meta.resolve('celery-sandbox/package.json')))

/** The built command line, also when this module runs from source. */
export const binPath: string = fileURLToPath(
  new URL('dist/cli/bin.js', import.meta.resolve('celery-sandbox/package.json')),
)

export const templatesPath: string = fileURLToPath(
  new URL('templates/', import.meta.resolve('celery-sandbox/package.json')),
)

/** argv of this command line in a new process: independent of PATH and of npx. */
export const ownCommand: readonly string[] = [process.execPath, binPath]
