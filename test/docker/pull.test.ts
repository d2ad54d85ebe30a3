import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StackError, StackEvent } from '../../compose/index.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith, parts } from '../support/parts.ts'
import { freePort } from '../support/port.ts'
import { run, start } from '../support/process.ts'
import { until } from '../support/wait.ts'
import { collect, operationsIn, Sandbox } from './docker.ts'

failOnLeaks()

let sandbox: Sandbox

beforeEach(() => {
  sandbox = new Sandbox()
})

afterEach(() => sandbox.remove())

async function pull(options: object = {}): Promise<StackEvent[]> {
  return collect((await sandbox.open()).pull(options))
}

const failureOf = (work: Promise<unknown>): Promise<StackError> =>
  work.then(
    () => Promise.reject(new Error('nothing failed')),
    (thrown: StackError) => thrown,
  )

const login = (directory: string, registry: string, user: string) => {
  const auths = { [registry]: { auth: Buffer.from(user).toString('base64') } }
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ auths }))
}

describeWith(['docker', 'images', 'registry'], 'a registry that wants a login', () => {
  const data = mkdtempSync(join(tmpdir(), 'registry-'))
  let address = ''
  let stop: () => Promise<unknown>

  const docker = async (...args: string[]) => {
    const env = { DOCKER_HOST: parts().docker.host, DOCKER_CONFIG: data, DOCKER_BUILDKIT: '0' }
    const { code, stderr } = await run('docker', args, { env })
    if (code !== 0) throw new Error(`docker ${args[0]}: ${stderr}`)
  }

  beforeAll(async () => {
    address = `127.0.0.1:${await freePort()}`
    // tester:secret
    const line = 'tester:$2b$12$wGA2JrdJeVselJZnb2jUM.w5L4iDjuX6mh6zwRYSoY1BhIGq2mpoO'
    writeFileSync(join(data, 'htpasswd'), `${line}\n`)
    const config = {
      version: '0.1',
      storage: { filesystem: { rootdirectory: join(data, 'files') } },
      http: { addr: address },
      auth: { htpasswd: { realm: 'test', path: join(data, 'htpasswd') } },
    }
    writeFileSync(join(data, 'config.yml'), JSON.stringify(config))
    const registry = start(parts().registry.path, ['serve', join(data, 'config.yml')])
    stop = () => registry.stop()
    const answers = () =>
      fetch(`http://${address}/v2/`).then(
        () => true,
        () => false,
      )
    await until(answers, { describe: 'the registry to answer' })
    login(data, address, 'tester:secret')
    // Two images that share a layer.
    const context = join(data, 'context')
    mkdirSync(context)
    writeFileSync(join(context, 'big'), Buffer.alloc(1_000_000, 'a layer that both have '))
    for (const name of ['one', 'two']) {
      writeFileSync(join(context, 'Dockerfile'), `FROM scratch\nCOPY big /big\nCOPY Dockerfile /${name}\n`)
      await docker('build', '--tag', `${address}/${name}`, context)
      await docker('push', `${address}/${name}`)
      await docker('rmi', `${address}/${name}`)
    }
  })

  afterAll(async () => {
    await stop()
    rmSync(data, { recursive: true })
  })

  beforeEach(() => {
    login(join(sandbox.directory, '.docker'), address, 'tester:secret')
    sandbox.write(`
services:
  one: { image: ${address}/one }
  again: { image: ${address}/one }
  two: { image: ${address}/two }
`)
  })

  afterEach(async () => {
    for (const name of ['one', 'two']) await docker('rmi', `${address}/${name}`).catch(() => {})
  })

  it('gives its images to who has logged in, each once', async () => {
    const events = await pull()
    expect(operationsIn(events)).toEqual([
      `pull ${address}/one (not in the local store)`,
      `pull ${address}/two (not in the local store)`,
    ])
    const fractions = events.flatMap((event) => (event.type === 'pull' ? [event.fraction] : []))
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b))
    const pulled = events.flatMap((event) =>
      event.type === 'image' && event.step === 'pulled' ? [[event.image, event.services]] : [],
    )
    expect(pulled.sort()).toEqual([
      [`${address}/one`, ['one', 'again']],
      [`${address}/two`, ['two']],
    ])
    expect(operationsIn(await pull({ policy: 'missing' }))).toEqual([
      `pull ${address}/one (asked for)`,
      `pull ${address}/two (asked for)`,
    ])
  })

  it.each([
    ['nobody', undefined],
    ['one with a wrong password', 'tester:wrong'],
  ])('refuses %s', async (_, user) => {
    login(join(sandbox.directory, '.docker'), user ? address : 'elsewhere.example.org', user ?? 'a:b')
    const failure = await failureOf(pull({ services: ['one'] }))
    expect(failure.code).toBe('IMAGE_PULL_FAILED')
    expect(failure.message).toContain(`cannot pull ${address}/one: the registry wants a login (`)
    expect(failure.next).toBe(`Run \`docker login ${address}\`, then this again.`)
  })

  it('says which images it does not have', async () => {
    sandbox.write(`services: { app: { image: "${address}/nowhere:1" } }`)
    const failure = await failureOf(pull())
    expect(failure.message).toContain('there is no such image, or it is private')
    expect(failure.next).toContain('Check name and tag')
  })

  it('says for which processors it has none', async () => {
    const headers = { authorization: `Basic ${Buffer.from('tester:secret').toString('base64')}` }
    const type = 'application/vnd.docker.distribution.manifest.v2+json'
    const at = (tag: string) => `http://${address}/v2/one/manifests/${tag}`
    const manifest = await (await fetch(at('latest'), { headers: { ...headers, accept: type } })).text()
    const list = 'application/vnd.docker.distribution.manifest.list.v2+json'
    const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`
    const platform = { architecture: 's390x', os: 'linux' }
    const manifests = [{ mediaType: type, digest, size: manifest.length, platform }]
    const body = JSON.stringify({ schemaVersion: 2, mediaType: list, manifests })
    const put = await fetch(at('other'), { method: 'PUT', headers: { ...headers, 'content-type': list }, body })
    expect(put.status).toBe(201)
    sandbox.write(`services: { app: { image: "${address}/one:other" } }`)
    const failure = await failureOf(pull())
    expect(failure.message).toContain('the image does not exist for this kind of processor')
    expect(failure.next).toContain('`platform:`')
  })

  it('gives what its pull asks for while up brings the stack', async () => {
    // They have no command: they can be had, but not run.
    await failureOf(sandbox.up({ services: ['one'], images: { pull: 'always' } }))
    expect((await sandbox.docker('images', '--quiet', `${address}/one`)).trim()).not.toBe('')
  })
})

describeWith(['docker', 'images'], 'a pull that cannot be done', () => {
  const servers: Server[] = []

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
  })

  /** Speaks as a registry does as far as its refusals go. */
  async function refusing(status: number, code: string, message: string): Promise<string> {
    const server = createServer(({ url }, response) => {
      const body = url === '/v2/' ? '{}' : JSON.stringify({ errors: [{ code, message }] })
      response.writeHead(url === '/v2/' ? 200 : status, { 'content-type': 'application/json' }).end(body)
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('is told with the limit of the registry', async () => {
    const address = await refusing(429, 'TOOMANYREQUESTS', 'You have reached your unauthenticated pull rate limit.')
    sandbox.write(`services: { app: { image: ${address}/x } }`)
    const failure = await failureOf(pull())
    expect(failure.message).toContain('the registry allows no more pulls for now')
    expect(failure.next).toContain(`docker login ${address}`)
  })

  it('is told with the fault of the registry', async () => {
    const address = await refusing(503, 'UNAVAILABLE', 'down')
    sandbox.write(`services: { app: { image: ${address}/x } }`)
    expect((await failureOf(pull())).message).toContain('the registry has a fault of its own')
  })

  it('is told with the network', async () => {
    sandbox.write(`services: { app: { image: 127.0.0.1:1/x } }`)
    const failure = await failureOf(pull())
    expect(failure.message).toContain('the registry cannot be reached')
    expect(failure.next).toContain('--engine embedded')
  })

  it('is told with the name', async () => {
    sandbox.write(`services: { app: { image: UPPER/case } }`)
    expect((await failureOf(pull())).message).toContain('this is no name of an image')
  })

  describe('but can be built', () => {
    it('is built by up', async () => {
      const image = `127.0.0.1:1/${sandbox.name}`
      sandbox.write(`services: { app: { image: ${image}, build: ., command: sh -c "echo done" } }`)
      writeFileSync(join(sandbox.directory, 'Dockerfile'), 'FROM celery-sandbox-test/debian\n')
      const events = await sandbox.up()
      expect(operationsIn(events)).toContain(`pull ${image} (not in the local store; built if it cannot be pulled)`)
      expect(events).toContainEqual(expect.objectContaining({ type: 'image', image, step: 'built' }))
      expect(events).toContainEqual(
        expect.objectContaining({ type: 'warning', message: expect.stringContaining('cannot be reached') }),
      )
      await sandbox.down()
      await sandbox.docker('rmi', image)
    })
  })
})
