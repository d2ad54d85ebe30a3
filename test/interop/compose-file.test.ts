import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { fileKind, type Kind } from '../../compose/file/forms/kinds.ts'
import { printModel } from '../../compose/file/print.ts'
import { openProject, type ProjectOptions } from '../../compose/file/project.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run } from '../support/process.ts'

/** How a project is opened that needs more than a directory; paths as seen from its own. */
const asked: Readonly<Record<string, ProjectOptions>> = {
  'overrides (two files)': { files: ['a.yaml', 'b.yaml'], profiles: ['x'] },
  'reset-and-override (two files)': { files: ['compose.yaml', 'more.yaml'] },
  'profiles (none)': {},
  'profiles (by flag)': { profiles: ['debug'] },
  'profiles (by variable)': { env: { COMPOSE_PROFILES: 'test,other' } },
  'profiles (all)': { profiles: ['*'] },
  'airflow (with a profile)': { profiles: ['debug'] },
  'django-celery (another environment)': { env: { DEBUG: 'from outside', DB_PASSWORD: 'a$b' }, profiles: ['beat'] },
  'env-files (two)': { envFiles: ['one.env', 'two.env'] },
  'env-files (by variable)': { env: { COMPOSE_ENV_FILES: 'two.env,one.env', A: 'outside' } },
  'env-files (none)': { env: { COMPOSE_DISABLE_ENV_FILE: '1', A: '' } },
  'project-name (the last file)': { files: ['compose.yaml', 'second.yaml'] },
  'project-name (by flag)': { projectName: 'flag' },
  'project-name (by variable)': { env: { COMPOSE_PROJECT_NAME: 'variable' } },
  'worker-fleet (three files by variable)': { env: { COMPOSE_FILE: 'compose.yaml:production.yaml' } },
  'worker-fleet (another separator)': {
    env: { COMPOSE_FILE: 'compose.yaml,production.yaml', COMPOSE_PATH_SEPARATOR: ',' },
  },
  'dot-env-from-parent (another directory)': { files: ['project/compose.yaml'] },
  'project-directory (by flag)': { files: ['deploy/compose.yaml'], projectDirectory: '.' },
  'extends (newer)': { env: { TAG: '2' } },
  'rabbitmq-cluster (from below)': { env: { USER_NAME: 'me' } },
}

const root = join(import.meta.dirname, 'compose-files')
const plain = readdirSync(root).filter((name) => existsSync(join(root, name, 'compose.yaml')) || name === 'wordpress')
const cases: readonly (readonly [string, ProjectOptions])[] = [
  ...plain.map((name) => [name, {}] as const),
  ...Object.entries(asked),
]

function open(title: string, { env, ...options }: ProjectOptions) {
  const directory = join(root, title.split(' ', 1)[0] ?? '')
  return openProject({ directory, env: { HOME: homedir(), ...env }, ...options })
}

/** What Docker's own Compose makes of the same files. */
async function oracle(title: string, options: ProjectOptions): Promise<{ json: string; yaml: string }> {
  const { files, profiles, envFiles, projectName, projectDirectory, env = {} } = options
  const flags = [
    ...(files ?? []).flatMap((file) => ['--file', file]),
    ...(profiles ?? []).flatMap((profile) => ['--profile', profile]),
    ...(envFiles ?? []).flatMap((file) => ['--env-file', file]),
    ...(projectName ? ['--project-name', projectName] : []),
    ...(projectDirectory ? ['--project-directory', projectDirectory] : []),
  ]
  const cwd = join(root, title.split(' ', 1)[0] ?? '')
  const clean = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]))
  const config = async (format: string) => {
    const args = [...flags, 'config', '--format', format]
    const { code, stdout, stderr } = await run(parts().compose.current, args, {
      cwd,
      env: { ...clean, HOME: homedir(), PATH: process.env.PATH, ...env },
    })
    if (code !== 0) throw new Error(stderr)
    return stdout
  }
  const [json, yaml] = await Promise.all([config('json'), config('yaml')])
  return { json, yaml }
}

/** Extensions mean nothing, and whether a host path is to be made is left out by one line of Compose if not, by the next if so. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(
    ([key, entry]) => !key.startsWith('x-') && !(key === 'create_host_path' && entry === false),
  )
  return Object.fromEntries(entries.map(([key, entry]) => [key, comparable(entry)]))
}

describeWith(['compose'], "the model, held against Docker's own Compose", () => {
  describe.concurrent('is the same', () => {
    it.for(cases)('%s', async ([title, options], { expect }) => {
      const { json, yaml } = await oracle(title, options)
      const model = open(title, options).model()
      expect(comparable(JSON.parse(printModel(model, 'json')))).toEqual(comparable(JSON.parse(json)))
      expect(comparable(parse(printModel(model, 'yaml')))).toEqual(comparable(parse(yaml)))
    })
  })
})

/** Keys that no file here can hold: Compose 2.40.3 refuses or drops them. */
const elsewhere: Readonly<Record<string, string>> = {
  'services.*.cpu_percent': 'its own schema refuses the number that it made of it',
  'services.*.pull_refresh_after': 'newer',
  'services.*.build.no_cache_filter': 'newer',
  'networks.*.ipam.options': 'dropped',
  'secrets.*.content': 'configs have it',
  'configs.*.driver': 'secrets have it',
  'configs.*.driver_opts': 'secrets have it',
}

/** What is refused here as well. */
const refused = [
  'models',
  'services.*.models',
  'services.*.provider',
  'services.*.use_api_socket',
  'services.*.credential_spec',
  'services.*.isolation',
  'services.*.pre_start',
]

it('has every key in at least one of the files', () => {
  const files = globSync('**/*.{yaml,yml}', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'))
  const used = new Set(files.flatMap((text) => keysIn(fileKind, parse(text, { merge: true, logLevel: 'silent' }))))
  const missing = keysOf(fileKind).filter((key) => !used.has(key) && !(key in elsewhere) && !refused.includes(key))
  expect(missing).toEqual([])
})

const under = (path: string, key: string) => (path === '' ? key : `${path}.${key}`)

/** Every key of the table, as `services.*.ports.target`. */
function keysOf(kind: Kind, path = ''): string[] {
  if (typeof kind === 'string') return []
  if ('list' in kind) return keysOf(kind.list, path)
  if ('map' in kind) return keysOf(kind.map, under(path, '*'))
  if (!('record' in kind)) return []
  return Object.entries(kind.record).flatMap(([key, entry]) => [under(path, key), ...keysOf(entry, under(path, key))])
}

/** Those of them that a value has. */
function keysIn(kind: Kind, value: unknown, path = ''): string[] {
  if (typeof kind === 'string' || typeof value !== 'object' || value === null) return []
  if ('list' in kind) return [value].flat().flatMap((entry) => keysIn(kind.list, entry, path))
  if ('map' in kind) return Object.values(value).flatMap((entry) => keysIn(kind.map, entry, under(path, '*')))
  if (!('record' in kind)) return []
  return Object.entries(value).flatMap(([key, entry]) => [
    under(path, key),
    ...keysIn(kind.record[key] ?? 'any', entry, under(path, key)),
  ])
}
