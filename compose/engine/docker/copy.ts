import { packTar, type TarEntry } from 'modern-tar'
import type { ContainerSpec } from '../engine.ts'
import { type Api, call } from './api.ts'
import { placedFiles } from './mounts.ts'

/** Puts the secrets and configs that are no files of this machine into a container that has not started yet. */
export async function copyTexts(api: Api, container: string, { name, service, model }: ContainerSpec): Promise<void> {
  const entries = placedFiles(service.config, model).flatMap(({ target, content, uid, gid, mode }): TarEntry[] => {
    if (!content) return []
    const size = Buffer.byteLength(content)
    return [{ header: { name: target.slice(1), size, uid, gid, mode, mtime: new Date() }, body: content }]
  })
  if (entries.length === 0) return
  const archive = Buffer.from(await packTar(entries))
  await call(`copy secrets and configs into ${name}`, () => api.container(container).putArchive(archive, { path: '/' }))
}
