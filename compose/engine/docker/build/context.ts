import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { Readable } from 'node:stream'
import dockerignore from '@balena/dockerignore'
import { packTar, type TarSource } from 'modern-tar/fs'
import { StackError, systemCodeOf } from '../../../errors.ts'
import type { BuildConfig } from '../../../file/model.ts'

/** What a builder is sent: the files of a directory on this machine, as a tar that is read as it is sent. */
export interface BuildContext {
  /** The path of the Dockerfile within the tar. */
  readonly dockerfile: string
  readonly dockerfileText: string
  /** Of all files, without what the tar adds. */
  readonly bytes: number
  /** A new tar each time; whoever does not read it to its end destroys it. */
  tar(): Readable
}

/** Whether the builder fetches the context itself: a Git repository or an archive. */
export function isRemoteContext({ context = '.' }: BuildConfig): boolean {
  return !isAbsolute(context) && !/^[a-z]:[\\/]/i.test(context)
}

/**
 * Lists what belongs to the context of a build. Owners are left out, so that the same files are the same to the
 * builder's cache whoever sends them.
 *
 * @throws {StackError} BUILD_FAILED when there is no such directory or Dockerfile
 */
export async function buildContext(build: BuildConfig): Promise<BuildContext> {
  const root = build.context ?? '.'
  await mustBeDirectory(root)
  const file = await dockerfileOf(build, root)
  const ignoreFile = ignoreFileOf(build, root)
  const rules = ignoreFile === undefined ? '' : await readFile(ignoreFile, 'utf8')
  // The builder needs these two whatever the rules say; it leaves out itself what they exclude.
  const needed = ['.dockerignore', ...(file.inside === undefined ? [] : [file.inside])]
  const files = await listed(root, rules, needed)
  const added = file.inside === undefined ? injected(file, rules) : []
  const replaced = new Set(added.map(({ target }) => target))
  const sources = [...files.filter(({ source }) => !replaced.has(source.target)).map(({ source }) => source), ...added]
  return {
    dockerfile: file.name,
    dockerfileText: file.text,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    tar: () => packTar(sources),
  }
}

async function mustBeDirectory(root: string): Promise<void> {
  const found = await stat(root).catch(() => undefined)
  if (found?.isDirectory()) return
  const next = 'Correct `build.context` in the compose file, or make the directory.'
  throw new StackError('BUILD_FAILED', `the build context ${root} is ${found ? 'no directory' : 'not there'}`, { next })
}

interface Dockerfile {
  /** Within the tar. */
  readonly name: string
  readonly text: string
  /** Its path in the context, if it stands there. */
  readonly inside: string | undefined
}

async function dockerfileOf(build: BuildConfig, root: string): Promise<Dockerfile> {
  if (build.dockerfile_inline) return outside(build.dockerfile_inline)
  const path = resolve(root, build.dockerfile ?? 'Dockerfile')
  try {
    const text = await readFile(path, 'utf8')
    const inside = relative(root, path).split(sep).join('/')
    return inside.startsWith('../') || isAbsolute(inside) ? outside(text) : { name: inside, text, inside }
  } catch (cause) {
    const code = systemCodeOf(cause)
    const message = code === 'ENOENT' ? `there is no Dockerfile at ${path}` : `cannot read ${path}: ${code}`
    const next = 'Write it, or name another with `build.dockerfile`; its path begins at the context.'
    throw new StackError('BUILD_FAILED', message, { cause, next })
  }
}

/** Under a name that depends on nothing but its text. */
function outside(text: string): Dockerfile {
  return {
    name: `.dockerfile.${createHash('sha256').update(text).digest('hex').slice(0, 12)}`,
    text,
    inside: undefined,
  }
}

/** `Dockerfile.dev.dockerignore` beside its Dockerfile counts before the `.dockerignore` of the context. */
function ignoreFileOf({ dockerfile = 'Dockerfile', dockerfile_inline }: BuildConfig, root: string): string | undefined {
  const own = dockerfile_inline ? [] : [`${resolve(root, dockerfile)}.dockerignore`]
  return [...own, join(root, '.dockerignore')].find((file) => existsSync(file))
}

/** A Dockerfile from elsewhere, which `COPY .` must not find: the builder drops what the ignore file names. */
function injected({ name, text }: Dockerfile, rules: string): readonly TarSource[] {
  const content = (target: string, text: string): TarSource => ({
    type: 'content',
    target,
    content: text,
    mode: 0o644,
    mtime: new Date(0),
  })
  return [content(name, text), content('.dockerignore', `${rules}\n${name}\n${rules === '' ? '.dockerignore\n' : ''}`)]
}

interface Listed {
  readonly source: TarSource
  readonly bytes: number
}

async function listed(root: string, rules: string, needed: readonly string[]): Promise<readonly Listed[]> {
  const ignore = dockerignore.default({ ignorecase: false }).add(rules)
  const exceptions = rules.split(/\r?\n/).flatMap((line) => /^\s*!\s*\/?(\S.*?)\s*$/.exec(line)?.[1] ?? [])
  // Within a directory that is ignored, only exceptions and what the builder needs may be found.
  const mayHold = (directory: string) =>
    exceptions.some((pattern) => pattern.startsWith('*') || isWithin(pattern, directory)) ||
    needed.some((path) => isWithin(path, directory))
  const walk = async (directory: string): Promise<readonly Listed[]> => {
    const entries = await readdir(join(root, directory), { withFileTypes: true })
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    const found: Listed[] = []
    for (const entry of entries) {
      const target = directory === '' ? entry.name : `${directory}/${entry.name}`
      const isKept = !ignore.ignores(target) || needed.includes(target)
      if (!entry.isDirectory()) {
        if (isKept && (entry.isFile() || entry.isSymbolicLink())) found.push(await fileAt(root, target))
      } else if (isKept || mayHold(target)) {
        const within = await walk(target)
        if (isKept || within.length > 0) found.push(await directoryAt(root, target), ...within)
      }
    }
    return found
  }
  return walk('')
}

function isWithin(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`)
}

const owner = { uid: 0, gid: 0 } as const

async function fileAt(root: string, target: string): Promise<Listed> {
  const source = join(root, target)
  const { size, mtime } = await lstat(source)
  return { source: { type: 'file', source, target, mtime: wholeSeconds(mtime), ...owner }, bytes: size }
}

async function directoryAt(root: string, target: string): Promise<Listed> {
  const { mode, mtime } = await lstat(join(root, target))
  const entry = { target: `${target}/`, mode: mode & 0o7777, mtime: wholeSeconds(mtime), ...owner }
  return { source: { type: 'content', content: null, ...entry }, bytes: 0 }
}

function wholeSeconds(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000)
}
