import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
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
  const home = env.HOME ?? homedir()
  const plugin = [
    join(env.DOCKER_CONFIG || join(home, '.docker'), 'cli-plugins'),
    '/usr/local/lib/docker/cli-plugins',
    '/usr/local/libexec/docker/cli-plugins',
    '/usr/lib/docker/cli-plugins',
    '/usr/libexec/docker/cli-plugins',
  ]
    .map((directory) => join(directory, process.platform === 'win32' ? 'docker-compose.exe' : 'docker-compose'))
    .find(existsSync)
  if (!plugin) return undefined
  try {
    const { stdout } = await promisify(execFile)(plugin, ['version', '--short'], { timeout: 3000 })
    return familyOfVersion(stdout.trim())
  } catch {
    return undefined
  }
}
