import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CeleryError, messageOf } from '../errors.ts'

/**
 * Imports a file of the user's.
 *
 * @throws {CeleryError} APP_BROKEN with the file and what is wrong with it
 */
export async function importModule(path: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(path).href)
  } catch (cause) {
    throw new CeleryError('APP_BROKEN', `cannot import ${describePath(path)}: ${describeFailure(cause)}`, { cause })
  }
}

export const describePath = (path: string) => relative(process.cwd(), path) || path

// A syntax error names its place in the first line of its stack only.
function describeFailure(cause: unknown): string {
  const place = cause instanceof SyntaxError ? /^(?:file:\/\/)?(\S+:\d+)/.exec(cause.stack ?? '')?.[1] : undefined
  return place ? `${messageOf(cause)} (${describePath(place)})` : messageOf(cause)
}
