import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StackError } from '../../../compose/errors.ts'
import type { Model, ServiceConfig } from '../../../compose/file/model.ts'
import { openProject, type ProjectOptions } from '../../../compose/file/project.ts'

let directory = ''

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'compose-file-')))
})

afterEach(() => rmSync(directory, { recursive: true }))

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
}

function open(options: ProjectOptions = {}) {
  return openProject({ directory, env: {}, ...options })
}

function model(text: string, options: ProjectOptions = {}): Model {
  write({ 'compose.yaml': text })
  return open(options).model()
}

function service(text: string, name = 'app'): ServiceConfig {
  const found = model(text).services[name]
  if (!found) throw new Error(`no service ${name}`)
  return found.config
}

it('says of an .env that is no file that it cannot be read', () => {
  write({ 'compose.yaml': 'services: { app: { image: x } }' })
  mkdirSync(join(directory, '.env'))
  expect(failure(() => open().model())).toMatchObject({
    code: 'COMPOSE_FILE_INVALID',
    message: expect.stringContaining('.env:1:1 it cannot be read'),
  })
})

function failure(work: () => unknown): StackError {
  try {
    work()
  } catch (thrown) {
    if (thrown instanceof StackError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

const minimal = 'services: { app: { image: x } }\n'

describe('finding a project', () => {
  it('looks in the directory and then in each parent', () => {
    write({ 'docker-compose.yml': minimal, 'a/b/.keep': '' })
    const project = open({ directory: join(directory, 'a', 'b') })
    expect(project.directory).toBe(directory)
    expect(project.files).toEqual([join(directory, 'docker-compose.yml')])
  })

  it('prefers compose.yaml and adds one override', () => {
    write({ 'compose.yaml': minimal, 'docker-compose.yml': minimal, 'compose.override.yml': minimal })
    expect(open().files).toEqual([join(directory, 'compose.yaml'), join(directory, 'compose.override.yml')])
  })

  it('takes the files it is given, without an override, relative to where it stands', () => {
    write({ 'deploy/a.yaml': minimal, 'deploy/b.yaml': minimal, 'deploy/compose.override.yml': minimal })
    const project = open({ files: ['deploy/a.yaml', 'deploy/b.yaml'] })
    expect(project.directory).toBe(join(directory, 'deploy'))
    expect(project.files.map((file) => file.slice(directory.length))).toEqual(['/deploy/a.yaml', '/deploy/b.yaml'])
  })

  it('obeys COMPOSE_FILE, also from .env', () => {
    write({ 'a.yaml': minimal, 'b.yaml': minimal, '.env': 'COMPOSE_FILE=b.yaml' })
    expect(open({ env: { COMPOSE_FILE: 'a.yaml:b.yaml' } }).files).toHaveLength(2)
    expect(open().files).toEqual([join(directory, 'b.yaml')])
  })

  it('says so when there is none', () => {
    expect(failure(open).code).toBe('COMPOSE_FILE_NOT_FOUND')
    expect(failure(() => open({ files: ['nope.yaml'] })).message).toContain('nope.yaml')
    expect(open({ projectName: 'elsewhere' }).name).toBe('elsewhere')
  })
})

describe('the name of a project', () => {
  it('is given, or from the environment, or from the file, or the directory', () => {
    write({ 'My Shop/compose.yaml': minimal, 'named/compose.yaml': `name: \${NAME:-Shop-X}\n${minimal}` })
    const named = { directory: join(directory, 'named') }
    expect(open({ directory: join(directory, 'My Shop') }).name).toBe('myshop')
    expect(open(named).name).toBe('shop-x')
    expect(open({ ...named, env: { NAME: 'other' } }).name).toBe('other')
    expect(open({ ...named, env: { COMPOSE_PROJECT_NAME: 'env' } }).name).toBe('env')
    expect(open({ ...named, projectName: 'flag', env: { COMPOSE_PROJECT_NAME: 'env' } }).name).toBe('flag')
  })

  it('must be proper when it is chosen on purpose', () => {
    write({ 'compose.yaml': minimal })
    expect(failure(() => open({ projectName: 'My Shop' })).code).toBe('PROJECT_NAME_INVALID')
  })

  it('is known even when the file is broken', () => {
    write({ 'compose.yaml': 'name: shop\nservices: { app: { imag: x } }' })
    expect(open().name).toBe('shop')
    write({ 'compose.yaml': 'name: shop\nservices: [' })
    expect(open().name).toBe('shop')
  })
})

describe('the environment', () => {
  it('is .env under the variables of the caller', () => {
    write({ '.env': 'A=file\nB=file' })
    const { app } = model('services: { app: { image: "$A-$B" } }', { env: { B: 'caller' } }).services
    expect(app?.config.image).toBe('file-caller')
  })

  it('fills in keys without a value and lets the service win over its files', () => {
    write({ 'one.env': `A=one\nB=one\nC=\${A}-$CALLER`, 'two.env': 'B=two' })
    const { app } = model(
      'services: { app: { image: x, env_file: [one.env, two.env], environment: [A=own, CALLER, UNKNOWN] } }',
      { env: { CALLER: 'c' } },
    ).services
    expect(app?.config.environment).toEqual({ A: 'own', B: 'two', C: 'own-c', CALLER: 'c', UNKNOWN: null })
  })

  it('must have the files it names, unless they are not required', () => {
    expect(
      service('services: { app: { image: x, env_file: [{ path: no.env, required: false }] } }').environment,
    ).toBeUndefined()
    const { message } = failure(() => model('services:\n  app:\n    image: x\n    env_file: no.env\n'))
    expect(message).toBe(`compose.yaml:4:15 services.app.env_file[0]: no such file: ${join(directory, 'no.env')}`)
  })
})

describe('several files', () => {
  const merged = (base: string, over: string) => {
    write({ 'base.yaml': base, 'over.yaml': over })
    return open({ files: ['base.yaml', 'over.yaml'] }).model()
  }

  it('merge mappings, replace plain values and commands, and add to lists', () => {
    const { app } = merged(
      'services: { app: { image: a, command: [a, b], environment: { A: 1, B: 1 }, cap_add: [X], expose: [1] } }',
      'services: { app: { image: b, command: c, environment: [B=2, C=3], cap_add: [X, Y], expose: [2] } }',
    ).services
    expect(app?.config).toMatchObject({
      image: 'b',
      command: ['c'],
      environment: { A: '1', B: '2', C: '3' },
      cap_add: ['X', 'Y'],
      expose: ['1', '2'],
    })
  })

  it('replace the entries of a list that mean the same thing', () => {
    const { app } = merged(
      'services: { app: { image: a, ports: ["80:80", "81:81"], volumes: ["v1:/data", "./x:/x"] } }\nvolumes: { v1: , v2: }',
      'services: { app: { ports: [{ target: 80, published: 80, name: web }], volumes: ["v2:/data"] } }',
    ).services
    expect(app?.config.ports?.map(({ target, name }) => [target, name])).toEqual([
      [80, 'web'],
      [81, undefined],
    ])
    expect(app?.config.volumes?.map(({ source, target }) => [source?.replace(directory, ''), target])).toEqual([
      ['v2', '/data'],
      ['/x', '/x'],
    ])
  })

  it('merge logging only with the same driver', () => {
    const base = 'services: { app: { image: a, logging: { driver: json-file, options: { max-size: 1m } } } }'
    const same = merged(base, 'services: { app: { logging: { options: { max-file: 2 } } } }').services.app
    const other = merged(base, 'services: { app: { logging: { driver: syslog } } }').services.app
    expect(same?.config.logging).toEqual({ driver: 'json-file', options: { 'max-size': '1m', 'max-file': '2' } })
    expect(other?.config.logging).toEqual({ driver: 'syslog' })
  })

  it('drop what is reset and replace what is overridden', () => {
    const { app } = merged(
      'services: { app: { image: a, ports: ["80:80"], environment: { A: 1, B: 2 }, dns: [1.1.1.1] } }',
      'services: { app: { ports: !override ["81:81"], environment: { A: !reset null }, dns: !reset [] } }',
    ).services
    expect(app?.config.ports?.map(({ target }) => target)).toEqual([81])
    expect(app?.config.environment).toEqual({ B: '2' })
    expect(app?.config.dns).toBeUndefined()
  })
})

describe('the model', () => {
  it('resolves anchors, merge keys and extensions', () => {
    const config = service(`
x-base: &base
  image: x
  environment: { A: 1 }
services:
  app:
    <<: *base
    restart: always
    x-note: { any: thing }
`)
    expect(config).toMatchObject({ image: 'x', environment: { A: '1' }, restart: 'always' })
    expect(config).not.toHaveProperty('x-note')
  })

  it('puts a service on the default network unless it says otherwise', () => {
    const { networks, services } = model(
      'services: { app: { image: x }, host: { image: x, network_mode: host }, own: { image: x, networks: [back] } }\nnetworks: { back: }',
      { projectName: 'p' },
    )
    expect(Object.entries(networks).map(([key, { name }]) => [key, name])).toEqual([
      ['default', 'p_default'],
      ['back', 'p_back'],
    ])
    expect(services.app?.config.networks).toEqual({ default: null })
    expect(services.host?.config.networks).toBeUndefined()
  })

  it('names external things as they are called', () => {
    const { networks, volumes } = model(
      'services: { app: { image: x, networks: [a], volumes: ["bb:/b", "dd:/d"] } }\nnetworks: { a: { external: true } }\nvolumes: { bb: { external: true, name: c }, dd: { name: e } }',
    )
    expect([networks.a?.name, volumes.bb?.name, volumes.dd?.name]).toEqual(['a', 'c', 'e'])
  })

  it('makes links and shared namespaces dependencies', () => {
    const { depends_on } = service(
      'services: { app: { image: x, links: ["db:d"], network_mode: "service:net" }, db: { image: x }, net: { image: x } }',
    )
    expect(Object.keys(depends_on ?? {})).toEqual(['db', 'net'])
  })

  it('leaves out services whose profile is not active', () => {
    const text = 'services: { app: { image: x }, tool: { image: x, profiles: [debug] } }'
    expect(model(text).disabled).toEqual(['tool'])
    expect(Object.keys(model(text, { profiles: ['debug'] }).services)).toEqual(['app', 'tool'])
    expect(Object.keys(model(text, { env: { COMPOSE_PROFILES: 'x,debug' } }).services)).toEqual(['app', 'tool'])
    expect(Object.keys(model(text, { profiles: ['*'] }).services)).toEqual(['app', 'tool'])
  })

  it('counts replicas by scale or deploy', () => {
    const { services } = model(
      'services: { a: { image: x, scale: 3 }, b: { image: x, deploy: { replicas: 0 } }, c: { image: x } }',
    )
    expect(Object.values(services).map(({ replicas }) => replicas)).toEqual([3, 0, 1])
  })

  it('warns about what is understood but not done, and about unset variables', () => {
    const { warnings } = model('version: "3"\nservices: { app: { image: "x$NOPE", pre_stop: [{ command: x }] } }')
    expect(warnings).toEqual([
      'compose.yaml:2:27 services.app.image: the variable NOPE is not set; a blank string is used',
      'compose.yaml:1:1 version: has no meaning any more; remove it',
      'compose.yaml:2:37 services.app.pre_stop: is ignored: hooks are not run here',
    ])
  })
})

describe('a file with mistakes', () => {
  const details = (text: string) => {
    const { message, details: lines } = failure(() => model(text))
    return lines.length > 0 ? lines : [message]
  }

  it('is told all of them at once, each with its place and what was expected', () => {
    expect(
      details(`
services:
  web:
    image: x
    enviroment: { A: 1 }
    ports: "80"
    tty: maybe
    user: 1000
    depends_on: [rediss]
    healthcheck: { interval: 5x, test: [foo] }
    volumes: ["dat:/x", { type: bind, target: /y }, { target: /z }]
  redis: { image: redis, networks: [front], image_name: y }
  c: {}
volumes: { data: }
`),
    ).toEqual([
      'compose.yaml:5:5 services.web.enviroment: additional properties \'enviroment\' not allowed; did you mean "environment"?',
      'compose.yaml:6:12 services.web.ports: expected a list, got "80"',
      'compose.yaml:7:10 services.web.tty: expected true or false, got "maybe"',
      'compose.yaml:8:11 services.web.user: expected a string, got 1000 (in quotes it would be a string)',
      'compose.yaml:9:18 services.web.depends_on.rediss: depends on undefined service "rediss"; did you mean "redis"?',
      'compose.yaml:10:30 services.web.healthcheck.interval: expected a duration such as 30s or 1m30s, got "5x"',
      'compose.yaml:10:40 services.web.healthcheck.test: expected a list that begins with CMD, CMD-SHELL or NONE, got a list',
      'compose.yaml:11:15 services.web.volumes[0]: refers to undefined volume dat; did you mean "data"?',
      'compose.yaml:11:25 services.web.volumes[1]: a bind mount needs a source',
      "compose.yaml:11:53 services.web.volumes[2]: missing property 'type'",
      'compose.yaml:12:37 services.redis.networks.front: refers to undefined network front',
      "compose.yaml:12:45 services.redis.image_name: additional properties 'image_name' not allowed",
      'compose.yaml:13:6 services.c: service "c" has neither an image nor a build context specified',
    ])
  })

  it('points into the YAML when that is the mistake', () => {
    expect(details('services:\n  app: { image: x, image: y }\n')).toEqual(['compose.yaml:2:20 Map keys must be unique'])
    expect(details('services:\n  app: [\n')[0]).toMatch(/^compose\.yaml:3:1 /)
  })

  it('says so when an anchor holds itself', () => {
    expect(details('services:\n  app: &a\n    image: x\n    x-self: *a\n')).toEqual([
      'compose.yaml:1:1 an alias stands inside its own anchor',
    ])
  })

  it('points at an anchor when the mistake came through it', () => {
    expect(details('x-a: &a\n  imag: x\nservices:\n  app:\n    <<: *a\n    image: y\n')).toEqual([
      'compose.yaml:2:3 services.app.imag: additional properties \'imag\' not allowed; did you mean "image"?',
    ])
  })

  it('points at the file that has it', () => {
    write({ 'a.yaml': 'services: { app: { image: x } }', 'b.yaml': 'services:\n  app: { scale: many }\n' })
    const { message } = failure(() => open({ files: ['a.yaml', 'b.yaml'] }).model())
    expect(message).toBe('b.yaml:2:17 services.app.scale: expected a whole number, got "many"')
  })

  it.each([
    ['{ image: x, network_mode: host, networks: [n] }', 'declares mutually exclusive `network_mode` and `networks`'],
    [
      '{ image: x, container_name: a1, scale: 2 }',
      "can't set container_name and scale as container name must be unique",
    ],
    ['{ image: x, scale: 2, deploy: { replicas: 3 } }', "can't set distinct values on 'scale' and 'deploy.replicas'"],
    [
      '{ image: x, cpus: 1, deploy: { resources: { limits: { cpus: 2 } } } }',
      "can't set distinct values on 'cpus' and 'deploy.resources'",
    ],
    ['{ image: x, tmpfs: [/a], volumes: ["v:/b", "/a"] }', 'target /a is mounted twice'],
    ['{ image: x, depends_on: [app] }', 'dependency cycle detected: app -> app'],
    ['{ image: x, depends_on: { other: { restart: true } } }', "missing property 'condition'"],
    ['{ image: x, environment: ["A =1"] }', '"A " ends with a space'],
    ['{ image: x, command: "a (b" }', 'expected a command with balanced quotes, got "a (b"'],
    ['{ image: x, container_name: one }', 'service "other" has the container_name "one" already'],
  ])('of meaning: %s', (config, problem) => {
    const text = `services:\n  other: { image: x, container_name: one }\n  app: ${config}\nnetworks: { n: }\nvolumes: { v: }\n`
    expect(details(text).join()).toContain(problem)
  })

  it('that is well formed but asks too much is told which keys, and what to do instead', () => {
    const error = failure(() =>
      model('services:\n  app:\n    image: x\n    use_api_socket: true\n    pre_start: [{ command: prepare }]\n'),
    )
    expect(error.code).toBe('COMPOSE_UNSUPPORTED')
    expect(error.message).toContain('compose.yaml:4:5 services.app.use_api_socket: no container gets the Docker socket')
    expect(error.message).toContain('compose.yaml:5:5 services.app.pre_start')
    expect(error.next).toContain('docker compose up')
  })
})
