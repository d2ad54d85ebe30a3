import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ServiceConfig } from '../../../compose/file/model.ts'
import { openProject } from '../../../compose/file/project.ts'
import { acceptedHashes, changedParts, configHash, hashedJson, partDigests } from '../../../compose/identity/hash.ts'

const fixtures = join(import.meta.dirname, 'fixtures')

function servicesOf(file: string, env: Record<string, string> = {}): Record<string, ServiceConfig> {
  const { services } = openProject({ files: [join(fixtures, file)], env }).model()
  return Object.fromEntries(Object.entries(services).map(([name, { config }]) => [name, config]))
}

/** Recorded from Docker Compose 2.40.3: `config --hash`, and for env-file.yaml the label of a container it made. */
const recorded: Record<string, { env?: Record<string, string>; hashes: Record<string, string> }> = {
  'stack.yaml': {
    env: { BROKER_PASSWORD: 'secret', TZ: 'Europe/Berlin' },
    hashes: {
      rabbitmq: '6f2ba255c0cd30298ed37749b84ef2e510af543d04ee0036bab5ba474b79e9fd',
      redis: 'b2b4fe27f8fed7af9b324203e144f4985077e41b678aaa08bb6d4447dcf39fa7',
      worker: '9fc2ac786d7876dee222b9730f0e8e591e4fedf2d4cd6ac5ee383250a49cdb9a',
    },
  },
  'keys.yaml': {
    hashes: {
      most: '4660b85b2ced4929f99b1b996775c31968408c59a9707e224f45b900b442d2e5',
      deployed: 'c078dffba09947915a3bd2261531d4b86fe1f8be3f1b41e036700142fca1571b',
      shared: 'dc24ff960ecf923b3cc87b8c060b04c23780c2c7f7ddbd2e68db8e7edb735594',
    },
  },
  'env-file.yaml': {
    hashes: { app: 'b874a9571fef31bb093a19b6d6e64daef88fdd53c787a1ebce0dd763137706bb' },
  },
}

describe('config-hash', () => {
  for (const [file, { env, hashes }] of Object.entries(recorded)) {
    it(`equals what Compose 2.40.3 computes for ${file}`, () => {
      const services = servicesOf(file, env)
      const computed = Object.entries(services).map(([name, config]) => [name, configHash(config, 'v2')])
      expect(Object.fromEntries(computed)).toEqual(hashes)
    })
  }

  it('differs between the families only in how a bind mount says that its source may be created', () => {
    const { worker } = servicesOf('stack.yaml', { BROKER_PASSWORD: 'secret' })
    const config = worker as ServiceConfig
    expect(hashedJson(config, 'v2')).toContain('"bind":{"create_host_path":true}')
    expect(hashedJson(config, 'v5')).toBe(hashedJson(config, 'v2').replace('"create_host_path":true', ''))
    const { most } = servicesOf('keys.yaml')
    expect(hashedJson(most as ServiceConfig, 'v5')).toContain(
      '"bind":{"propagation":"rshared","create_host_path":false}',
    )
    expect(hashedJson(most as ServiceConfig, 'v2')).toContain('"bind":{"propagation":"rshared"}')
  })

  it('is the SHA-256 of the text', () => {
    const { app } = servicesOf('env-file.yaml')
    const text = hashedJson(app as ServiceConfig, 'v2')
    expect(configHash(app as ServiceConfig, 'v2')).toBe(createHash('sha256').update(text).digest('hex'))
  })

  it('is the same whatever is built, scaled, pulled, depended on or enabled', () => {
    const { worker } = servicesOf('stack.yaml', { BROKER_PASSWORD: 'secret' })
    const config = worker as ServiceConfig
    const { depends_on: _, ...free } = config
    const other = { ...free, scale: 7, pull_policy: 'always', profiles: ['x'] }
    expect(acceptedHashes(other)).toEqual(acceptedHashes(config))
  })
})

describe('the parts of a configuration', () => {
  it('tell what changed, variable by variable, without keeping values', () => {
    const base: ServiceConfig = { command: null, entrypoint: null, image: 'a', environment: { A: '1', B: '2' } }
    const after: ServiceConfig = { ...base, image: 'b', environment: { A: '1', B: '3', C: null } }
    expect(changedParts(partDigests(base), partDigests(after))).toBe(
      'image changed, environment.B changed, environment.C added',
    )
    expect(changedParts(partDigests(base), partDigests(base))).toBeUndefined()
    expect(JSON.stringify(partDigests({ ...base, environment: { PASSWORD: 'hunter2' } }))).not.toContain('hunter2')
  })
})
