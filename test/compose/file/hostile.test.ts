import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StackError } from '../../../compose/errors.ts'
import { openProject } from '../../../compose/file/project.ts'

let directory = ''

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'compose-hostile-')))
})

afterEach(() => rmSync(directory, { recursive: true }))

function write(files: Record<string, string | Buffer>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
}

const model = (env: Record<string, string> = {}) => openProject({ directory, env }).model()

/** What is told of a failure, the project's directory left out. */
function told(env: Record<string, string> = {}): string {
  try {
    model(env)
  } catch (thrown) {
    if (!(thrown instanceof StackError)) throw thrown
    return [thrown.message, ...thrown.details].join('\n').replaceAll(`${directory}/`, '')
  }
  throw new Error('nothing was thrown')
}

describe('what is no file', () => {
  it('is told of a directory, and of a pipe that nobody writes to', () => {
    mkdirSync(join(directory, 'compose.yaml'))
    expect(told()).toBe('cannot read compose.yaml: it is a directory')
    rmSync(join(directory, 'compose.yaml'), { recursive: true })
    execFileSync('mkfifo', [join(directory, 'compose.yaml')])
    expect(told()).toBe('cannot read compose.yaml: it is a pipe')
  })

  it.each([
    ['bytes', Buffer.from(Array.from({ length: 500 }, (_, index) => (index * 7919) % 256))],
    ['a picture', Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ', 'base64')],
    ['zeros', Buffer.alloc(1000)],
    ['a list', '- a\n- b\n'],
    ['a word', 'services'],
  ])('that is %s', (_, content) => {
    write({ 'compose.yaml': content })
    expect(told()).toMatch(/compose\.yaml:\d+:\d+ /)
  })
})

describe('a file that wants to be endless', () => {
  it('is stopped when its aliases multiply', () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const items =
        level === 0
          ? '[x]'
          : `[${Array(10)
              .fill(`*l${level - 1}`)
              .join(', ')}]`
      return `x-${level}: &l${level} ${items}`
    })
    write({ 'compose.yaml': `${levels.join('\n')}\nservices: { app: { image: x, dns: *l11 } }\n` })
    expect(told()).toContain('Excessive alias count')
  })

  it('is told the circle of its includes', () => {
    write({
      'compose.yaml': 'include: [a/compose.yaml]\nservices: { main: { image: x } }\n',
      'a/compose.yaml': 'include: [../b.yaml]\nservices: { a: { image: x } }\n',
      'b.yaml': 'include: [compose.yaml]\nservices: { b: { image: x } }\n',
    })
    expect(told()).toBe(
      'b.yaml:1:11 include[0]: include cycle detected: compose.yaml -> a/compose.yaml -> b.yaml -> compose.yaml',
    )
  })

  it('is told the circle of those that extend each other, in one file and through several', () => {
    write({ 'compose.yaml': 'services: { a: { extends: b }, b: { extends: c }, c: { extends: a } }\n' })
    expect(told()).toContain('circular reference: a in compose.yaml -> b in compose.yaml -> c in compose.yaml -> a in')
    write({
      'compose.yaml': 'services: { a: { extends: { file: other.yaml, service: b } } }\n',
      'other.yaml': 'services: { b: { extends: { file: compose.yaml, service: a } } }\n',
    })
    expect(told()).toContain('circular reference: a in compose.yaml -> b in other.yaml -> a in compose.yaml')
  })

  it('is told the circle of its dependencies, however long', () => {
    const services = Array.from({ length: 3000 }, (_, n) => `  s${n}: { image: x, depends_on: [s${(n + 1) % 3000}] }`)
    write({ 'compose.yaml': `services:\n${services.join('\n')}\n` })
    expect(told()).toMatch(/dependency cycle detected: s0 -> s1 -> .* -> s2999 -> s0/)
  })
})

