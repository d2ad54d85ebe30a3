import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { CeleryError, messageOf } from '../errors.ts'
import { isObject } from '../protocol/json.ts'
import { type Celery, isApp } from './app.ts'
import { describePath, importModule } from './module.ts'

export interface LoadedApp {
  readonly app: Celery
  /** The file that exports it. */
  readonly path: string
  /** What `loadApp` finds it by again, in another process: `path` or `path:export`. */
  readonly spec: string
}

const appFiles = ['app.ts', 'app.js', 'app.mjs', 'celery.ts', 'celery.js']

/**
 * Finds the app, imports it, and imports the modules of its tasks.
 *
 * @param spec `path[:export]`; without it, `celery.app` of package.json, else app.ts, here or in a directory above
 * @throws {CeleryError} APP_NOT_FOUND; APP_BROKEN when a module cannot be imported
 */
export async function loadApp(spec: string | undefined, from = process.cwd()): Promise<LoadedApp> {
  const { path, name } = spec === undefined ? search(from) : parseSpec(spec, from)
  const app = exportedApp(await importModule(path), path, name)
  await importTasks(app, path)
  return { app, path, spec: name === undefined ? path : `${path}:${name}` }
}

interface AppSpec {
  path: string
  name: string | undefined
}

function parseSpec(spec: string, from: string): AppSpec {
  const [file = '', name] = spec.split(/:(?=[\w$]+$)/)
  const candidates = [file, `${file}.ts`, `${file}.js`, join(file, 'app.ts'), join(file, 'app.js')]
  const path = candidates.map((candidate) => resolve(from, candidate)).find(isModule)
  if (path) return { path, name }
  throw new CeleryError('APP_NOT_FOUND', `there is no module ${resolve(from, file)}`)
}

const isModule = (path: string) => /\.[cm]?[jt]s$/.test(path) && existsSync(path)

function search(from: string): AppSpec {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const declared = declaredApp(directory)
    if (declared) return parseSpec(declared, directory)
    const file = appFiles.find((candidate) => existsSync(join(directory, candidate)))
    if (file) return { path: join(directory, file), name: undefined }
    if (dirname(directory) === directory) break
  }
  const looked = `looked for "celery": { "app": … } in package.json and for ${appFiles.join(', ')}`
  throw new CeleryError('APP_NOT_FOUND', `no Celery app in ${from} or above; ${looked}`)
}

function declaredApp(directory: string): string | undefined {
  const path = join(directory, 'package.json')
  if (!existsSync(path)) return undefined
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'))
    const celery = isObject(manifest) ? manifest.celery : undefined
    return isObject(celery) && typeof celery.app === 'string' ? celery.app : undefined
  } catch (cause) {
    throw new CeleryError('APP_BROKEN', `${path} is not JSON: ${messageOf(cause)}`, { cause })
  }
}

function exportedApp(module: Record<string, unknown>, path: string, name: string | undefined): Celery {
  const wanted = name === undefined ? ['app', 'default', ...Object.keys(module)] : [name]
  const app = wanted.map((key) => module[key]).find(isApp)
  if (app) return app
  const what = name === undefined ? 'no Celery app' : `nothing named '${name}' that is a Celery app`
  const next = "Export one: export const app = new Celery('name', settings)"
  throw new CeleryError('APP_NOT_FOUND', `${describePath(path)} exports ${what}`, { next })
}

async function importTasks(app: Celery, appPath: string): Promise<void> {
  const directory = dirname(appPath)
  await app.signals.importModules.send(app.main, {}, app.log)
  for (const pattern of [...app.conf.imports, ...app.conf.include]) {
    const files = globSync(pattern, { cwd: directory }).sort()
    if (files.length === 0) {
      const next = `Correct the setting \`include\`; it is relative to ${describePath(appPath)}.`
      throw new CeleryError('APP_BROKEN', `include: no module matches '${pattern}'`, { next })
    }
    for (const file of files) await importModule(join(directory, file))
  }
}
