import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { run } from '../../support/process.ts'

const bin = join(import.meta.dirname, '..', '..', '..', 'cli', 'bin.ts')

let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'doctor-cli-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

const doctor = (...args: string[]) =>
  run(process.execPath, [bin, 'doctor', ...args], {
    cwd: directory,
    env: { HOME: directory, DOCKER_HOST: 'tcp://me:hidden@127.0.0.1:1', NO_COLOR: '1' },
  })

it('ends well without Docker and without a project, and says what runs the stack', { timeout: 30_000 }, async () => {
  const { code, stdout } = await doctor()
  expect(code).toBe(0)
  expect(stdout).toContain('  ✗ DOCKER_HOST: Docker not reachable at tcp://me:**@127.0.0.1:1')
  expect(stdout).toContain('  · no compose file here or in a directory above')
  expect(stdout).toContain('Well enough: up runs on the embedded engine, without Docker.')
})

it('speaks one document of JSON, and ends with 3 when nothing can be started', { timeout: 30_000 }, async () => {
  writeFileSync(join(directory, 'compose.yaml'), 'services: { app: { imag: x } }\n')
  const { code, stdout } = await doctor('--json')
  expect(code).toBe(3)
  const [document, ...rest] = stdout.trim().split('\n')
  expect(rest).toEqual([])
  expect(JSON.parse(document ?? '')).toMatchObject({ type: 'doctor', works: { docker: false, embedded: false } })
  expect(stdout).not.toContain('hidden')
})

it('writes a bundle for its owner alone, and says where', { timeout: 30_000 }, async () => {
  expect((await doctor('--bundle', 'mine.tar.gz')).stdout).toContain(`Written to ${join(directory, 'mine.tar.gz')}`)
  expect(statSync(join(directory, 'mine.tar.gz')).mode & 0o777).toBe(0o600)
  await doctor('--bundle')
  expect(readdirSync(directory).some((name) => /^celery-sandbox-doctor-.*\.tar\.gz$/.test(name))).toBe(true)
  const refused = await doctor('--bundle', 'no/such/place.tar.gz')
  expect([refused.code, existsSync(join(directory, 'no'))]).toEqual([1, false])
  expect(refused.stderr).toContain('Name a file that can be written')
})
