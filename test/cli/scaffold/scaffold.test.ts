import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultAnswers, planScaffold } from '../../../cli/scaffold/plan.ts'
import { writeScaffold } from '../../../cli/scaffold/write.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'celery-sandbox-test-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const plan = (overrides = {}) => planScaffold({ ...defaultAnswers, name: 'shop', ...overrides }, home)
const content = (path: string, overrides = {}) =>
  plan(overrides).files.find((file) => file.path === path)?.content ?? ''
const nothing = async () => {}

describe('a plan', () => {
  it('is a whole project', () => {
    expect(plan().files.map(({ path }) => path)).toEqual([
      '.env',
      '.env.example',
      '.gitignore',
      'README.md',
      'app.ts',
      'celery.config.ts',
      'compose.yaml',
      'package.json',
      'tasks/arithmetics.ts',
      'tasks/geometry.ts',
      'tsconfig.json',
    ])
  })

  it('has passwords of its own, in a file for its owner’s eyes that git ignores', () => {
    const [one, other] = [content('.env'), content('.env')]
    expect(one).toMatch(/^RABBITMQ_PASSWORD=[0-9a-f]{36}$/m)
    expect(one).not.toContain('change-me')
    expect(one).not.toBe(other)
    expect(plan().files.find(({ path }) => path === '.env')?.mode).toBe(0o600)
    expect(content('.gitignore').split('\n')).toContain('.env')
  })

  it('has Redis alone when that is the broker', () => {
    expect(content('compose.yaml', { broker: 'redis' })).not.toContain('rabbitmq')
    expect(content('.env', { broker: 'redis' })).not.toContain('RABBITMQ')
  })

  it('is named after its directory', () => {
    expect(JSON.parse(content('package.json')).name).toBe('shop')
  })

  it.each(['../evil', 'a/../../b', '/etc', 'a b', '-x', '', 'x\0y', 'é', '.hidden'])('refuses the name %j', (name) => {
    expect(() => plan({ name })).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }))
  })
})

describe('writing', () => {
  it('leaves exactly the planned files, with their modes', async () => {
    await writeScaffold(plan(), { force: false, finish: nothing })
    const written = (await readdir(join(home, 'shop'), { recursive: true, withFileTypes: true })).filter((e) =>
      e.isFile(),
    )
    expect(written).toHaveLength(plan().files.length)
    expect((await stat(join(home, 'shop', '.env'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(home, 'shop'))).mode & 0o777).toBe(0o777 & ~process.umask())
  })

  it('refuses a directory that is not empty, and touches nothing in it', async () => {
    await writeScaffold(plan(), { force: false, finish: nothing })
    await writeFile(join(home, 'shop', 'app.ts'), 'mine')
    await expect(writeScaffold(plan(), { force: false, finish: nothing })).rejects.toMatchObject({
      code: 'DIRECTORY_EXISTS',
    })
    expect(await readFile(join(home, 'shop', 'app.ts'), 'utf8')).toBe('mine')
  })

  it('overwrites when told to, but keeps the passwords', async () => {
    await writeScaffold(plan(), { force: false, finish: nothing })
    const before = await readFile(join(home, 'shop', '.env'), 'utf8')
    await writeFile(join(home, 'shop', 'app.ts'), 'mine')
    await writeScaffold(plan(), { force: true, finish: nothing })
    expect(await readFile(join(home, 'shop', 'app.ts'), 'utf8')).toBe(content('app.ts'))
    expect(await readFile(join(home, 'shop', '.env'), 'utf8')).toBe(before)
  })

  it('replaces links instead of following them out of the project', async () => {
    await mkdir(join(home, 'shop'))
    await mkdir(join(home, 'outside'))
    await writeFile(join(home, 'outside', 'app.ts'), 'mine')
    await symlink(join(home, 'outside', 'app.ts'), join(home, 'shop', 'app.ts'))
    await symlink(join(home, 'outside'), join(home, 'shop', 'tasks'))
    await writeScaffold(plan(), { force: true, finish: nothing })
    expect(await readdir(join(home, 'outside'))).toEqual(['app.ts'])
    expect(await readFile(join(home, 'outside', 'app.ts'), 'utf8')).toBe('mine')
    expect(await readFile(join(home, 'shop', 'app.ts'), 'utf8')).toBe(content('app.ts'))
  })

  it('makes an .env that it keeps its owner’s alone', async () => {
    await mkdir(join(home, 'shop'))
    await writeFile(join(home, 'shop', '.env'), 'REDIS_PASSWORD=x', { mode: 0o644 })
    await writeScaffold(plan(), { force: true, finish: nothing })
    expect((await stat(join(home, 'shop', '.env'))).mode & 0o777).toBe(0o600)
  })

  it.each([true, false])('refuses a file in its place (force: %s)', async (force) => {
    await writeFile(join(home, 'shop'), 'mine')
    await expect(writeScaffold(plan(), { force, finish: nothing })).rejects.toMatchObject({
      code: 'DIRECTORY_EXISTS',
      message: expect.stringContaining('is a file'),
    })
  })

  it('keeps the package that the project is made with in git, so that a clone can be installed', () => {
    expect(content('.gitignore')).not.toContain('vendor')
  })

  it('leaves nothing when it is interrupted', async () => {
    const finish = async () => {
      throw new Error('interrupted')
    }
    await expect(writeScaffold(plan(), { force: false, finish })).rejects.toThrow('interrupted')
    expect(await readdir(home)).toEqual([])
  })
})
