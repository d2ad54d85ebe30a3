import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
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
  if (!(await isVacant(directory))) {
    if (!force) throw new CliError('DIRECTORY_EXISTS', `${directory} is there already, and not empty`)
    await writeFiles(
      directory,
      files.filter(({ path }) => !(path === '.env' && existsSync(join(directory, path)))),
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

async function isVacant(directory: string): Promise<boolean> {
  return !existsSync(directory) || (await readdir(directory)).length === 0
}

async function writeFiles(directory: string, files: readonly PlannedFile[]): Promise<void> {
  for (const { path, content, mode } of files) {
    const target = join(directory, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content, { mode })
  }
}
