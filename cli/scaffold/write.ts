import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliError } from '../errors.ts'
import type { PlannedFile, ScaffoldPlan } from './plan.ts'

/**
 * Writes a project, whole or not at all: a new one is made beside its place and moved there when it is complete.
 *
 * @param force write into a directory that has something in it; its .env is kept
 * @param finish what else belongs to a complete project, done before it is moved to its place
 * @throws {CliError} DIRECTORY_EXISTS
 */
export async function writeScaffold(
  { directory, files }: ScaffoldPlan,
  { force, finish }: { force: boolean; finish: (directory: string) => Promise<void> },
): Promise<void> {
  await refuseTaken(directory, force)
  if (!(await isVacant(directory))) {
    const isKept = await keepPasswords(join(directory, '.env'))
    await writeFiles(
      directory,
      files.filter(({ path }) => !(path === '.env' && isKept)),
    )
    return finish(directory)
  }
  await mkdir(dirname(directory), { recursive: true })
  const draft = await mkdtemp(join(dirname(directory), '.celery-sandbox-'))
  try {
    await writeFiles(draft, files)
    await finish(draft)
    await chmod(draft, 0o777 & ~process.umask()) // a temporary directory is its owner's alone
    await rm(directory, { recursive: true, force: true })
    await rename(draft, directory)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

/** @throws {CliError} DIRECTORY_EXISTS */
export async function refuseTaken(directory: string, force: boolean): Promise<void> {
  const there = await stat(directory).catch(() => undefined)
  if (!there) return
  if (!there.isDirectory()) {
    throw new CliError('DIRECTORY_EXISTS', `${directory} is a file`, { next: 'Choose another name.' })
  }
  if (!force && !(await isVacant(directory))) {
    throw new CliError('DIRECTORY_EXISTS', `${directory} is there already, and not empty`)
  }
}

/** An .env that is there stays as it is, and becomes its owner's alone. */
async function keepPasswords(path: string): Promise<boolean> {
  const there = await lstat(path).catch(() => undefined)
  if (there?.isFile()) await chmod(path, 0o600)
  return there !== undefined
}

async function isVacant(directory: string): Promise<boolean> {
  return !existsSync(directory) || (await readdir(directory)).length === 0
}

async function writeFiles(directory: string, files: readonly PlannedFile[]): Promise<void> {
  for (const { path, content, mode } of files) {
    const target = join(directory, path)
    await replaceLinks(directory, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content, { mode })
  }
}

/** A link may lead out of the project: what is written takes its place. */
async function replaceLinks(directory: string, path: string): Promise<void> {
  let at = directory
  for (const step of path.split('/')) {
    at = join(at, step)
    const there = await lstat(at).catch(() => undefined)
    if (there?.isSymbolicLink()) await rm(at)
  }
}