describe('what is missing', () => {
  it.each([
    ['include: [no.yaml]\nservices: { a: { image: x } }', 'include[0]: no such file: no.yaml'],
    ['services: { a: { extends: nobody } }', 'service "nobody" not found in compose.yaml'],
    ['services: { a: { extends: { file: no.yaml, service: b } } }', 'extends: no such file: no.yaml'],
    ['services: { a: { extends: { file: "https://x/y.yaml", service: b } } }', 'is not of this machine'],
    ['include: ["oci://x/y"]\nservices: { a: { image: x } }', 'oci://x/y is not of this machine'],
    ['include: [{ path: compose.yaml, env_file: no.env }]\nservices: { a: { image: x } }', 'include cycle'],
    [
      'services: { a: { image: x, secrets: [s] } }\nsecrets: { s: { file: no.txt } }',
      'secrets.s.file: no such file: no.txt',
    ],
    ['services: { a: { image: x, secrets: [s] } }\nsecrets: { s: { environment: NOPE } }', '"NOPE" is not set'],
    ['services: { a: { image: x, secrets: [s] } }\nsecrets: { s: {} }', 'one of file|environment must be set'],
    [
      'services: { a: { image: x, secrets: [st] } }\nsecrets: { s: { file: /dev/null } }',
      'refers to undefined secret st',
    ],
    ['services: { a: { image: x, configs: [c] } }\nconfigs: { c: { content: a, file: b } }', 'are mutually exclusive'],
    ['services: { a: { image: x, secrets: [s] } }\nsecrets: { s: { external: true } }', 'exist in Swarm only'],
    [
      'services: { a: { image: x, read_only: true, configs: [c] } }\nconfigs: { c: { content: a } }',
      'read-only service',
    ],
    ['services: { a: { image: x, label_file: no.txt } }', 'label_file[0]: no such file: no.txt'],
    ['services: { a: { image: x, volumes_from: [b] } }', 'depends on undefined service "b"'],
    ['services: { a: { image: x, env_file: [{ path: e, format: ini }] } }', 'unsupported env_file format "ini"'],
    ['services: { a: { build: { dockerfile: D, dockerfile_inline: "FROM x" } } }', 'mutually exclusive dockerfile'],
    ['services: { a: { image: x, ports: [{ target: 80, host_ip: localhost }] } }', 'invalid ip address: localhost'],
    ['services: { a: { image: x, gpus: [{ count: 1, device_ids: ["0"] }] } }', '"count" and "device_ids" attributes'],
    [
      'services: { a: { image: x, healthcheck: { test: t, start_interval: 1s } } }',
      'requires healthcheck.start_period',
    ],
  ])('is told: %s', (text, problem) => {
    write({ 'compose.yaml': text })
    expect(told()).toContain(problem)
  })
})

describe('a value that may be a secret', () => {
  it.each([
    'services: { a: { image: x, environment: "PASSWORD=hunter2" } }',
    'services: { a: { image: x, environment: [{ PASSWORD: hunter2 }] } }',
    'services: { a: { image: x, environment: { PASSWORD: [hunter2] } } }',
    'services: { a: { image: x, build: { args: "hunter2" } } }',
    `services: { a: { image: x, environment: { "hunter2 ": "\${hunter2" } } }`,
    'configs: { c: { content: [hunter2] } }\nservices: { a: { image: x } }',
  ])('is not told: %s', (text) => {
    write({ 'compose.yaml': text })
    expect(told().replace('"hunter2 " ends with a space', '').replaceAll('environment.hunter2 ', '')).not.toContain(
      'hunter2',
    )
  })
})

it('takes a file of many services in its stride: a comparison of each with each would take minutes', () => {
  const services = Array.from(
    { length: 4000 },
    (_, n) => `  s${n}: { image: "x:1", environment: { A: b }, ports: ["80"] }`,
  )
  write({ 'compose.yaml': `services:\n${services.join('\n')}\n` })
  expect(Object.keys(model().services)).toHaveLength(4000)
}, 30_000)
