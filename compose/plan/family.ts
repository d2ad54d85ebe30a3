import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findPlugin } from '../engine/docker/plugins.ts'
import type { ContainerState } from '../engine/engine.ts'
import type { Environment } from '../file/discover.ts'
import type { HashFamily } from '../identity/hash.ts'
import { composeLabels, familyOfVersion } from '../identity/labels.ts'

/**
 * The family of config-hashes to write: that of the project's containers, else that of the Compose plugin the user
 * would run, else the newest.
 */
export async function chooseFamily(containers: readonly ContainerState[], env: Environment): Promise<HashFamily> {
  const versions = containers.map(({ labels }) => familyOfVersion(labels[composeLabels.version]))
  return versions.find((family) => family !== undefined) ?? (await pluginFamily(env)) ?? 'v5'
}

async function pluginFamily(env: Environment): Promise<HashFamily | undefined> {
  const plugin = findPlugin('compose', env)
  if (!plugin) return undefined
  try {
    const { stdout } = await promisify(execFile)(plugin, ['version', '--short'], { timeout: 3000 })
    return familyOfVersion(stdout.trim())
  } catch {
    return undefined
  }
}
