import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createTarDecoder, type TarHeader } from 'modern-tar'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { buildContext, isRemoteContext } from '../../../../../compose/engine/docker/build/context.ts'
import { StackError } from '../../../../../compose/errors.ts'
import type { BuildConfig } from '../../../../../compose/file/model.ts'

let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'build-context-'))
})

afterEach(() => rmSync(root, { recursive: true }))

function write(files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
}

interface Entry {
  readonly header: TarHeader
  readonly content: string
}

async function entries(build: Partial<BuildConfig> = {}): Promise<readonly Entry[]> {
  const { tar } = await buildContext({ context: root, ...build })
  const found: Entry[] = []
  const decoded = Readable.toWeb(tar()).pipeThrough(createTarDecoder() as never) as unknown as AsyncIterable<{
    header: TarHeader
    body: never
  }>
  for await (const { header, body } of decoded) found.push({ header, content: await text(body) })
  return found
}

const names = async (build: Partial<BuildConfig> = {}) => (await entries(build)).map(({ header }) => header.name)

describe('the context of a build', () => {
  it('has every file of the directory, in order', async () => {
    write({ Dockerfile: 'FROM x', 'src/b.ts': '', 'src/a.ts': 'a', 'README.md': 'read' })
    expect(await names()).toEqual(['Dockerfile', 'README.md', 'src/', 'src/a.ts', 'src/b.ts'])
    expect((await entries()).find(({ header }) => header.name === 'src/a.ts')?.content).toBe('a')
    expect((await buildContext({ context: root })).bytes).toBe(11)
  })

  it('leaves out what .dockerignore names, but never the files that the builder reads itself', async () => {
    write({
      '.dockerignore': 'node_modules\n*.log\n**/secret\n!keep.log\nDockerfile\n.dockerignore\n',
      Dockerfile: 'FROM x',
      'node_modules/x/index.js': '',
      'a.log': '',
      'keep.log': '',
      'deep/in/secret': '',
      'deep/in/open': '',
    })
    expect(await names()).toEqual(['.dockerignore', 'Dockerfile', 'deep/', 'deep/in/', 'deep/in/open', 'keep.log'])
  })

  it('has exceptions within what is left out', async () => {
    write({ '.dockerignore': '*\n!src/main.ts\n', Dockerfile: '', 'src/main.ts': '', 'src/other.ts': '', 'x/y': '' })
    expect(await names()).toEqual(['.dockerignore', 'Dockerfile', 'src/', 'src/main.ts'])
  })

  it('tells small letters from capitals', async () => {
    write({ '.dockerignore': 'readme\n', Dockerfile: '', README: '' })
    expect(await names()).toContain('README')
  })

  it('follows the ignore file of its own Dockerfile before the common one', async () => {
    write({ '.dockerignore': 'a\n', 'dev.Dockerfile': 'FROM x', 'dev.Dockerfile.dockerignore': 'b\n', a: '', b: '' })
    expect(await names({ dockerfile: 'dev.Dockerfile' })).toEqual([
      '.dockerignore',
      'a',
      'dev.Dockerfile',
      'dev.Dockerfile.dockerignore',
    ])
  })

  it('keeps symbolic links as they are', async () => {
    write({ Dockerfile: '' })
    symlinkSync('/nowhere', join(root, 'link'))
    const link = (await entries()).find(({ header }) => header.name === 'link')
    expect(link?.header).toMatchObject({ type: 'symlink', linkname: '/nowhere' })
  })

  it('belongs to nobody, with times in whole seconds: the same files are the same tar', async () => {
    write({ Dockerfile: '' })
    utimesSync(join(root, 'Dockerfile'), 1_700_000_000.7, 1_700_000_000.7)
    const [first] = await entries()
    expect(first?.header).toMatchObject({ uid: 0, gid: 0, mtime: new Date(1_700_000_000_000) })
    const tar = async () => (await buildContext({ context: root })).tar()
    expect(await text(await tar())).toBe(await text(await tar()))
  })

  it('gets a Dockerfile from elsewhere, which COPY does not find', async () => {
    write({ 'ctx/a': '', 'docker/Dockerfile': 'FROM elsewhere' })
    const context = join(root, 'ctx')
    const { dockerfile } = await buildContext({ context, dockerfile: '../docker/Dockerfile' })
    const all = await entries({ context, dockerfile: '../docker/Dockerfile' })
    expect(all.find(({ header }) => header.name === dockerfile)?.content).toBe('FROM elsewhere')
    expect(all.find(({ header }) => header.name === '.dockerignore')?.content.split('\n')).toEqual(
      expect.arrayContaining([dockerfile, '.dockerignore']),
    )
  })

  it('gets a Dockerfile that stands in the compose file', async () => {
    write({ '.dockerignore': 'b\n', a: '', b: '' })
    const { dockerfile, dockerfileText } = await buildContext({ context: root, dockerfile_inline: 'FROM here' })
    expect(dockerfileText).toBe('FROM here')
    expect((await names({ dockerfile_inline: 'FROM here' })).sort()).toEqual(['.dockerignore', dockerfile, 'a'].sort())
  })

  it('may be somewhere else', () => {
    expect(isRemoteContext({ context: 'https://example.org/shop.git#main' })).toBe(true)
    expect(isRemoteContext({ context: '/srv/shop' })).toBe(false)
  })

  it.each([
    [{ context: '/nowhere/at/all' }, 'the build context /nowhere/at/all is not there', 'build.context'],
    [{ dockerfile: 'Nofile' }, 'there is no Dockerfile at', 'build.dockerfile'],
  ])('that is not there is told with the way out: %j', async (build, message, next) => {
    const failure = await buildContext({ context: root, ...build }).catch((thrown: unknown) => thrown)
    expect(failure).toBeInstanceOf(StackError)
    expect(failure).toMatchObject({ code: 'BUILD_FAILED', message: expect.stringContaining(message) })
    expect((failure as StackError).next).toContain(next)
  })
})
