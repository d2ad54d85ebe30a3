import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collectBundle } from '../../../compose/doctor/bundle.ts'
import { examine } from '../../../compose/doctor/doctor.ts'
import { lockState, whileAlone } from '../../../compose/execute/lock.ts'
import { stateFiles } from '../../../compose/state-directory.ts'

let directory = ''
const servers: Server[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'doctor-'))
})

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
  rmSync(directory, { recursive: true })
})

const compose = (text: string) => writeFileSync(join(directory, 'compose.yaml'), text)
const nowhere = () => ({ HOME: directory, DOCKER_HOST: 'unix:///nope' })
const options = (env: Record<string, string> = nowhere()) => ({ directory, env, commands: { broker: [], bin: [] } })
const texts = async (env?: Record<string, string>) => (await examine(options(env))).findings.map(({ text }) => text)

describe('the doctor', () => {
  it('needs no Docker and no project', async () => {
    const { facts, works } = await examine(options())
    const chosen = facts.endpoints.slice(0, 3)
    expect(chosen.map(({ by, url, trouble }) => [by, url, trouble?.code])).toEqual([
      ['DOCKER_HOST', 'unix:///nope', 'DOCKER_UNREACHABLE'],
      ['DOCKER_CONTEXT', undefined, undefined],
      ['config.json', undefined, undefined],
    ])
    expect(facts.engine).toBeUndefined()
    expect(works).toEqual({ docker: false, embedded: true })
  })

  it('follows the chain of the docker CLI', async () => {
    mkdirSync(join(directory, '.docker'))
    writeFileSync(join(directory, '.docker', 'config.json'), '{"currentContext":"gone"}')
    const { facts, works } = await examine(options({ HOME: directory }))
    expect(facts.endpoints[2]).toMatchObject({ by: 'config.json', trouble: { code: 'DOCKER_CONTEXT_NOT_FOUND' } })
    expect(facts.endpoints.find(({ isUsed }) => isUsed)).toBeUndefined()
    expect(works.embedded).toBe(true)
  })

  it('tells every mistake of a compose file', async () => {
    compose('services:\n  app: { imag: x }\n')
    const { findings, works } = await examine(options())
    expect(findings).toContainEqual(expect.objectContaining({ mark: 'bad', text: expect.stringContaining('mistake') }))
    expect(works).toEqual({ docker: false, embedded: false })
  })

  it('tells of a file that is no YAML, of one that is not there, and of a name that cannot be', async () => {
    compose('services: [')
    expect((await examine(options())).works.embedded).toBe(false)
    const missing = await examine({ ...options(), files: ['nope.yaml'] })
    expect(missing.findings.at(-1)?.text).toContain('nope.yaml')
    compose('services: { app: { image: x } }')
    const named = await examine({ ...options(), projectName: 'Not Good' })
    expect(named.facts.projectTrouble?.code).toBe('PROJECT_NAME_INVALID')
  })

  it('tells of a place that cannot keep what it must', async () => {
    compose('services: { app: { image: x } }')
    writeFileSync(join(directory, '.celery-sandbox'), 'a file')
    expect(await texts()).toContain(`${join(directory, '.celery-sandbox')} cannot be written`)
  })

  it('tells who has a port that the project wants', async () => {
    const server = createServer()
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    compose(`services: { redis: { image: redis, ports: ["127.0.0.1:${port}:6379"] } }`)
    expect(await texts()).toContainEqual(expect.stringMatching(new RegExp(`^port ${port} of redis is taken by .*pid`)))
  })
})

describe('the lock of a project', () => {
  it('is free, held, or left over by one that was killed', async () => {
    expect(lockState(directory).state).toBe('free')
    const signal = new AbortController().signal
    await whileAlone(directory, { holder: 'up', onWait: () => {}, signal }, async () => {
      expect(lockState(directory)).toEqual({ state: 'held', holder: `up (process ${process.pid})` })
    })
    expect(lockState(directory)).toEqual({ state: 'free', holder: '' })
    writeFileSync(stateFiles.lockHolder(directory), 'up (process 12)')
    expect(lockState(directory)).toEqual({ state: 'left over', holder: 'up (process 12)' })
  })
})

describe('a bundle', () => {
  const collect = async () => collectBundle(await examine(options()), options())

  it('is there without a project', async () => {
    expect((await collect()).files.map(({ name }) => name)).toEqual(['doctor.json', 'versions.json'])
  })

  it('has the mistakes of a broken file in place of its model', async () => {
    compose('services:\n  app: { imag: x }\n')
    const { files } = await collect()
    expect(files.find(({ name }) => name === 'config.error.txt')?.text).toContain("'imag' not allowed")
  })

  it('knows what must not be in it', async () => {
    writeFileSync(join(directory, '.env'), 'PLAIN=from-dot-env\nPIN=77\nQUOTED="with spaces"\n')
    compose(
      'services: { app: { image: x, environment: { DB_PASSWORD: in-the-file, URL: "redis://:in-an-address@h", PIN: $PIN } } }',
    )
    const { files, secrets } = await collect()
    expect(secrets).toEqual(expect.arrayContaining(['from-dot-env', 'with spaces', 'in-the-file', 'in-an-address']))
    const config = JSON.parse(files.find(({ name }) => name === 'config.json')?.text ?? '')
    expect(config.services.app.config.environment).toMatchObject({ DB_PASSWORD: '**', PIN: '**' })
  })
})
