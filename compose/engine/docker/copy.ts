import { readFile, stat } from 'node:fs/promises'
import { packTar, type TarEntry } from 'modern-tar'
import type { ContainerSpec, SyncedFile } from '../engine.ts'
import { type Api, call } from './api.ts'
import { placedFiles } from './mounts.ts'
import { execDetached } from './session.ts'

/** Puts the secrets and configs that are no files of this machine into a container that has not started yet. */
export async function copyTexts(api: Api, container: string, { name, service, model }: ContainerSpec): Promise<void> {
  const entries = placedFiles(service.config, model).flatMap(({ target, content, uid, gid, mode }): TarEntry[] => {
    if (!content) return []
    const size = Buffer.byteLength(content)
    return [{ header: { name: target.slice(1), size, uid, gid, mode, mtime: new Date() }, body: content }]
  })
  if (entries.length === 0) return
  await put(api, container, entries, `copy secrets and configs into ${name}`)
}

/** Copies files into a container that runs; what is no more here is removed there. */
export async function syncFiles(api: Api, container: string, files: readonly SyncedFile[]): Promise<void> {
  const entries = await Promise.all(files.map(async (file) => ({ file, entry: await entryOf(file) })))
  const gone = entries.flatMap(({ file, entry }) => (entry === 'gone' ? [file.target] : []))
  const there = entries.flatMap(({ entry }) => (entry === 'gone' || entry === 'no file' ? [] : [entry]))
  if (there.length > 0) await put(api, container, there, `copy files into ${api.nameOf(container)}`)
  if (gone.length > 0) {
    await execDetached(api, container, { command: ['rm', '-rf', '--', ...gone], user: '0', tty: false })
  }
}

async function entryOf({ source, target }: SyncedFile): Promise<TarEntry | 'gone' | 'no file'> {
  const found = await stat(source).catch(() => undefined)
  if (!found) return 'gone'
  // Directories come with what is in them.
  if (!found.isFile()) return 'no file'
  const body = await readFile(source)
  const { mode, mtime } = found
  return { header: { name: target.slice(1), size: body.length, mode: mode & 0o777, mtime }, body }
}

async function put(api: Api, container: string, entries: readonly TarEntry[], doing: string): Promise<void> {
  const archive = Buffer.from(await packTar([...entries]))
  await call(doing, () => api.container(container).putArchive(archive, { path: '/' }))
}
