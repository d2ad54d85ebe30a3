import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Floors of a house, from the ground up: a file may import from its own room and from lower floors only. */
const floors: Readonly<Record<string, readonly (readonly string[])[]>> = {
  src: [
    [
      'errors',
      'batch',
      'clock',
      'fnmatch',
      'log',
      'log-format',
      'nodename',
      'once',
      'pattern',
      'persist',
      'process-start',
      'service',
      'url',
      'version',
      'wildcard',
    ],
    ['protocol'],
    ['transport'],
    ['backend', 'events', 'control'],
    ['result'],
    ['canvas', 'schedule'],
    ['app'],
    ['trace', 'beat'],
    ['celery', 'pool'],
    ['worker'],
    ['testing'],
    ['index'],
  ],
  compose: [
    ['channel', 'errors', 'events', 'lines', 'state-directory'],
    ['file'],
    ['identity'],
    ['engine'],
    ['plan'],
    ['execute'],
    ['verbs'],
    ['stack', 'doctor'],
    ['index'],
  ],
}

/** Rooms that stand apart: they see the ground floor and nothing else, and only index sees them. */
const apart = ['embedded']

/** Each third-party library has one home; a trailing slash means the whole folder. */
const homes: Record<string, string[]> = {
  '@cfworker/json-schema': ['compose/file/spec/judge.ts'],
  '@balena/dockerignore': ['compose/engine/docker/build/context.ts', 'compose/plan/reactions.ts'],
  chokidar: ['compose/verbs/watch.ts'],
  '@msgpack/msgpack': ['src/protocol/serializer.ts'],
  acorn: ['src/app/parameters.ts'],
  amqplib: ['src/transport/amqp/'],
  'astronomy-engine': ['src/schedule/solar.ts'],
  commander: ['cli/program.ts'],
  dockerode: ['compose/engine/docker/'],
  ink: ['cli/ui/'],
  '@inkjs/ui': ['cli/ui/'],
  ioredis: ['src/transport/redis/connection.ts'],
  leven: ['src/app/config/names.ts', 'compose/file/nearest.ts'],
  re2js: ['cli/logs/filter.ts'],
  'modern-tar': ['compose/engine/docker/', 'cli/doctor/archive.ts'],
  postgres: ['src/backend/database/postgresql.ts'],
  react: ['cli/ui/'],
  vitest: ['src/testing/vitest.ts'],
  yaml: ['compose/file/print.ts', 'compose/file/yaml/', 'src/protocol/serializer.ts'],
}

const root = normalize(join(import.meta.dirname, '..'))
const files = globSync('{cli,compose,src}/**/*.{ts,tsx}', { cwd: root })
  .map((path) => path.replaceAll('\\', '/'))
  .sort()

const importStatement =
  /^\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/gm

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  return [...text.matchAll(importStatement)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

const imports = files.flatMap((file) => importsOf(file).map((target) => ({ file, target })))
const local = imports
  .filter(({ target }) => target.startsWith('.'))
  .map(({ file, target }) => ({
    file,
    target: relative(root, join(root, dirname(file), target)).replaceAll('\\', '/'),
  }))

const house = (file: string) => file.split('/')[0] ?? ''
const room = (file: string) => (file.split('/')[1] ?? '').replace(/\.tsx?$/, '')
const floor = (file: string) => (floors[house(file)] ?? []).findIndex((rooms) => rooms.includes(room(file)))
const isIndex = (file: string) => /(^|\/)index\.tsx?$/.test(file)

describe('architecture', () => {
  it('finds the code it judges', () => {
    expect(files.length).toBeGreaterThan(4)
    expect(local.length).toBeGreaterThan(0)
  })

  it('has a place for every room', () => {
    const known = (file: string) => [...(floors[house(file)] ?? []).flat(), ...apart]
    expect(files.filter((file) => house(file) in floors && !known(file).includes(room(file)))).toEqual([])
  })

  it('imports only downwards', () => {
    const upward = local.filter(({ file, target }) => {
      if (!(house(file) in floors) || house(file) !== house(target) || room(file) === room(target)) return false
      if (apart.includes(room(file))) return floor(target) !== 0
      if (apart.includes(room(target))) return room(file) !== 'index'
      // The ground floor is one room of loose files; elsewhere neighbours do not meet.
      return floor(target) > floor(file) || (floor(target) === floor(file) && floor(file) > 0)
    })
    expect(upward).toEqual([])
  })

  it('keeps compose and src from meeting, and both from knowing cli', () => {
    const foreign = local.filter(({ file, target }) => house(file) !== 'cli' && house(file) !== house(target))
    expect(foreign).toEqual([])
  })

  it('lets cli enter compose and src by the front door only', () => {
    const sideDoor = local.filter(
      ({ file, target }) => house(file) === 'cli' && house(target) !== 'cli' && !isIndex(target),
    )
    expect(sideDoor).toEqual([])
  })

  it('lets nobody inside import an index file', () => {
    const circular = local.filter(({ file, target }) => house(file) === house(target) && isIndex(target))
    expect(circular).toEqual([])
  })

  it('has no import circles', () => {
    const graph = Map.groupBy(local, ({ file }) => file)
    const done = new Set<string>()
    const circles: string[] = []
    const visit = (file: string, path: string[]) => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
      if (path.includes(file) || done.has(file)) return
      for (const { target } of graph.get(file) ?? []) visit(target, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
    expect(circles).toEqual([])
  })

  it('gives each third-party library one home', () => {
    const strangers = imports.filter(({ file, target }) => {
      if (target.startsWith('.') || target.startsWith('node:')) return false
      const name = target
        .split('/')
        .slice(0, target.startsWith('@') ? 2 : 1)
        .join('/')
      return !homes[name]?.some((home) => (home.endsWith('/') ? file.startsWith(home) : file === home))
    })
    expect(strangers).toEqual([])
  })
})
